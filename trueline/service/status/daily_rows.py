"""Days: the daily table as rows of text, without a table library in the process."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from trueline.service.status.stage_outputs import TextRows

DAY_COLUMN = "game_date"
QUIET_LEVELS = ("", "none", "ok", "healthy")  # levels that are no alert

Values = list[float | None]


@dataclass(frozen=True)
class Alert:
    """What was raised on a day."""

    day: str
    level: str
    message: str
    cause: str


@dataclass(frozen=True)
class DailyRows:
    """Days in order, each once."""

    rows: TextRows

    @classmethod
    def from_rows(cls, rows: TextRows) -> "DailyRows | None":
        """Return the days of a table; None where it has none."""
        rows_by_day = {row[DAY_COLUMN][:10]: row for row in rows if row.get(DAY_COLUMN)}
        return cls([rows_by_day[day] for day in sorted(rows_by_day)]) if rows_by_day else None

    @property
    def day_names(self) -> list[str]:
        """Return the days as 2024-01-31."""
        return [row[DAY_COLUMN][:10] for row in self.rows]

    def read_numbers(self, column: str) -> Values:
        """Return a column's figures, None on days without."""
        return [_parse_number(row.get(column)) for row in self.rows]

    def read_text(self, column: str) -> list[str]:
        """Return a column's words, empty on days without."""
        return [(row.get(column) or "").strip() for row in self.rows]

    def group_alerts(self) -> Iterator[list[Alert]]:
        """Yield alerts, those that say the same one after the other together, the newest first."""
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
