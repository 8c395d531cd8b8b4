"""Days: the daily table as rows of text, without a table library in the process."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from service.outputs import Rows

DAY = "game_date"
QUIET = ("", "none", "ok", "healthy")  # levels that are no alert

Values = list[float | None]


@dataclass(frozen=True)
class Alert:
    """What was raised on a day."""

    day: str
    level: str
    message: str
    cause: str


@dataclass(frozen=True)
class Days:
    """Days in order, each once."""

    rows: Rows

    @classmethod
    def of(cls, rows: Rows) -> "Days | None":
        """Return the days of a table; None where it has none."""
        found = {row[DAY][:10]: row for row in rows if row.get(DAY)}
        return cls([found[day] for day in sorted(found)]) if found else None

    @property
    def names(self) -> list[str]:
        """Return the days as 2024-01-31."""
        return [row[DAY][:10] for row in self.rows]

    def numbers(self, column: str) -> Values:
        """Return a column's figures, None on days without."""
        return [_number(row.get(column)) for row in self.rows]

    def text(self, column: str) -> list[str]:
        """Return a column's words, empty on days without."""
        return [(row.get(column) or "").strip() for row in self.rows]

    def raised(self) -> Iterator[list[Alert]]:
        """Yield alerts, those that say the same one after the other together, the newest first."""
        columns = (self.text(name) for name in ("alert_level", "alert_message", "primary_cause"))
        found = [Alert(*one) for one in zip(self.names, *columns, strict=True)]
        runs = [list(run) for _, run in groupby(found, key=lambda one: (one.level, one.message, one.cause))]
        yield from (run for run in reversed(runs) if run[0].level.lower() not in QUIET)


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None
