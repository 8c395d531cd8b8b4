"""The daily table as the page reads it; any of its columns may be absent."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trueline.core.charts.number_format import parse_number

MAX_DAYS = 180  # the newest days, as many as the charts have room for
QUIET_LEVELS = ("", "none", "ok", "healthy")  # levels that are not alerts

Values = list[float | None]


@dataclass(frozen=True)
class DayAlert:
    """The alert of a day."""

    day: str
    level: str
    message: str
    cause: str


@dataclass(frozen=True)
class DailySeries:
    """The newest days of the table, oldest first, one row per day."""

    rows: pd.DataFrame
    older_day_count: int  # days of the table that are older than these

    @classmethod
    def from_table(cls, daily: pd.DataFrame | None) -> "DailySeries | None":
        """Return the table's days in order; None without a table, a `game_date` column or any day."""
        if daily is None or "game_date" not in daily:
            return None
        dates = pd.to_datetime(daily["game_date"], errors="coerce")
        rows = daily.assign(game_date=dates)[dates.notna()].sort_values("game_date", kind="stable")
        rows = rows.drop_duplicates("game_date", keep="last").reset_index(drop=True)
        return cls(rows.tail(MAX_DAYS).reset_index(drop=True), max(len(rows) - MAX_DAYS, 0)) if len(rows) else None

    @property
    def day_names(self) -> list[str]:
        """Return the days in ISO format, as 2024-01-31."""
        return [f"{day:%Y-%m-%d}" for day in self.rows["game_date"]]

    @property
    def newest_day(self) -> str:
        """Return the newest day."""
        return self.day_names[-1]

    def get_numbers(self, column: str) -> Values:
        """Return a column's numbers, None on days without; all None if there is no such column."""
        if column not in self.rows:
            return [None] * len(self.rows)
        values = pd.to_numeric(self.rows[column], errors="coerce").to_numpy(float, na_value=np.nan)
        return [parse_number(value) for value in values]

    def get_texts(self, column: str) -> list[str]:
        """Return a column's texts, empty on days without; all empty if there is no such column."""
        if column not in self.rows:
            return [""] * len(self.rows)
        return ["" if pd.isna(value) else str(value).strip() for value in self.rows[column]]

    def has_figures(self, *columns: str) -> bool:
        """Return whether any of the columns has a number on any day."""
        return any(value is not None for column in columns for value in self.get_numbers(column))

    def has_equal_counts(self) -> bool:
        """Return whether model and market are known to be averaged over equally many units on every day."""
        counts = self.get_numbers("model_n"), self.get_numbers("line_n")
        return any(counts[0]) and counts[0] == counts[1]

    def list_alerts(self) -> list[DayAlert]:
        """Return the alerts of these days, oldest first."""
        columns = ("alert_level", "alert_message", "primary_cause")
        day_fields = zip(self.day_names, *(self.get_texts(column) for column in columns), strict=True)
        return [DayAlert(*fields) for fields in day_fields if fields[1].lower() not in QUIET_LEVELS]
