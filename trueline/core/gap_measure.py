"""Gap measure: the figure by which backtest and production are compared, and the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from trueline.core.stats.confidence_intervals import Interval

Grading = Literal["bets", "shares", "chances"]


@dataclass(frozen=True)
class GapMeasure:
    """How the gap report grades predictions, and what it calls the figure, the rows and their events.

    `bets` are picks against a line, won or lost; `shares` have a log loss by group, in which the targets sum to 1; each
    of `chances` has a log loss of its own. `name` is the figure's key in the report, which shows it times `scale`.
    `seen_columns` are columns of the log and those of the prepared rows that hold the same: what was seen when it was
    predicted may have changed since.
    """

    name: str
    title: str  # as in "moves the hit rate by"
    grading: Grading
    verbs: tuple[str, str]  # of one side, and of several predictions
    unit: str
    difference_unit: str
    decimals: int
    rows: str  # what is graded, such as bets
    entities: str  # whose predictions one side alone may have
    events: str  # before which a prediction is to be made
    scale: float = 1.0
    seen_columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_lines(self) -> bool:
        """Whether predictions are graded against lines."""
        return self.grading == "bets"

    def format_rate(self, rate: "Interval") -> str:
        """Return a figure such as "51.4 % (50.1 to 52.7)", or without its interval if that is unknown."""
        if rate["value"] is None:
            return f"no decided {self.rows}"
        return f"{self._format_number(rate['value'])} {self.unit}{self._format_bounds(rate)}"

    def format_difference(self, difference: "Interval") -> str:
        """Return a difference of figures such as "+4.1 points (+3.2 to +5.0)"."""
        if difference["value"] is None:
            return f"an unknown number of {self.difference_unit}"
        number, bounds = self._format_number(difference["value"], "+"), self._format_bounds(difference, "+")
        return f"{number} {self.difference_unit}{bounds}".replace("-", "−")

    def _format_bounds(self, estimate: "Interval", sign: str = "") -> str:
        if estimate["low"] is None or estimate["high"] is None:
            return ""
        return f" ({self._format_number(estimate['low'], sign)} to {self._format_number(estimate['high'], sign)})"

    def _format_number(self, number: float, sign: str = "") -> str:
        return f"{self.scale * number:{sign}.{self.decimals}f}"
