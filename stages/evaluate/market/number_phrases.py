"""Rates and differences of rates, formatted for use in a sentence."""

from trueline.core.stats.confidence_intervals import Interval


def convert_to_points(rate: Interval) -> Interval:
    """Return a rate, or a difference of rates, in percentage points."""
    value, low, high = (None if bound is None else 100 * bound for bound in (rate["value"], rate["low"], rate["high"]))
    return {"value": value, "low": low, "high": high, "n": rate["n"]}


def format_percent(rate: Interval) -> str:
    """Return "61.4 % (60.1 to 62.7)", "61.4 %" without an interval, and "nothing" without a value."""
    rate_points = convert_to_points(rate)
    if rate_points["value"] is None:
        return "nothing"
    return f"{rate_points['value']:.1f} %" + _format_interval(rate_points["low"], rate_points["high"])


def format_points_difference(difference: Interval) -> str:
    """Return "10.2 points (8.9 to 11.5) more", or "… less" with the signs reversed, for a difference in points."""
    value, low, high = difference["value"], difference["low"], difference["high"]
    if value is None:
        return "nothing to compare"
    if value < 0:
        return f"{-value:.1f} points{_format_interval(_negate_bound(high), _negate_bound(low))} less"
    return f"{value:.1f} points{_format_interval(low, high)} more"


def is_clear_of_zero(difference: Interval) -> bool:
    """Return whether there is an interval and it excludes 0."""
    low, high = difference["low"], difference["high"]
    return low is not None and high is not None and not low <= 0 <= high


def _negate_bound(bound: float | None) -> float | None:
    return None if bound is None else -bound


def _format_interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" ({low:.1f} to {high:.1f})".replace("-", "−")
