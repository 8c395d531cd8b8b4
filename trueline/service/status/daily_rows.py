"""Daily rows: the daily table as rows of text, so that the process needs no table library."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from trueline.service.status.stage_outputs import TextRows

DAY_COLUMN = "game_date"
QUIET_LEVELS = ("", "none", "ok", "healthy")  # levels that do not count as alerts

Values = list[float | None]


@dataclass(frozen=True)
class Alert:
    """The alert of a day, quiet or not."""

    day: str
    level: str
    message: str
    cause: str


@dataclass(frozen=True)
class DailyRows:
    """The rows of the daily table in order, one per day."""

    rows: TextRows

    @classmethod
    def from_rows(cls, rows: TextRows) -> "DailyRows | None":
        """Return the days of a table; None if it has none."""
        rows_by_day = {row[DAY_COLUMN][:10]: row for row in rows if row.get(DAY_COLUMN)}
        return cls([rows_by_day[day] for day in sorted(rows_by_day)]) if rows_by_day else None

    @property
    def day_names(self) -> list[str]:
        """The days, in the form 2024-01-31."""
        return [row[DAY_COLUMN][:10] for row in self.rows]

    def read_numbers(self, column: str) -> Values:
        """Return a column's finite numbers, None on days without one."""
        return [_parse_number(row.get(column)) for row in self.rows]

    def read_text(self, column: str) -> list[str]:
        """Return a column's texts, empty on days without one."""
        return [(row.get(column) or "").strip() for row in self.rows]

    def group_alerts(self) -> Iterator[list[Alert]]:
        """Yield runs of consecutive days with the same alert, newest first; quiet levels are left out."""
        columns = (self.read_text(name) for name in ("alert_level", "alert_message", "primary_cause"))
        alerts = [Alert(*entry) for entry in zip(self.day_names, *columns, strict=True)]
        runs = [list(run) for _, run in groupby(alerts, key=lambda entry: (entry.level, entry.message, entry.cause))]
        yield from (run for run in reversed(runs) if run[0].level.lower() not in QUIET_LEVELS)


def _parse_number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
