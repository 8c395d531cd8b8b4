"""Value scale: positions for the values of a parameter or a score, which are numbers or names."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trueline.core.charts.axes import Axis, compute_range, compute_ticks
from trueline.core.charts.chart import format_tick
from trueline.experiments.pages.varied_params import AxisValue

WIDE_RATIO = 50  # from which largest over smallest value are shown by their logarithm
MAX_TICKS = 4
MAX_TICK_LETTERS = 12


@dataclass(frozen=True)
class ValueScale:
    """A map from values to positions between two ends; names are put at equal distances."""

    axis: Axis
    names: tuple[str, ...] = ()
    is_log: bool = False

    def __call__(self, value: AxisValue) -> float:
        """Return the position of a value that the scale was made for."""
        if isinstance(value, str):
            return self.axis(self.names.index(value))
        return self.axis(math.log10(value) if self.is_log else value)

    def list_ticks(self) -> list[tuple[str, float]]:
        """Return the texts beside the axis, and their positions."""
        if self.names:
            return [(_truncate_name(name), self(name)) for name in self.names]
        if self.is_log:
            powers = range(math.ceil(self.axis.low), math.floor(self.axis.high) + 1)
            return [(f"{10.0**power:g}".replace("-", "−"), self.axis(power)) for power in powers]
        values, decimals = compute_ticks(self.axis.low, self.axis.high, MAX_TICKS)
        return [(format_tick(value, decimals), self.axis(value)) for value in values]


def make_scale(values: Sequence[AxisValue], begin: float, end: float) -> ValueScale:
    """Return a scale for values that are all numbers or all names, from one position to another.

    Positive numbers that reach over powers of ten, such as learning rates, are shown by their logarithm.
    """
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < len(values):
        names = tuple(sorted({str(value) for value in values}))
        return ValueScale(Axis(-0.5, len(names) - 0.5, begin, end), names)
    is_log = min(numbers) > 0 and max(numbers) / min(numbers) >= WIDE_RATIO
    low, high = compute_range([math.log10(number) for number in numbers] if is_log else numbers)
    return ValueScale(Axis(low, high, begin, end), is_log=is_log)


def _truncate_name(name: str) -> str:
    return name if len(name) <= MAX_TICK_LETTERS else f"{name[: MAX_TICK_LETTERS - 1]}…"
