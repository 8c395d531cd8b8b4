"""Walk-forward folds: the role of every row in every fold, forward in time, with whole groups."""

from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.params import Date, StageSettings

ROLES = ("fit", "calibrate", "score")
TARGET = "target"  # or several columns `target:name`, 0 or 1 each
KEY_COLUMNS = ["row_id", "group", "time"]
NO_CLOCK = pd.Timestamp(0)  # the time of every row if the source has no times: all are simultaneous
Day = np.datetime64


class WalkForwardSettings(StageSettings):
    """How history is split: the first test day, how often a model is retrained, and what each fold may see."""

    first_day: Date | None
    first_test: float | Date
    last_test: Date | None
    test_days: int = Field(ge=1)
    calibrate_days: int = Field(ge=1)
    calibrate_rows: int | None = Field(ge=1)
    tune_folds: int = Field(ge=1)
    tune_days: int = Field(ge=1)
    window_days: int | None = Field(ge=1)
    embargo_days: int = Field(ge=0)
    label_delay_days: int = Field(ge=0)
    shorten: bool  # see short_history.py
    sealed_days: int | None = Field(ge=1)  # the rows of these days do not get here: see sealed_period.py
    final: Literal["newest", "schedule"] | Date


def walk_forward(time: pd.Series, group: pd.Series, settings: WalkForwardSettings) -> pd.DataFrame:
    """Return one column per fold with the role of each row: fit, calibrate, score or missing.

    `tune_0…` score blocks that end before the first test day; `test_0…` walk forward from it; `final` scores nothing.
    It fits and calibrates on all history or, if the settings say `schedule`, on what the test fold of the day after the
    newest one has, and of a given day, if they name one; limit: a group that goes on after the newest day counts as
    whole. The embargo and the label delay lie between two roles. Rows before
    `first_day` and after `last_test` have no role; if both are null every row may have one. A group that straddles a
    boundary has no role in that fold. The lengths of calibration and tuning blocks count days with rows, so that after
    a summer break the end of the last season calibrates, and fewer of them calibrate where they hold
    `calibrate_rows`; test blocks are calendar days, and a block without whole
    groups is not a fold. Raises UserError if the data are too short for these folds.

    >>> settings = WalkForwardSettings(
    ...     first_day=None, first_test=date(2024, 1, 7), last_test=None, test_days=2, calibrate_days=1,
    ...     calibrate_rows=None, tune_folds=1, tune_days=1, window_days=None, embargo_days=1, label_delay_days=0,
    ...     sealed_days=None, shorten=False, final="newest",
    ... )
    >>> days = pd.Series(pd.date_range("2024-01-01", periods=8))
    >>> folds = walk_forward(days, group=days, settings=settings)
    >>> for name in folds:
    ...     print(f"{name:6}", *folds[name].fillna("-"))
    tune_0 fit fit fit - score - - -
    test_0 fit fit fit - calibrate - score score
    final  fit fit fit fit fit fit - calibrate
    """
    days = time.to_numpy("datetime64[D]")
    group_spans, days_with_rows = _find_group_spans(days, group), _list_days_in_range(days, settings)
    first_day, end_day = days_with_rows[0], days_with_rows[-1] + 1
    first_test_day = _find_first_test_day(first_day, end_day, settings)
    gap_days = settings.embargo_days + settings.label_delay_days
    block_ends = [first_test_day - gap_days]
    for _ in range(settings.tune_folds):
        block_ends.insert(0, _find_day_back(days_with_rows, block_ends[0], settings.tune_days))
    fold_boundaries = {f"tune_{number}": block for number, block in enumerate(pairwise(block_ends))}
    for number, block in enumerate(_list_test_blocks(group_spans, first_test_day, end_day, settings.test_days)):
        fold_boundaries[f"test_{number}"] = block
    final_start = _find_final_start(first_test_day, end_day, settings)
    fold_boundaries["final"] = (final_start, final_start)
    calibrate_starts = {
        name: _find_calibrate_start(np.sort(days), days_with_rows, start - gap_days, settings)
        for name, (start, _) in fold_boundaries.items()
        if not name.startswith("tune")
    }
    folds = pd.DataFrame(
        {
            name: _assign_roles(group_spans, days_with_rows, start, stop, calibrate_starts.get(name), settings)
            for name, (start, stop) in fold_boundaries.items()
        }
    )
    check_folds(folds, time, group)
    return folds


def count_days_before_test(days: np.ndarray, settings: WalkForwardSettings) -> int:
    """Return how many days with rows, in the range of the settings, are known before the first test day."""
    days_with_rows = _list_days_in_range(days, settings)
    first_test_day = _find_first_test_day(days_with_rows[0], days_with_rows[-1] + 1, settings)
    known_until = first_test_day - settings.embargo_days - settings.label_delay_days
    return int(np.searchsorted(days_with_rows, known_until))


def explain_moving_folds(time: pd.Series, settings: WalkForwardSettings) -> str:
    """Return why the folds move when days are added, and what keeps them in place; empty if they stay."""
    if isinstance(settings.first_test, date):
        return ""
    days_with_rows = _list_days_in_range(time.to_numpy("datetime64[D]"), settings)
    first_test_day = _find_first_test_day(days_with_rows[0], days_with_rows[-1] + 1, settings)
    return (
        f"the first test day is a share of the days, {settings.first_test}, so it moves when days are added, and then "
        f"every fold is fitted anew; the date {first_test_day} in its place stays"
    )


def list_folds(folds: pd.DataFrame, kind: str = "") -> list[str]:
    """Return the fold columns whose name starts with a kind (`tune`, `test`, `final`), in order."""
    return [name for name in folds.columns if name.startswith(("tune_", "test_", "final")) and name.startswith(kind)]


def list_target_columns(table: pd.DataFrame) -> list[str]:
    """Return the target columns of a table, one or several."""
    return [str(name) for name in table.columns if name == TARGET or str(name).startswith(f"{TARGET}:")]


def list_key_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns that identify rows and hold their outcomes, with `soft_label` if there is one."""
    return [*KEY_COLUMNS, *list_target_columns(table), *(name for name in ("soft_label",) if name in table)]


def check_folds(folds: pd.DataFrame, time: pd.Series, group: pd.Series) -> None:
    """Raise UserError for folds with roles out of order in time, split groups, empty roles or tuning on test rows."""
    first_test_time = time[(folds[list_folds(folds, "test")] == "score").any(axis=1)].min()
    group_numbers = pd.factorize(group)[0]
    times = time.to_numpy("datetime64[us]")
    for name in list_folds(folds):
        role_numbers = pd.Categorical(folds[name], ROLES).codes
        present_roles = [role for number, role in enumerate(ROLES) if (role_numbers == number).any()]
        needed_roles = {"tune": {"fit", "score"}, "test": set(ROLES), "final": {"fit", "calibrate"}}[name.split("_")[0]]
        if missing_roles := needed_roles - set(present_roles):
            raise UserError(
                f"fold {name} has no {' and no '.join(sorted(missing_roles))} rows: the "
                f"{time.dt.normalize().nunique()} days from {time.min():%Y-%m-%d} to {time.max():%Y-%m-%d} are too few "
                "for these folds; add days, or lower folds.<task>.test_days, calibrate_days, tune_days or tune_folds."
            )
        role_times = [times[role_numbers == ROLES.index(role)] for role in present_roles]
        role_spans = [(present_times.min(), present_times.max()) for present_times in role_times]
        if any(later[0] <= earlier[1] for earlier, later in pairwise(role_spans)):
            raise UserError(f"fold {name} would fit on rows that are not earlier than those it calibrates or scores.")
        if _is_group_cut(role_numbers, group_numbers):
            raise UserError(f"fold {name} cuts a group in two; give all its rows the same role.")
        if name.startswith("tune") and role_spans[-1][1] >= first_test_time:
            raise UserError(f"fold {name} would tune on rows of the test period; end it before the first test day.")


def _is_group_cut(role_numbers: np.ndarray, group_numbers: np.ndarray) -> bool:
    """Return whether two rows of a group have different roles; a row without a group belongs to none."""
    is_grouped = group_numbers >= 0
    role_numbers, group_numbers = role_numbers[is_grouped], group_numbers[is_grouped]
    role_of_group = np.full(group_numbers.max(initial=-1) + 1, -1, role_numbers.dtype)
    role_of_group[group_numbers] = role_numbers
    return bool((role_of_group[group_numbers] != role_numbers).any())


def _list_days_in_range(days: np.ndarray, settings: WalkForwardSettings) -> np.ndarray:
    """Return the days with rows, within `first_day` and `last_test` if they are set."""
    all_days = np.unique(days)
    since = all_days[0] if settings.first_day is None else np.datetime64(settings.first_day, "D")
    until = all_days[-1] if settings.last_test is None else np.datetime64(settings.last_test, "D")
    days_in_range: np.ndarray = all_days[(all_days >= since) & (all_days <= until)]
    if not days_in_range.size:
        raise UserError(
            f"folds.<task>.first_day and last_test leave {since} to {until}, where the data, which run from "
            f"{all_days[0]} to {all_days[-1]}, have no rows; choose days within the data, or null."
        )
    return days_in_range


def _find_first_test_day(first_day: Day, end_day: Day, settings: WalkForwardSettings) -> Day:
    if isinstance(settings.first_test, date):
        first_test_day: Day = np.datetime64(settings.first_test, "D")
    else:
        first_test_day = first_day + int((end_day - first_day).astype(int) * settings.first_test)
    if not first_day < first_test_day < end_day:
        raise UserError(
            f"folds.<task>.first_test falls on {first_test_day}, outside the data, which run from {first_day} to "
            f"{end_day - 1}; choose a day after the first one, or a share between 0 and 1 if they span several days."
        )
    return first_test_day


def _find_final_start(first_test_day: Day, end_day: Day, settings: WalkForwardSettings) -> Day:
    """Return the day from which fold `final` predicts: of a schedule, the first day of a block of test days."""
    if settings.final == "newest":
        newest_start: Day = end_day + settings.embargo_days + settings.label_delay_days
        return newest_start
    if not isinstance(settings.first_test, date):
        raise UserError(
            f"folds.<task>.final is {settings.final}, but first_test is a share ({settings.first_test:g}) of a history "
            f"that grows, so that the blocks of test days move with every new day; set first_test to a date, now "
            f"{first_test_day}."
        )
    next_day = end_day if settings.final == "schedule" else np.datetime64(settings.final, "D")
    if next_day < first_test_day:
        raise UserError(
            f"folds.<task>.final names {next_day}, which no test fold can score, because the first test day is "
            f"{first_test_day}; name a later day, schedule or newest."
        )
    block_start: Day = first_test_day + (next_day - first_test_day) // settings.test_days * settings.test_days
    return block_start


def _find_group_spans(days: np.ndarray, group: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    by_group = pd.Series(days).groupby(group.to_numpy())
    return by_group.transform("min").to_numpy("datetime64[D]"), by_group.transform("max").to_numpy("datetime64[D]")


def _list_test_blocks(
    group_spans: tuple[np.ndarray, np.ndarray], first_test_day: Day, end_day: Day, block_days: int
) -> list[tuple[Day, Day]]:
    """Return the blocks of calendar days, from the first test day on, that have groups; the last ends with the data."""
    first_days, last_days = group_spans
    blocks = [(start, min(start + block_days, end_day)) for start in np.arange(first_test_day, end_day, block_days)]
    with_groups = [(start, stop) for start, stop in blocks if ((first_days >= start) & (last_days < stop)).any()]
    return with_groups or blocks[:1]  # of which check_folds says what is missing


def _find_day_back(days_with_rows: np.ndarray, until: Day, day_count: int) -> Day:
    """Return the first of the last `day_count` days with rows before a day."""
    day: Day = days_with_rows[max(int(np.searchsorted(days_with_rows, until)) - day_count, 0)]
    return day


def _find_calibrate_start(
    sorted_days: np.ndarray, days_with_rows: np.ndarray, until: Day, settings: WalkForwardSettings
) -> Day:
    """Return the first of the last `calibrate_days` days with rows, or of as few of them as hold `calibrate_rows`."""
    earliest_day = _find_day_back(days_with_rows, until, settings.calibrate_days)
    if settings.calibrate_rows is None:
        return earliest_day
    day_holding_rows: Day = sorted_days[max(int(np.searchsorted(sorted_days, until)) - settings.calibrate_rows, 0)]
    return max(earliest_day, day_holding_rows)


def _assign_roles(
    group_spans: tuple[np.ndarray, np.ndarray],
    days_with_rows: np.ndarray,
    start: Day,
    stop: Day,
    calibrate_start: Day | None,
    settings: WalkForwardSettings,
) -> np.ndarray:
    first_days, last_days = group_spans
    gap_days = settings.embargo_days + settings.label_delay_days
    roles = np.full(len(first_days), None, dtype=object)
    roles[(first_days >= start) & (last_days < stop)] = "score"
    until = start - gap_days
    if calibrate_start is not None:
        roles[(first_days >= calibrate_start) & (last_days < until)] = "calibrate"
        until = calibrate_start - gap_days
    window_days = settings.window_days
    since = days_with_rows[0] if window_days is None else max(days_with_rows[0], until - window_days)
    roles[(first_days >= since) & (last_days < until)] = "fit"
    return roles
