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
    start = text.find(start_marker)
    end = text.find(end_marker, start)
    is_other_between = "<!-- written by" in text[start + len(start_marker) : end]
    if text.count(start_marker) != 1 or end < 0 or is_other_between:
        raise UserError(
            f"the page of {benchmark} in docs needs the lines {start_marker!r}, once, and {end_marker!r} after it; put "
            "them back."
        )
    return f"{text[:start]}{start_marker}\n{section}\n{text[end:]}"
