"""Words: numbers, intervals, names and days as people read them."""

import math
from collections.abc import Mapping
from typing import Any

ENDS = ("value", "low", "high")
DASH = "–"


def number(value: Any) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool | str) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def is_interval(value: Any) -> bool:
    """Return whether a value is an estimate with its ends."""
    return isinstance(value, Mapping) and all(end in value for end in ENDS)


def ends(value: Mapping[str, Any], factor: float = 1.0) -> tuple[float | None, float | None, float | None]:
    """Return the estimate and its two ends times a factor."""
    found = [number(value.get(end)) for end in ENDS]
    first, low, high = (None if one is None else one * factor for one in found)
    return first, low, high


def plain(value: float | None, places: int | None = None, sign: bool = False) -> str:
    """Return a number with sensible digits and a true minus; a dash where there is none."""
    if value is None:
        return DASH
    shown = _places(value) if places is None else places
    said = f"{value:{'+' if sign else ''},.{shown}f}".replace("-", "−")
    return said.replace("−", "").replace("+", "") if not any(letter in "123456789" for letter in said) else said


def digits(low: float | None, high: float | None) -> int | None:
    """Return the digits after the point that show two figures of an interval's width; None where it has none."""
    if low is None or high is None or low == high:
        return None
    return min(6, max(0, 1 - math.floor(math.log10(abs(high - low)))))


def within(
    value: float | None,
    low: float | None,
    high: float | None,
    unit: str = "",
    sign: bool = False,
    places: int | None = None,
) -> str:
    """Return "54.1 % (51.9 to 56.4)", with as many digits as the interval's width bears, or with those asked for."""
    places = digits(low, high) if places is None else places
    said = plain(value, places, sign) + (unit if value is not None else "")
    if value is None or low is None or high is None or low == value == high:
        return said
    return f"{said} ({plain(low, places, sign)} to {plain(high, places, sign)})"


def spoken(name: str) -> str:
    """Return the name of a column, a cause or a check as words."""
    return name.replace("_", " ")


def listed(names: list[str]) -> str:
    """Return "one, two and three"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(how_many: int, one: str, more: str) -> str:
    """Return "1 check" or "3 checks"."""
    return f"{how_many:,} {one if how_many == 1 else more}"


def stopped(text: str) -> str:
    """Return a sentence that ends as one."""
    said = text.strip()
    return said if said.endswith((".", "!", "?", "…")) or not said else f"{said}."


def _places(value: float) -> int:
    size = abs(value)
    if size >= 100 or value == int(value):
        return 0
    if size >= 1:
        return 1 if size >= 10 else 2
    return min(6, max(3, 1 - math.floor(math.log10(size))))
