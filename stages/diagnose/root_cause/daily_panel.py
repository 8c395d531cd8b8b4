"""The panel: graded units summed by day and cell, so that any window and any resample of days is a matrix product."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.diagnose.root_cause.row_quality import MISSING_LEVEL
from stages.diagnose.units.array_types import Floats, Ints, Mask
from trueline.core.stored_tables.row_lookup import flag_first_occurrences, lookup_rows, take_or_nan

CodedLevels = tuple[Ints, list[str]]  # each unit's level code of a column, and the levels' names

BAND_COUNT = 4  # bands of equal count by an entity's usual outcome, if no column divides the population
ENTITY_PRIOR_UNITS = 5.0  # with this many earlier units an entity's own mean weighs as much as the global one
RARE_LEVEL_SHARE = 0.01  # levels of a column with a smaller share of the units are pooled
OTHER_LEVEL = "(other)"  # the pooled rare levels; no column has a level of this name
# the outcomes that are summed: losses, error, and how far the actual was from the entity's usual one
MODEL_LOSS, MARKET_LOSS, SIGNED_ERROR, SURPLUS, ABSOLUTE_SURPLUS = range(5)


@dataclass(frozen=True)
class LevelSums:
    """Sums by calendar day and level of one column, to locate a change."""

    column: str
    dimension: str  # population or lines
    levels: list[str]
    counts: Floats  # days × levels, of the compared units
    sums: Floats  # days × levels × (model loss, market loss, signed error)


@dataclass(frozen=True)
class DailyPanel:
    """Sums by calendar day and cell; cells are population × lines × soundness of the inputs."""

    first_day: pd.Timestamp
    # one for each column that divides population or lines; not by tier, because a moved prediction changes its own tier
    level_sums: list[LevelSums]
    counts: Floats  # days × population × lines × (sound, unsound if any is), of the compared units
    sums: Floats  # days × population × lines × (sound, unsound if any is) × 5 outcomes
    # days × 3 × 6: products of (1, surplus, |surplus|) with themselves and with (model loss, market loss, signed error)
    cross_products: Floats
    unit_counts: Floats  # by day: all units
    unsound_counts: Floats  # by day: units whose inputs are missing, defaulted, stale or contrary more than usual
    duplicate_counts: Floats  # by day: units that occur more than once
    absent_counts: Floats  # by day: units that were requested and are not predicted
    has_requested_rows: bool  # whether it is known which rows were requested
    is_priced: bool  # whether losses are compared with a market's
    is_race: bool  # whether a unit is a race
    errors: Floats  # signed errors of the compared units, ordered by day
    day_edges: Ints  # days + 1: where each day's errors start

    @cached_property
    def flat_sums(self) -> Floats:
        """Everything that is summed over draws of days, one row per day: counts, sums, and three counts of units."""
        flat_arrays = [array.reshape(len(self.unit_counts), -1) for array in (self.counts, self.sums)]
        return np.column_stack([*flat_arrays, self.unit_counts, self.unsound_counts, self.duplicate_counts])

    @property
    def days(self) -> pd.DatetimeIndex:
        """Every calendar day from the first to the last."""
        return pd.date_range(self.first_day, periods=len(self.unit_counts))


def build_panel(
    units: pd.DataFrame,
    quality: pd.DataFrame | None,
    segments: pd.DataFrame | None,
    columns: tuple[list[str], list[str]],
    margin: float,
    is_priced: bool,
) -> DailyPanel:
    """Build the panel; `columns` are the names of the segments that divide the population, and the lines.

    `margin` is how far a row's quality score may exceed the usual one before its inputs count as unsound.
    """
    first_day, day = _index_days(units, quality)
    is_unsound, is_duplicate = _flag_unsound_and_duplicate(units, quality, margin)
    is_race, actual = "market_hit" in units, units["actual"].to_numpy(float)
    surplus = np.zeros(len(units)) if is_race else actual - _estimate_entity_means(units)
    positions = _lookup_positions(segments, units)
    population, lines = (_encode_columns(segments, names, positions) for names in columns)
    population_code, population_count = _combine_columns(population) or _assign_bands(units, surplus)
    lines_code, lines_count = _combine_columns(lines) or (np.zeros(len(units), dtype=np.int64), 1)
    is_compared = np.isfinite(units["market"].to_numpy(float)) if is_priced else np.ones(len(units), dtype=bool)
    day_count = int(max(day.max(initial=-1), _list_absent_days(quality, first_day).max(initial=-1))) + 1
    shape = (day_count, population_count, lines_count, 1 + int(is_unsound.any()))
    cell = np.ravel_multi_index((day, population_code, lines_code, is_unsound.astype(np.int64)), shape)[is_compared]
    errors, model_loss = units["prediction"].to_numpy(float) - actual, units["model"].to_numpy(float)
    market_loss = units["market"].to_numpy(float) if is_priced else np.zeros(len(units))
    outcomes = [values[is_compared] for values in (model_loss, market_loss, errors, surplus, np.abs(surplus))]
    compared_day = day[is_compared]
    order = np.argsort(compared_day, kind="stable")
    counts, sums = _count_and_sum_cells(cell, outcomes, shape)

    def sum_levels(name: str, dimension: str, levels: CodedLevels) -> LevelSums:
        code, names = levels
        level_cell, level_shape = compared_day * len(names) + code[is_compared], (day_count, len(names))
        level_sums = _count_and_sum_cells(level_cell, outcomes[: SIGNED_ERROR + 1], level_shape)
        return LevelSums(name, dimension, names, *level_sums)

    def count_units(weights: Mask | None = None) -> Floats:
        return np.bincount(day, weights=weights, minlength=day_count).astype(float)

    return DailyPanel(
        first_day=first_day,
        level_sums=[
            sum_levels(name, dimension, levels)
            for dimension, coded in (("population", population), ("lines", lines))
            for name, levels in coded.items()
        ],
        counts=counts,
        sums=sums,
        cross_products=_compute_cross_products(compared_day, outcomes, day_count),
        unit_counts=count_units(),
        unsound_counts=count_units(is_unsound),
        duplicate_counts=count_units(is_duplicate),
        absent_counts=np.bincount(_list_absent_days(quality, first_day), minlength=day_count).astype(float),
        has_requested_rows=quality is not None and "unpredicted" in quality and "day" in quality,
        is_priced=is_priced,
        is_race=is_race,
        errors=outcomes[SIGNED_ERROR][order],
        day_edges=np.searchsorted(compared_day[order], np.arange(day_count + 1)),
    )


def _encode_columns(segments: pd.DataFrame | None, columns: list[str], positions: Ints) -> dict[str, CodedLevels]:
    """Return each unit's level code and the levels' names, for every column that exists."""
    if segments is None:
        return {}
    return {name: _encode_levels(segments[name], positions) for name in columns if name in segments}


def _count_and_sum_cells(cell: Ints, outcomes: list[Floats], shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return the number of units in each cell and the sums of their outcomes."""
    return _sum_cells(cell, None, shape), np.stack([_sum_cells(cell, outcome, shape) for outcome in outcomes], axis=-1)


def _index_days(units: pd.DataFrame, quality: pd.DataFrame | None) -> tuple[pd.Timestamp, Ints]:
    days = [units["day"].min()]
    if quality is not None and "day" in quality and len(quality):
        days.append(quality["day"].min())
    first_day = min(days)
    return first_day, np.asarray((units["day"] - first_day).dt.days, dtype=np.int64)


def _list_absent_days(quality: pd.DataFrame | None, first_day: pd.Timestamp) -> Ints:
    if quality is None or "unpredicted" not in quality or "day" not in quality:
        return np.empty(0, dtype=np.int64)
    day = quality.loc[quality["unpredicted"] > 0, "day"]
    return np.asarray((day - first_day).dt.days, dtype=np.int64)


def _lookup_positions(table: pd.DataFrame | None, units: pd.DataFrame) -> Ints:
    """Return the first position of each unit's row_id in the table's index, −1 if it is not there."""
    if table is None:
        return np.full(len(units), -1, dtype=np.int64)
    return lookup_rows(units["row_id"], table.index)


def _flag_unsound_and_duplicate(units: pd.DataFrame, quality: pd.DataFrame | None, margin: float) -> tuple[Mask, Mask]:
    """Return which units have unsound inputs, and which occur more than once."""
    is_duplicate = ~flag_first_occurrences(units["row_id"])
    is_unsound = np.zeros(len(units), dtype=bool)
    if quality is None:
        return is_unsound, is_duplicate
    positions = _lookup_positions(quality, units)
    for name in quality.columns.difference(["unpredicted", "day", "repeated"]):
        score = take_or_nan(quality[name].to_numpy(float), positions)
        usual_score = float(np.nanmedian(score)) if np.isfinite(score).any() else 0.0
        is_unsound = is_unsound | (score > usual_score + margin)
    if "repeated" in quality:
        is_duplicate = is_duplicate | (take_or_nan(quality["repeated"].to_numpy(float), positions) > 0)
    return is_unsound, is_duplicate


def _combine_columns(coded: dict[str, CodedLevels]) -> tuple[Ints, int] | None:
    """Return each unit's cell over all columns and the number of cells; None without columns."""
    if not coded:
        return None
    cell = np.zeros(1, dtype=np.int64)
    for level_index, levels in coded.values():
        cell = cell * len(levels) + level_index
    used_cells, code = np.unique(cell, return_inverse=True)
    return code.astype(np.int64), len(used_cells)


def _encode_levels(values: pd.Series, positions: Ints) -> CodedLevels:
    """Return each unit's level code and the levels' names; rare levels and unknown units share the last level."""
    level_index, levels = pd.factorize(values)
    known_index = np.where(level_index < 0, len(levels), level_index)[positions]
    level_index = np.where(positions >= 0, known_index, len(levels) + 1)
    level_names = [*(str(level) for level in levels), MISSING_LEVEL, OTHER_LEVEL]
    shares = np.bincount(level_index, minlength=len(level_names)) / max(len(level_index), 1)
    common_names = sorted({level_names[index] for index in np.flatnonzero(shares[:-1] >= RARE_LEVEL_SHARE)})
    name_codes = [common_names.index(name) if name in common_names else len(common_names) for name in level_names]
    coded = np.array(name_codes)[level_index]
    return coded, common_names if coded.max(initial=0) < len(common_names) else [*common_names, OTHER_LEVEL]


def _assign_bands(units: pd.DataFrame, surplus: Floats) -> tuple[Ints, int]:
    """Return each unit's band by its entity's usual outcome (actual minus surplus), and their number; 1 for races."""
    if "market_hit" in units or len(units) < BAND_COUNT:
        return np.zeros(len(units), dtype=np.int64), 1
    usual_actual = units["actual"].to_numpy(float) - surplus
    edges = np.unique(np.quantile(usual_actual, np.arange(1, BAND_COUNT) / BAND_COUNT))
    band = np.asarray(np.searchsorted(edges, usual_actual, side="right"), dtype=np.int64)
    return band, len(edges) + 1


def _estimate_entity_means(units: pd.DataFrame) -> Floats:
    """Return the entity's mean actual on strictly earlier days, shrunk towards the global mean if they are few."""
    day, actual = units["day"].to_numpy(), units["actual"].to_numpy(float)
    initial_mean = float(actual[:INITIAL_MEAN_UNITS].mean())
    global_mean = _compute_earlier_means(np.zeros(len(units), dtype=np.int64), day, actual, initial_mean, 1)
    entity_code = pd.factorize(units["entity"])[0].astype(np.int64)
    return _compute_earlier_means(entity_code, day, actual, global_mean, ENTITY_PRIOR_UNITS)


def _compute_earlier_means(
    key: Ints, day: npt.NDArray[Any], values: Floats, prior: Floats | float, weight: float
) -> Floats:
    order = np.lexsort((day, key))
    sorted_keys, sorted_days, sorted_values = key[order], day[order], values[order]
    cumulative = np.concatenate([[0.0], np.cumsum(sorted_values)])
    new_key = np.r_[True, sorted_keys[1:] != sorted_keys[:-1]]
    new_day = new_key | np.r_[True, sorted_days[1:] != sorted_days[:-1]]
    index = np.arange(len(sorted_keys))
    key_start = np.maximum.accumulate(np.where(new_key, index, 0))
    day_start = np.maximum.accumulate(np.where(new_day, index, 0))
    sorted_prior = np.broadcast_to(prior, len(sorted_keys))[order]
    earlier_sum, earlier_count = cumulative[day_start] - cumulative[key_start], day_start - key_start
    means = np.empty(len(sorted_keys))
    means[order] = (earlier_sum + weight * sorted_prior) / (earlier_count + weight)
    return means


INITIAL_MEAN_UNITS = 100  # the mean of the first units stands for the global mean before there is a past


def _compute_cross_products(day: Ints, outcomes: list[Floats], days: int) -> Floats:
    regressors = [np.ones(len(day)), outcomes[SURPLUS], outcomes[ABSOLUTE_SURPLUS]]
    products = [*regressors, outcomes[MODEL_LOSS], outcomes[MARKET_LOSS], outcomes[SIGNED_ERROR]]
    cross_products = np.empty((days, 3, 6))
    for row, row_values in enumerate(regressors):
        for column, column_values in enumerate(products):
            cross_products[:, row, column] = np.bincount(day, weights=row_values * column_values, minlength=days)
    return cross_products


def _sum_cells(cell: Ints, values: Floats | None, shape: tuple[int, ...]) -> Floats:
    return np.bincount(cell, weights=values, minlength=int(np.prod(shape))).astype(float).reshape(shape)
