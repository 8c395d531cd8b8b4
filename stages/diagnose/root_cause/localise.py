"""The location of a change: the level of a column in which a part of it is concentrated, if there is one."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from stages.diagnose.root_cause.daily_panel import MARKET_LOSS, MODEL_LOSS, SIGNED_ERROR, LevelSums
from stages.diagnose.units.array_types import Floats
from trueline.core.stats.mix_decomposition import compute_level_contributions

SumDraws = Callable[[Floats], Floats]  # days × … to draws × …: the sums over every draw of days; draw 0 is the data
PART_OUTCOMES = {"model": MODEL_LOSS, "market": MARKET_LOSS, "bias": SIGNED_ERROR}  # the outcome behind each part


class LevelThresholds(NamedTuple):
    """What a level needs to be named: standard errors, and days in the window and in its baseline."""

    standard_errors: float
    days: int
    baseline_days: int


class _LevelLocation(NamedTuple):
    """A level in which a part of the change is concentrated."""

    column: str
    level: str
    measured: dict[str, float]
    size: float  # its effect, for comparison with other levels


def localise_change(
    fields: list[LevelSums],
    sum_window: SumDraws,
    sum_baseline: SumDraws,
    directions: Mapping[str, float],
    thresholds: LevelThresholds,
) -> dict[str, dict[str, Any]]:
    """Return the column, level and amount for each part of the change that is concentrated in one level.

    For population and lines that is the level whose share rose most (`share_rose`). For model, market and bias it is
    the level whose loss or signed error exceeds that of all levels most in the part's direction, 1 or −1 of
    `directions` (`rose_more`); odd outcomes are not regressed out here, because an entity's usual outcome is better
    known later, which drives levels apart. Only levels that stand out by `thresholds.standard_errors` are returned, so
    that a change that is the same everywhere has no location, and only levels with enough days, because resamples of
    fewer days vary too little. A new level may be named.
    """
    locations: dict[str, list[_LevelLocation]] = {}
    for field in fields:
        for part_name, location in _find_locations(field, sum_window, sum_baseline, directions, thresholds):
            locations.setdefault(part_name, []).append(location)
    largest = {
        part_name: max(candidates, key=lambda candidate: candidate.size) for part_name, candidates in locations.items()
    }
    return {
        part_name: {"column": candidate.column, "level": candidate.level} | candidate.measured
        for part_name, candidate in largest.items()
    }


def _find_locations(
    field: LevelSums,
    sum_window: SumDraws,
    sum_baseline: SumDraws,
    directions: Mapping[str, float],
    thresholds: LevelThresholds,
) -> Iterator[tuple[str, _LevelLocation]]:
    counts, baseline_counts = sum_window(field.counts), sum_baseline(field.counts)
    sums, baseline_sums = sum_window(field.sums), sum_baseline(field.sums)
    is_active = (field.counts > 0).astype(float)
    window_days, baseline_days = sum_window(is_active)[0], sum_baseline(is_active)[0]
    is_known_or_new = (baseline_days >= thresholds.baseline_days) | (baseline_days == 0)
    has_enough_days = (window_days >= thresholds.days) & is_known_or_new

    def select_largest(measure: str, values: Floats, size_draws: Floats) -> _LevelLocation | None:
        """Return the level with the largest size among those whose value is beyond chance, if there is one."""
        is_clear = has_enough_days & (np.abs(values[0]) > thresholds.standard_errors * values[1:].std(axis=0))
        sizes = np.where(is_clear, size_draws[0], 0.0)
        level_index = int(sizes.argmax())
        if sizes[level_index] <= 0:
            return None
        measured = {measure: round(float(values[0, level_index]), 6)}
        return _LevelLocation(field.column, field.levels[level_index], measured, float(sizes[level_index]))

    for part_name, outcome in PART_OUTCOMES.items():
        share_rises, loss_rises, shares = compute_level_contributions(
            counts, sums[..., outcome], baseline_counts, baseline_sums[..., outcome]
        )
        location = select_largest("rose_more", loss_rises, directions[part_name] * shares * loss_rises)
        if location is not None:
            yield part_name, location
    if (location := select_largest("share_rose", share_rises, share_rises)) is not None:
        yield field.dimension, location
