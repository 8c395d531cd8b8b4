"""Pages of many runs: one self-contained HTML file, with the charts of the report page."""
