"""Formatting for the gap report: periods."""


def format_stretch(first_day: str, last_day: str) -> str:
    """Return "2024-01-04 to 2024-01-13", or a single day as itself."""
    return first_day if first_day == last_day else f"{first_day} to {last_day}"
