"""Formatting for the gap report: rates, differences in percentage points, and periods."""

from trueline.core.stats.confidence_intervals import Interval


def format_percent(rate: Interval) -> str:
    """Return "51.4 % (50.1 to 52.7)", or "51.4 %" without an interval."""
    if rate["value"] is None:
        return "no decided bet"
    interval_text = (
        "" if rate["low"] is None or rate["high"] is None else f" ({100 * rate['low']:.1f} to {100 * rate['high']:.1f})"
    )
    return f"{100 * rate['value']:.1f} %{interval_text}"


def format_points(difference: Interval) -> str:
    """Return a difference of rates as "+4.1 points (+3.2 to +5.0)"."""
    if difference["value"] is None:
        return "an unknown number of points"
    low, high = difference["low"], difference["high"]
    interval_text = "" if low is None or high is None else f" ({100 * low:+.1f} to {100 * high:+.1f})"
    return f"{100 * difference['value']:+.1f} points{interval_text}".replace("-", "−")


def format_stretch(first_day: str, last_day: str) -> str:
    """Return "2024-01-04 to 2024-01-13", or a single day as itself."""
    return first_day if first_day == last_day else f"{first_day} to {last_day}"
