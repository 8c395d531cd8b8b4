"""Charts and pages as SVG and HTML, without a library."""
