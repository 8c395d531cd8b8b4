"""Backtest and production paired row by row on the same events."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.diagnose.backtest_gap.row_grading import choose_picks, grade_bets, grade_probabilities
from stages.diagnose.units.array_types import Floats, Ints, Mask
from trueline.core.errors import UserError
from trueline.core.gap_measure import GapMeasure
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stats.group_ops import encode_groups

Days = npt.NDArray[np.datetime64]

KEY_COLUMNS = ["entity", "day"]
SIDES = ("backtest", "production")
REQUIRED_COLUMNS = (*KEY_COLUMNS, "target", *SIDES)
LINE_COLUMNS = ("backtest_line", "production_line")  # required where predictions are graded against lines
ONE_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class SourceBets:
    """One side's predictions, the lines it picks and is graded against, and the grades of its rows."""

    prediction: Floats
    line: Floats
    estimated: Mask  # the line is an estimate, not a market's
    pick: Floats | None  # the side that was bet (1 over, −1 under), if it is logged; else the edge decides
    graded: Mask  # rows that have a figure: a prediction, an outcome and, if it is a bet, a line
    bet: Mask
    score: Floats | Mask  # of each row; a figure is Σ score / Σ weight
    weight: Floats | Mask

    @property
    def has_prediction(self) -> Mask:
        """Rows with a prediction."""
        return np.asarray(np.isfinite(self.prediction))

    @property
    def has_line(self) -> Mask:
        """Rows with a line."""
        return np.asarray(np.isfinite(self.line))

    def sum_bets(self, bootstrap: BlockBootstrap, rows: Mask | Ints) -> Floats:
        """Return the table of scores and weights by day, on some rows: of bets, those won and those decided."""
        return bootstrap.sum_columns_by_block(self.score[rows], self.weight[rows], rows)


@dataclass(frozen=True)
class PairedRows:
    """Both sides of every entity and day."""

    rows: pd.DataFrame
    days: Days  # ascending
    day_index: Ints  # the position of each row's day in `days`
    target: Floats
    backtest: SourceBets
    production: SourceBets
    edge: float
    measure: GapMeasure

    @classmethod
    def from_rows(cls, rows: pd.DataFrame, edge: float, measure: GapMeasure) -> "PairedRows":
        """Read both sides of every row; rows are taken as they are. Shares need a column `group`.

        A line without a type counts as real if the backtest has a real line for that row, else as estimated. Raises
        UserError if a row has no day.
        """
        day = rows["day"].to_numpy("datetime64[D]")
        if np.isnat(day).any():
            raise UserError(f"{int(np.isnat(day).sum())} rows have no day; give each row the day of its game.")
        days, day_index = _index_days(day)
        target = convert_to_floats(rows, "target")
        if measure.has_lines:
            backtest = _read_bets(rows, "backtest", target, np.zeros(len(rows), bool), edge)
            production = _read_bets(rows, "production", target, ~backtest.has_line | backtest.estimated, edge)
        else:
            group = encode_groups(rows["group"]) if "group" in rows else np.arange(len(rows))
            backtest, production = (
                _read_probabilities(convert_to_floats(rows, name), target, group, measure) for name in SIDES
            )
        return cls(rows, days, day_index, target, backtest, production, edge, measure)

    def replace_estimated_lines(self) -> "PairedRows":
        """Return production's log as both sides: as it was graded, and in the backtest's place on real lines only.

        Real lines are the log's own, or the backtest's where the log has an estimated one or none.
        """
        production, real_line = self.production, np.where(self.backtest.estimated, np.nan, self.backtest.line)
        line = np.where(production.estimated | ~production.has_line, real_line, production.line)
        is_estimated = np.zeros(len(line), bool)
        source = _grade_source(production.prediction, line, is_estimated, production.pick, self.target, self.edge)
        return replace(self, backtest=source)

    def grade_against_lines(
        self, bootstrap: BlockBootstrap, source: SourceBets, line: Floats, rows: Mask | Ints
    ) -> Floats:
        """Return the table of a side on some rows, had it picked and been graded against `line`, if there are lines."""
        if not self.measure.has_lines:
            return source.sum_bets(bootstrap, rows)
        logged_picks = None if source.pick is None else source.pick[rows]
        picks = choose_picks(source.prediction[rows], logged_picks, line, self.edge)
        from trueline.core.betting.grading import grade_picks  # here, so that only betting tasks depend on it

        graded = grade_picks(picks, line, self.target[rows])
        return bootstrap.sum_columns_by_block(graded.is_won, graded.is_decided, rows)

    def format_days(self, day_numbers: Ints) -> list[str]:
        """Return days by number as text."""
        return [str(day) for day in self.days[day_numbers]]

    def count_by_day(self, rows: Mask | Ints) -> Ints:
        """Return how many of some rows there are on each day."""
        return np.bincount(self.day_index[rows], minlength=len(self.days))

    def format_runs(self, flags: Mask, day_numbers: Ints, min_days: int) -> list[dict[str, Any]]:
        """Return the first and last day of each run of at least `min_days` flagged days, and how many they are."""
        edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))).reshape(-1, 2)
        return [
            dict(zip(("first", "last"), self.format_days(day_numbers[[start, stop - 1]]), strict=True))
            | {"days": int(stop - start)}
            for start, stop in edges
            if stop - start >= min_days
        ]


def select_newest_predictions(rows: pd.DataFrame, measure: GapMeasure) -> pd.DataFrame:
    """Return one row per entity and day, in the original order: the newest that production predicted.

    Raises UserError if a required column is missing.
    """
    required = [*REQUIRED_COLUMNS, *(LINE_COLUMNS if measure.has_lines else ())]
    if missing := [name for name in required if name not in rows]:
        raise UserError(f"the rows have no column {missing[0]!r}; they need {', '.join(required)}.")
    rows = rows.reset_index(drop=True)
    if not rows.duplicated(KEY_COLUMNS).any():
        return rows
    is_predicted = rows["production"].notna().to_numpy()
    made_at = (
        rows["production_at"].to_numpy("datetime64[us]").astype(np.int64) if "production_at" in rows else is_predicted
    )
    order = np.lexsort([made_at, is_predicted])
    newest: pd.DataFrame = rows.iloc[order].drop_duplicates(KEY_COLUMNS, keep="last").sort_index()
    return newest.reset_index(drop=True)


def _index_days(day: Days) -> tuple[Days, Ints]:
    """Return the distinct days in order and each row's position among them, without sorting the rows."""
    if not len(day):
        return day, np.empty(0, np.int64)
    first_day = day.min()
    day_offsets = ((day - first_day) // ONE_DAY).astype(np.int64)
    occurs = np.bincount(day_offsets) > 0
    return first_day + np.flatnonzero(occurs) * ONE_DAY, (np.cumsum(occurs) - 1)[day_offsets]


def _read_bets(rows: pd.DataFrame, name: str, target: Floats, default: Mask, edge: float) -> SourceBets:
    pick = convert_to_floats(rows, f"{name}_pick") if f"{name}_pick" in rows else None
    estimated = _flag_estimated_lines(rows, f"{name}_line_type", default)
    return _grade_source(
        convert_to_floats(rows, name), convert_to_floats(rows, f"{name}_line"), estimated, pick, target, edge
    )


def _grade_source(
    prediction: Floats, line: Floats, estimated: Mask, pick: Floats | None, target: Floats, edge: float
) -> SourceBets:
    grades = grade_bets(prediction, line, pick, target, edge)
    is_estimated = estimated & np.isfinite(line)
    return SourceBets(prediction, line, is_estimated, pick, grades.graded, grades.bet, grades.score, grades.weight)


def _read_probabilities(prediction: Floats, target: Floats, group: Ints, measure: GapMeasure) -> SourceBets:
    grades = grade_probabilities(measure.grading, prediction, target, group)
    no_line, not_estimated = np.full(len(prediction), np.nan), np.zeros(len(prediction), bool)
    return SourceBets(prediction, no_line, not_estimated, None, grades.graded, grades.bet, grades.score, grades.weight)


def _flag_estimated_lines(rows: pd.DataFrame, name: str, default: Mask) -> Mask:
    if name not in rows:
        return default
    line_types = rows[name]
    return np.asarray(np.where(line_types.isna(), default, line_types.eq("estimated").fillna(False)).astype(bool))


def convert_to_floats(rows: pd.DataFrame, name: str) -> Floats:
    """Return a column as floats, NaN where it is not a number."""
    values: Any = pd.to_numeric(rows[name], errors="coerce")
    return np.asarray(values.to_numpy(float, na_value=np.nan))
