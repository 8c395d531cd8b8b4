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


def span(values: Iterable[float | None], room: float = 0.06, least: float = 1e-9) -> tuple[float, float]:
    """Return the stretch that holds all figures with some room on both sides; 0 to 1 where there are none."""
    known = [value for value in values if value is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    spare = room * (high - low) if high - low > least else max(abs(high) * room, least, 0.01)
    return low - spare, high + spare


def ticks(low: float, high: float, most: int = 5) -> tuple[list[float], int]:
    """Return round numbers within a stretch, and the digits after the point that tell them apart."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [whole * step for whole in range(first, last + 1)], max(0, -math.floor(math.log10(step) + 1e-9))


def place(value: float) -> str:
    """Return a place on the drawing with a tenth of a unit, always in the same bytes."""
    said = f"{value:.1f}"
    return "0" if said in ("-0.0", "0.0") else said.removesuffix(".0")
