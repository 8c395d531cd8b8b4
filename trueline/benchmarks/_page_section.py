"""Page sections: the part of a page in docs that a benchmark writes, between two markers."""

from trueline.core.errors import UserError


def format_markers(benchmark: str) -> tuple[str, str]:
    """Return the lines before and after what a benchmark writes."""
    return f"<!-- written by python -m trueline benchmarks {benchmark} --write -->", "<!-- until here -->"


def replace_section(text: str, section: str, benchmark: str) -> str:
    """Return a page with a new section between its markers; raises UserError if it does not have both, in order.

    >>> start, end = format_markers("pins")
    >>> replace_section(f"{start}\\nold\\n{end}", "new", "pins").splitlines()[1]
    'new'
    """
    start_marker, end_marker = format_markers(benchmark)
    start, end = text.find(start_marker), text.find(end_marker)
    if text.count(start_marker) != 1 or text.count(end_marker) != 1 or start > end:
        raise UserError(
            f"the page of {benchmark} in docs needs the lines {start_marker!r} and {end_marker!r}, once and in this "
            "order; put them back."
        )
    return f"{text[:start]}{start_marker}\n{section}\n{text[end:]}"
