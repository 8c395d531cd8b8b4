"""Two sides of the same games: what the backtest said and what production said, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.drawn import Drawn
from core.evidence import Evidence
from core.grading import Signs, by_edge, grade
from core.places import located
from core.places import taken as values_at
from core.refusals import Refusal
from core.stored import frame

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Days = npt.NDArray[np.datetime64]

KEY = ["entity", "day"]
NEEDED = (*KEY, "target", "backtest", "backtest_line", "production", "production_line")
LOGGED = ("production_line", "production_line_type", "production_model", "production_at")
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Side:
    """One side's predictions and the lines that it picks against and is graded by, and how its bets ended."""

    prediction: Floats
    line: Floats
    estimated: Mask  # the line is somebody's estimate, no market's
    pick: Floats | None  # the side that was bet, 1 over and −1 under, where it is told; else the edge decides
    graded: Mask  # rows with a prediction, a line and an outcome
    bet: Mask
    decided: Mask
    won: Mask

    @property
    def predicted(self) -> Mask:
        """Rows with a prediction."""
        return np.asarray(np.isfinite(self.prediction))

    @property
    def lined(self) -> Mask:
        """Rows with a line."""
        return np.asarray(np.isfinite(self.line))

    def bets(self, drawn: Drawn, rows: Mask | Ints) -> Floats:
        """Return the table of won and decided bets on some rows."""
        return drawn.table(self.won[rows], self.decided[rows], rows)


@dataclass(frozen=True)
class Sides:
    """Both sides of every player and day, and the day as a number from 0 on."""

    rows: pd.DataFrame
    days: Days  # ascending
    code: Ints  # of each row's day
    target: Floats
    backtest: Side
    production: Side
    edge: float

    @classmethod
    def of(cls, rows: pd.DataFrame, edge: float) -> "Sides":
        """Return the sides of every row as it comes.

        A line without a type counts as real where the backtest knows a real one of that row, else as estimated.
        """
        day = rows["day"].to_numpy("datetime64[D]")
        if np.isnat(day).any():
            raise Refusal(f"{int(np.isnat(day).sum())} rows have no day; give each the day of its game.")
        days, code = _numbered(day)
        target = numbers(rows, "target")
        backtest = _side(rows, "backtest", target, np.zeros(len(rows), bool), edge)
        unknown = ~(backtest.lined & ~backtest.estimated)
        return cls(rows, days, code, target, backtest, _side(rows, "production", target, unknown, edge), edge)

    def on_real_lines(self) -> "Sides":
        """Return production's log twice: as it was graded, and in the backtest's place on real lines only.

        Real lines are the log's own, and the backtest's where the log has an estimated one.
        """
        own, real = self.production, np.where(self.backtest.estimated, np.nan, self.backtest.line)
        line = np.where(own.estimated | ~own.lined, real, own.line)
        none = np.zeros(len(line), bool)
        return replace(self, backtest=_played(own.prediction, line, none, own.pick, self.target, self.edge))

    def tried(self, drawn: Drawn, side: Side, line: Floats, rows: Mask | Ints) -> Floats:
        """Return the table of a side's bets on some rows, had it picked against and been graded by their `line`."""
        picks = _picks(side.prediction[rows], None if side.pick is None else side.pick[rows], line, self.edge)
        graded = grade(picks, line, self.target[rows])
        return drawn.table(graded.won, graded.decided, rows)

    def named(self, numbers: Ints) -> list[str]:
        """Return days by number as text."""
        return [str(day) for day in self.days[numbers]]


def once(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row of every player and day, in the order they came: the newest that production predicted.

    Refuses rows without the columns of NEEDED.
    """
    if absent := [name for name in NEEDED if name not in rows]:
        raise Refusal(f"the rows have no column {absent[0]!r}; they need {', '.join(NEEDED)}.")
    rows = rows.reset_index(drop=True)
    if not rows.duplicated(KEY).any():
        return rows
    ranks = [rows["production"].notna().to_numpy()]
    if "production_at" in rows:
        ranks.insert(0, rows["production_at"].to_numpy("datetime64[us]").astype(np.int64))
    order = np.lexsort(ranks)
    kept = np.sort(order[~rows.iloc[order].duplicated(KEY, keep="last").to_numpy()])
    newest: pd.DataFrame = rows.iloc[kept].reset_index(drop=True)
    return newest


def from_evidence(evidence: Evidence, segments: Sequence[str] = (), arm: str = "tuned") -> pd.DataFrame:
    """Return the rows of both sides: the arm's predictions against real lines, and the production log.

    `segments` are columns of the prepared rows that are taken along. Rows that neither side predicts are kept while the
    log runs: they tell on which days there were games. No rows where there is no log, and none of the backtest where
    there are no predictions of that arm.
    """
    prepared, predictions = evidence.prepared, evidence.predictions
    logged = prepared["production"].notna().to_numpy() if "production" in prepared else np.zeros(len(prepared), bool)
    if not logged.any():
        return pd.DataFrame(columns=list(NEEDED))
    backtest = _beside(prepared["row_id"], predictions, arm)
    day = prepared["time"].to_numpy("datetime64[D]")
    asked = np.isfinite(backtest) | ((day >= day[logged].min()) & (day <= day[logged].max()))
    taken = dict.fromkeys(("entity", "target", "production", *LOGGED, "start_time", *segments))
    facts = frame(prepared, [name for name in taken if name in prepared], np.flatnonzero(asked))
    real = prepared["teacher"].to_numpy(float)[asked] if "teacher" in prepared else np.nan
    return facts.assign(day=day[asked].astype("datetime64[s]"), backtest=backtest[asked], backtest_line=real)


def _beside(row_id: pd.Series, predictions: pd.DataFrame, arm: str) -> Floats:
    """Return the arm's prediction of each row, the first if there are several, missing where there is none."""
    told = numbers(predictions, arm) if arm in predictions else np.full(len(predictions), np.nan)
    return values_at(told, located(row_id, predictions["row_id"]))


def _numbered(day: Days) -> tuple[Days, Ints]:
    """Return the days that occur and each row's number among them, without sorting the rows."""
    if not len(day):
        return day, np.empty(0, np.int64)
    first = day.min()
    offset = ((day - first) // DAY).astype(np.int64)
    occurs = np.bincount(offset) > 0
    return first + np.flatnonzero(occurs) * DAY, (np.cumsum(occurs) - 1)[offset]


def _side(rows: pd.DataFrame, name: str, target: Floats, unknown: Mask, edge: float) -> Side:
    pick = numbers(rows, f"{name}_pick") if f"{name}_pick" in rows else None
    estimated = _estimated(rows, f"{name}_line_type", unknown)
    return _played(numbers(rows, name), numbers(rows, f"{name}_line"), estimated, pick, target, edge)


def _played(
    prediction: Floats, line: Floats, estimated: Mask, pick: Floats | None, target: Floats, edge: float
) -> Side:
    graded = np.isfinite(prediction) & np.isfinite(line) & np.isfinite(target)
    picks = grade(np.where(graded, _picks(prediction, pick, line, edge), 0), line, target)
    known = estimated & np.isfinite(line)
    return Side(prediction, line, known, pick, graded, picks.bet, picks.decided, picks.won)


def _picks(prediction: Floats, pick: Floats | None, line: Floats, edge: float) -> Signs:
    return by_edge(prediction, line, edge) if pick is None else np.nan_to_num(np.sign(pick)).astype(np.int64)


def _estimated(rows: pd.DataFrame, name: str, unknown: Mask) -> Mask:
    if name not in rows:
        return unknown
    kinds = rows[name]
    return np.asarray(np.where(kinds.isna(), unknown, kinds.eq("estimated").fillna(False)).astype(bool))


def numbers(rows: pd.DataFrame, name: str) -> Floats:
    """Return a column as numbers, missing where it holds none."""
    values: Any = pd.to_numeric(rows[name], errors="coerce")
    return np.asarray(values.to_numpy(float, na_value=np.nan))
