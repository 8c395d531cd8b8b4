"""Backtest and production paired row by row on the same games."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.scored_units import ARM
from trueline.core.errors import UserError
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stored_tables.lazy_parquet import make_frame
from trueline.core.stored_tables.row_lookup import lookup_rows, take_or_nan

if TYPE_CHECKING:
    from trueline.core.betting.grading import Signs

Days = npt.NDArray[np.datetime64]

KEY_COLUMNS = ["entity", "day"]
REQUIRED_COLUMNS = (*KEY_COLUMNS, "target", "backtest", "backtest_line", "production", "production_line")
LOG_COLUMNS = ("production_line", "production_line_type", "production_model", "production_at")
ONE_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class SourceBets:
    """One side's predictions, the lines it picks and is graded against, and the results of its bets."""

    prediction: Floats
    line: Floats
    estimated: Mask  # the line is an estimate, not a market's
    pick: Floats | None  # the side that was bet (1 over, −1 under), if it is logged; else the edge decides
    graded: Mask  # rows with a prediction, a line and an outcome
    bet: Mask
    decided: Mask
    won: Mask

    @property
    def has_prediction(self) -> Mask:
        """Rows with a prediction."""
        return np.asarray(np.isfinite(self.prediction))

    @property
    def has_line(self) -> Mask:
        """Rows with a line."""
        return np.asarray(np.isfinite(self.line))

    def sum_bets(self, bootstrap: BlockBootstrap, rows: Mask | Ints) -> Floats:
        """Return the table of won and decided bets by day, on some rows."""
        return bootstrap.sum_columns_by_block(self.won[rows], self.decided[rows], rows)


@dataclass(frozen=True)
class PairedRows:
    """Both sides of every player and day."""

    rows: pd.DataFrame
    days: Days  # ascending
    day_index: Ints  # the position of each row's day in `days`
    target: Floats
    backtest: SourceBets
    production: SourceBets
    edge: float

    @classmethod
    def from_rows(cls, rows: pd.DataFrame, edge: float) -> "PairedRows":
        """Read both sides of every row; rows are taken as they are.

        A line without a type counts as real if the backtest has a real line for that row, else as estimated. Raises
        UserError if a row has no day.
        """
        day = rows["day"].to_numpy("datetime64[D]")
        if np.isnat(day).any():
            raise UserError(f"{int(np.isnat(day).sum())} rows have no day; give each row the day of its game.")
        days, day_index = _index_days(day)
        target = convert_to_floats(rows, "target")
        backtest = _read_source(rows, "backtest", target, np.zeros(len(rows), bool), edge)
        production = _read_source(rows, "production", target, ~backtest.has_line | backtest.estimated, edge)
        return cls(rows, days, day_index, target, backtest, production, edge)

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
        """Return the table of a side's bets on some rows, had it picked and been graded against `line`."""
        logged_picks = None if source.pick is None else source.pick[rows]
        picks = _choose_picks(source.prediction[rows], logged_picks, line, self.edge)
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


def keep_newest_predictions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per player and day, in the original order: the newest that production predicted.

    Raises UserError if one of REQUIRED_COLUMNS is missing.
    """
    if missing := [name for name in REQUIRED_COLUMNS if name not in rows]:
        raise UserError(f"the rows have no column {missing[0]!r}; they need {', '.join(REQUIRED_COLUMNS)}.")
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


def join_evidence_rows(evidence: Evidence, segments: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of both sides: the tuned arm's predictions against real lines, and the production log.

    `segments` are further columns of the prepared rows to keep. Rows that neither side predicts are kept within the
    period of the log, to show on which days there were games. Empty without a log; without predictions of the arm the
    backtest's are missing.
    """
    prepared, predictions = evidence.prepared, evidence.predictions
    is_logged = prepared["production"].notna().to_numpy() if "production" in prepared else np.zeros(len(prepared), bool)
    if not is_logged.any():
        return pd.DataFrame(columns=list(REQUIRED_COLUMNS))
    predicted = convert_to_floats(predictions, ARM) if ARM in predictions else np.full(len(predictions), np.nan)
    backtest = take_or_nan(predicted, lookup_rows(prepared["row_id"], predictions["row_id"]))  # the first of several
    day = prepared["time"].to_numpy("datetime64[D]")
    is_requested = np.isfinite(backtest) | ((day >= day[is_logged].min()) & (day <= day[is_logged].max()))
    column_names = dict.fromkeys(("entity", "target", "production", *LOG_COLUMNS, "start_time", *segments))
    facts = make_frame(prepared, [name for name in column_names if name in prepared], np.flatnonzero(is_requested))
    real_line = prepared["soft_label"].to_numpy(float)[is_requested] if "soft_label" in prepared else np.nan
    return facts.assign(
        day=day[is_requested].astype("datetime64[s]"), backtest=backtest[is_requested], backtest_line=real_line
    )


def _index_days(day: Days) -> tuple[Days, Ints]:
    """Return the distinct days in order and each row's position among them, without sorting the rows."""
    if not len(day):
        return day, np.empty(0, np.int64)
    first_day = day.min()
    day_offsets = ((day - first_day) // ONE_DAY).astype(np.int64)
    occurs = np.bincount(day_offsets) > 0
    return first_day + np.flatnonzero(occurs) * ONE_DAY, (np.cumsum(occurs) - 1)[day_offsets]


def _read_source(rows: pd.DataFrame, name: str, target: Floats, default: Mask, edge: float) -> SourceBets:
    pick = convert_to_floats(rows, f"{name}_pick") if f"{name}_pick" in rows else None
    estimated = _flag_estimated_lines(rows, f"{name}_line_type", default)
    return _grade_source(
        convert_to_floats(rows, name), convert_to_floats(rows, f"{name}_line"), estimated, pick, target, edge
    )


def _grade_source(
    prediction: Floats, line: Floats, estimated: Mask, pick: Floats | None, target: Floats, edge: float
) -> SourceBets:
    from trueline.core.betting.grading import grade_picks

    graded = np.isfinite(prediction) & np.isfinite(line) & np.isfinite(target)
    picks = grade_picks(np.where(graded, _choose_picks(prediction, pick, line, edge), 0), line, target)
    is_estimated = estimated & np.isfinite(line)
    return SourceBets(prediction, line, is_estimated, pick, graded, picks.is_bet, picks.is_decided, picks.is_won)


def _choose_picks(prediction: Floats, pick: Floats | None, line: Floats, edge: float) -> "Signs":
    from trueline.core.betting.grading import pick_by_edge

    return pick_by_edge(prediction, line, edge) if pick is None else np.nan_to_num(np.sign(pick)).astype(np.int64)


def _flag_estimated_lines(rows: pd.DataFrame, name: str, default: Mask) -> Mask:
    if name not in rows:
        return default
    line_types = rows[name]
    return np.asarray(np.where(line_types.isna(), default, line_types.eq("estimated").fillna(False)).astype(bool))


def convert_to_floats(rows: pd.DataFrame, name: str) -> Floats:
    """Return a column as floats, NaN where it is not a number."""
    values: Any = pd.to_numeric(rows[name], errors="coerce")
    return np.asarray(values.to_numpy(float, na_value=np.nan))
