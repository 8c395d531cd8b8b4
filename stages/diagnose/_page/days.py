"""Days: the daily table as the page reads it, whatever of it is there."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.diagnose._page.words import number

SHOWN = 180  # newest days that the drawings have room for
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
    """The newest days of the table, oldest first, each once."""

    rows: pd.DataFrame
    left_out: int  # older days

    @classmethod
    def of(cls, daily: pd.DataFrame | None) -> "Days | None":
        """Return the table's days in order; None where there is no table, no day or no day's name."""
        if daily is None or "game_date" not in daily:
            return None
        dates = pd.to_datetime(daily["game_date"], errors="coerce")
        rows = daily.assign(game_date=dates)[dates.notna()].sort_values("game_date", kind="stable")
        rows = rows.drop_duplicates("game_date", keep="last").reset_index(drop=True)
        return cls(rows.tail(SHOWN).reset_index(drop=True), max(len(rows) - SHOWN, 0)) if len(rows) else None

    @property
    def names(self) -> list[str]:
        """Return the days as 2024-01-31."""
        return [f"{day:%Y-%m-%d}" for day in self.rows["game_date"]]

    @property
    def newest(self) -> str:
        """Return the newest day."""
        return self.names[-1]

    def numbers(self, column: str) -> Values:
        """Return a column's figures, None on days without; all None where there is no such column."""
        if column not in self.rows:
            return [None] * len(self.rows)
        values = pd.to_numeric(self.rows[column], errors="coerce").to_numpy(float, na_value=np.nan)
        return [number(value) for value in values]

    def text(self, column: str) -> list[str]:
        """Return a column's words, empty on days without."""
        if column not in self.rows:
            return [""] * len(self.rows)
        return ["" if pd.isna(value) else str(value).strip() for value in self.rows[column]]

    def has(self, *columns: str) -> bool:
        """Return whether any of the columns has a figure on any day."""
        return any(value is not None for column in columns for value in self.numbers(column))

    def alike(self) -> bool:
        """Return whether model and market are known to be judged on equally many units on every day."""
        counts = self.numbers("model_n"), self.numbers("line_n")
        return any(counts[0]) and counts[0] == counts[1]

    def alerts(self) -> list[Alert]:
        """Return what was raised on the days, oldest first."""
        columns = ("alert_level", "alert_message", "primary_cause")
        told = zip(self.names, *(self.text(column) for column in columns), strict=True)
        return [Alert(*one) for one in told if one[1].lower() not in QUIET]
