"""Folds: which role every row plays in every fold, walking forward in time, whole groups only."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
from pydantic import Field

from core.params import Date, Knobs
from core.refusals import Refusal

ROLES = ("fit", "calibrate", "score")
TARGET = "target"  # or several columns `target:name`, 0 or 1 each
KEYS = ["row_id", "group", "time"]
NO_CLOCK = pd.Timestamp(0)  # the time of every row where the source tells none: all are simultaneous
Day = np.datetime64


class WalkForward(Knobs):
    """How history is cut: the first test day, how often a model is retrained, and what each fold may see."""

    first_day: Date | None
    first_test: float | Date
    last_test: Date | None
    test_days: int = Field(ge=1)
    calibrate_days: int = Field(ge=1)
    tune_folds: int = Field(ge=1)
    tune_days: int = Field(ge=1)
    window_days: int | None = Field(ge=1)
    embargo_days: int = Field(ge=0)
    label_delay_days: int = Field(ge=0)


def walk_forward(time: pd.Series, group: pd.Series, knobs: WalkForward) -> pd.DataFrame:
    """Return one column per fold with the role each row plays: fit, calibrate, score or missing.

    `tune_0…` score blocks that end before the first test day; `test_0…` walk forward from it; `final` fits and
    calibrates on all history and scores nothing. Between two roles lie the embargo and the delay of the labels. Rows
    before the first day and after the last test day play no role at all; without those two every row may.
    A group that straddles a boundary plays no role in that fold. Blocks that are calibrated or tuned on count days that
    have rows, so that the end of a season stands in for the summer after it; test blocks are calendar days, and one
    without rows is no fold.
    """
    days = time.to_numpy("datetime64[D]")
    spans, held = _spans(days, group), _held(days, knobs)
    first, end = held[0], held[-1] + 1
    test = _first_test(first, end, knobs)
    gap = knobs.embargo_days + knobs.label_delay_days
    ends = [test - gap]
    for _ in range(knobs.tune_folds):
        ends.insert(0, _back(held, ends[0], knobs.tune_days))
    plan = {f"tune_{number}": (*block, 0) for number, block in enumerate(pairwise(ends))}
    for number, block in enumerate(_tests(held, test, knobs.test_days)):
        plan[f"test_{number}"] = (*block, knobs.calibrate_days)
    plan["final"] = (end + gap, end + gap, knobs.calibrate_days)
    folds = pd.DataFrame({name: _roles(spans, held, *cut, gap, knobs.window_days) for name, cut in plan.items()})
    check(folds, time, group)
    return folds


def names(folds: pd.DataFrame, kind: str = "") -> list[str]:
    """Return the fold columns whose name starts with a kind (`tune`, `test`, `final`), in order."""
    return [name for name in folds.columns if name.startswith(("tune_", "test_", "final")) and name.startswith(kind)]


def targets(table: pd.DataFrame) -> list[str]:
    """Return the target columns of a table, one or several."""
    return [str(name) for name in table if name == TARGET or str(name).startswith(f"{TARGET}:")]


def keys_of(table: pd.DataFrame) -> list[str]:
    """Return the columns that say which rows these are and what became of them, the teacher where there is one."""
    return [*KEYS, *targets(table), *(name for name in ("teacher",) if name in table)]


def check(folds: pd.DataFrame, time: pd.Series, group: pd.Series) -> None:
    """Refuse folds that let a later role see an earlier one's time, cut a group, or leave a role empty."""
    first_test = time[(folds[names(folds, "test")] == "score").any(axis=1)].min()
    for name in names(folds):
        role = folds[name]
        needed = {"tune": {"fit", "score"}, "test": set(ROLES), "final": {"fit", "calibrate"}}[name.split("_")[0]]
        if lacking := needed - set(role.dropna()):
            raise Refusal(
                f"fold {name} has no {' and no '.join(sorted(lacking))} rows: the {time.dt.normalize().nunique()} days "
                f"from {time.min():%Y-%m-%d} to {time.max():%Y-%m-%d} are too few for these folds; bring more days, or "
                "lower folds.<task>.test_days, calibrate_days, tune_days or tune_folds."
            )
        held = [(time[role == r].min(), time[role == r].max()) for r in ROLES if (role == r).any()]
        if any(after[0] <= before[1] for before, after in pairwise(held)):
            raise Refusal(f"fold {name} would fit on rows that are not earlier than what it calibrates or scores.")
        if role.fillna("").groupby(group.to_numpy()).nunique().gt(1).any():
            raise Refusal(f"fold {name} cuts a group in two.")
        if name.startswith("tune") and held[-1][1] >= first_test:
            raise Refusal(f"fold {name} would tune on rows of the test period.")


def _held(days: np.ndarray, knobs: WalkForward) -> np.ndarray:
    """Return the days with rows, from the first day to the last test day where the knobs name them."""
    every = np.unique(days)
    since = every[0] if knobs.first_day is None else np.datetime64(knobs.first_day, "D")
    until = every[-1] if knobs.last_test is None else np.datetime64(knobs.last_test, "D")
    held: np.ndarray = every[(every >= since) & (every <= until)]
    if not held.size:
        raise Refusal(
            f"folds.<task>.first_day and last_test leave {since} to {until}, where the data, which run from "
            f"{every[0]} to {every[-1]}, have no rows; name days among them, or null."
        )
    return held


def _first_test(first: Day, end: Day, knobs: WalkForward) -> Day:
    if isinstance(knobs.first_test, date):
        test: Day = np.datetime64(knobs.first_test, "D")
    else:
        test = first + int((end - first).astype(int) * knobs.first_test)
    if not first < test < end:
        raise Refusal(
            f"folds.<task>.first_test falls on {test}, outside the data, which run from {first} to {end - 1}; "
            "name a day between, or a share between 0 and 1 of data that span several days."
        )
    return test


def _spans(days: np.ndarray, group: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    by_group = pd.Series(days).groupby(group.to_numpy())
    return by_group.transform("min").to_numpy("datetime64[D]"), by_group.transform("max").to_numpy("datetime64[D]")


def _tests(held: np.ndarray, test: Day, length: int) -> list[tuple[Day, Day]]:
    """Return the blocks of calendar days from the first test day that hold rows; the last ends with the rows."""
    end = held[-1] + 1
    blocks = [(start, min(start + length, end)) for start in np.arange(test, end, length)]
    return [(start, stop) for start, stop in blocks if ((held >= start) & (held < stop)).any()]


def _back(held: np.ndarray, until: Day, count: int) -> Day:
    """Return the first of the newest `count` days with rows before a day."""
    day: Day = held[max(int(np.searchsorted(held, until)) - count, 0)]
    return day


def _roles(
    spans: tuple[np.ndarray, np.ndarray],
    held: np.ndarray,
    start: Day,
    stop: Day,
    calibrate_days: int,
    gap: int,
    window: int | None,
) -> np.ndarray:
    first, last = spans
    roles = np.full(len(first), None, dtype=object)
    roles[(first >= start) & (last < stop)] = "score"
    until = start - gap
    if calibrate_days:
        since = _back(held, until, calibrate_days)
        roles[(first >= since) & (last < until)] = "calibrate"
        until = since - gap
    since = held[0] if window is None else max(held[0], until - window)
    roles[(first >= since) & (last < until)] = "fit"
    return roles
