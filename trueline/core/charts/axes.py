"""Axes: map values to positions in a chart, and choose round numbers for ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 340  # width of every chart in units: about as many pixels on a phone, so that text keeps its size


@dataclass(frozen=True)
class Axis:
    """A linear map from a range of values to a range of positions in the chart."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a value; values out of range are put at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def compute_range(
    values: Iterable[float | None], margin_share: float = 0.06, min_width: float = 1e-9
) -> tuple[float, float]:
    """Return a range that holds all values with a margin on both sides; 0 to 1 if there are none."""
    known_values = [value for value in values if value is not None]
    if not known_values:
        return 0.0, 1.0
    low, high = min(known_values), max(known_values)
    margin = margin_share * (high - low) if high - low > min_width else max(abs(high) * margin_share, min_width, 0.01)
    return low - margin, high + margin


def compute_ticks(low: float, high: float, max_count: int = 5) -> tuple[list[float], int]:
    """Return round numbers within a range, and the decimals that tell them apart."""
    min_step = (high - low) / max_count
    magnitude = 10.0 ** math.floor(math.log10(min_step))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= min_step)
    first_multiple, last_multiple = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [multiple * step for multiple in range(first_multiple, last_multiple + 1)], max(
        0, -math.floor(math.log10(step) + 1e-9)
    )


def format_coordinate(value: float) -> str:
    """Return a position to a tenth of a unit; equal positions give equal bytes."""
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")
