"""Axes: from figures to places on a drawing, and round numbers to mark them with."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 340  # units of every drawing: about as many pixels on a phone, so that text keeps its size


@dataclass(frozen=True)
class Axis:
    """A stretch of figures laid on a stretch of the drawing."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a figure; what lies outside is put at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)


def compute_range(
    values: Iterable[float | None], margin_share: float = 0.06, min_width: float = 1e-9
) -> tuple[float, float]:
    """Return the stretch that holds all figures with some room on both sides; 0 to 1 where there are none."""
    known_values = [value for value in values if value is not None]
    if not known_values:
        return 0.0, 1.0
    low, high = min(known_values), max(known_values)
    margin = margin_share * (high - low) if high - low > min_width else max(abs(high) * margin_share, min_width, 0.01)
    return low - margin, high + margin


def compute_ticks(low: float, high: float, max_count: int = 5) -> tuple[list[float], int]:
    """Return round numbers within a stretch, and the digits after the point that tell them apart."""
    min_step = (high - low) / max_count
    magnitude = 10.0 ** math.floor(math.log10(min_step))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= min_step)
    first_multiple, last_multiple = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [multiple * step for multiple in range(first_multiple, last_multiple + 1)], max(
        0, -math.floor(math.log10(step) + 1e-9)
    )


def format_coordinate(value: float) -> str:
    """Return a place on the drawing with a tenth of a unit, always in the same bytes."""
    text = f"{value:.1f}"
    return "0" if text in ("-0.0", "0.0") else text.removesuffix(".0")
