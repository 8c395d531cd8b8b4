"""Number format: numbers, intervals, names and counts as people read them."""

import math
from collections.abc import Mapping
from typing import Any

INTERVAL_KEYS = ("value", "low", "high")
DASH = "–"


def parse_number(value: Any) -> float | None:
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool | str) or value is None:
        return None
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        return None
    return parsed if math.isfinite(parsed) else None


def parse_text_number(text: str | None) -> float | None:
    """Return the finite number that a text is, or None for any other text."""
    try:
        return parse_number(float(text or ""))
    except ValueError:
        return None


def is_interval(value: Any) -> bool:
    """Return whether a value is an estimate with its bounds."""
    return isinstance(value, Mapping) and all(key in value for key in INTERVAL_KEYS)


def get_interval_values(
    value: Mapping[str, Any], factor: float = 1.0
) -> tuple[float | None, float | None, float | None]:
    """Return the estimate and its two bounds, times a factor."""
    values = [parse_number(value.get(key)) for key in INTERVAL_KEYS]
    estimate, low, high = (None if figure is None else figure * factor for figure in values)
    return estimate, low, high


def format_number(value: float | None, decimals: int | None = None, signed: bool = False) -> str:
    """Return a number with sensible decimals and a true minus sign; a dash for None."""
    if value is None:
        return DASH
    shown_decimals = _choose_decimals(value) if decimals is None else decimals
    text = f"{value:{'+' if signed else ''},.{shown_decimals}f}".replace("-", "−")
    return text.replace("−", "").replace("+", "") if not any(letter in "123456789" for letter in text) else text


def count_interval_decimals(low: float | None, high: float | None) -> int | None:
    """Return the decimals that show two digits of an interval's width; None if it has no width."""
    if low is None or high is None or low == high:
        return None
    return min(6, max(0, 1 - math.floor(math.log10(abs(high - low)))))


def format_interval(
    value: float | None,
    low: float | None,
    high: float | None,
    unit: str = "",
    signed: bool = False,
    decimals: int | None = None,
) -> str:
    """Return "54.1 % (51.9 to 56.4)", with `decimals` or as many as the interval's width supports."""
    decimals = count_interval_decimals(low, high) if decimals is None else decimals
    text = format_number(value, decimals, signed) + (unit if value is not None else "")
    if value is None or low is None or high is None or low == value == high:
        return text
    return f"{text} ({format_number(low, decimals, signed)} to {format_number(high, decimals, signed)})"


def format_name(name: str) -> str:
    """Return the name of a column, cause or check as words."""
    return name.replace("_", " ")


def join_names(names: list[str]) -> str:
    """Return "one, two and three"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def format_count(count: int, singular: str, plural: str) -> str:
    """Return "1 check" or "3 checks"."""
    return f"{count:,} {singular if count == 1 else plural}"


def close_sentence(text: str) -> str:
    """Return a text with a full stop at its end, unless it is empty or ends a sentence already."""
    stripped = text.strip()
    return stripped if stripped.endswith((".", "!", "?", "…")) or not stripped else f"{stripped}."


def _choose_decimals(value: float) -> int:
    size = abs(value)
    if size >= 100 or value == int(value):
        return 0
    if size >= 1:
        return 1 if size >= 10 else 2
    return min(6, max(3, 1 - math.floor(math.log10(size))))
