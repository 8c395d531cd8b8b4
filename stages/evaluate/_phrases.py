"""Phrases: rates and differences as a sentence can say them."""

from core.intervals import Interval


def points(rate: Interval) -> Interval:
    """Return a rate, or a difference of rates, in percentage points."""
    value, low, high = (None if end is None else 100 * end for end in (rate["value"], rate["low"], rate["high"]))
    return {"value": value, "low": low, "high": high, "n": rate["n"]}


def percent(rate: Interval) -> str:
    """Return "61.4 % (60.1 to 62.7)", or "61.4 %" where there are too few blocks for an interval."""
    said = points(rate)
    if said["value"] is None:
        return "nothing"
    return f"{said['value']:.1f} %" + _within(said["low"], said["high"])


def gap(difference: Interval) -> str:
    """Return "10.2 points (8.9 to 11.5) more", or "less" with the signs turned round, of a difference in points."""
    value, low, high = difference["value"], difference["low"], difference["high"]
    if value is None:
        return "nothing to compare"
    if value < 0:
        return f"{-value:.1f} points{_within(_turned(high), _turned(low))} less"
    return f"{value:.1f} points{_within(low, high)} more"


def beyond(difference: Interval) -> bool:
    """Return whether there is an interval and it leaves out 0."""
    low, high = difference["low"], difference["high"]
    return low is not None and high is not None and not low <= 0 <= high


def _turned(end: float | None) -> float | None:
    return None if end is None else -end


def _within(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" ({low:.1f} to {high:.1f})".replace("-", "−")
