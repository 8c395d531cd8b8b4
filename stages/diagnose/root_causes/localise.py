"""Where: in which level of which column a part of the change is found, if it is in one more than in the others."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.diagnose.root_causes.daily_panel import MARKET_LOSS, MODEL_LOSS, SIGNED_ERROR, LevelSums
from trueline.core.stats.mix_decomposition import compute_level_contributions

Floats = npt.NDArray[np.float64]
SumDraws = Callable[[Floats], Floats]  # days × … in, draws × … out: the sums of every draw of days, draw 0 the data
PART_OUTCOMES = {
    "model": MODEL_LOSS,
    "market": MARKET_LOSS,
    "bias": SIGNED_ERROR,
}  # parts within levels, and the outcomes that tell of them


class LevelThresholds(NamedTuple):
    """What a level must have to be named: standard errors, and days in the window and in its baseline."""

    standard_errors: float
    days: int
    baseline_days: int


class _LevelLocation(NamedTuple):
    """A level in which a part is found."""

    column: str
    level: str
    measured: dict[str, float]
    size: float  # what it brings, to be compared with that of other levels


def localise_change(
    fields: list[LevelSums],
    sum_window: SumDraws,
    sum_baseline: SumDraws,
    directions: Mapping[str, float],
    thresholds: LevelThresholds,
) -> dict[str, dict[str, Any]]:
    """Return, of each part that is found in one level more than elsewhere, the column, the level and by how much.

    Population and lines: the level whose share rose most (`share_rose`). Model, market and bias: the level whose loss,
    or signed error, went furthest beyond all levels' in the direction of the part, 1 or −1 of `directions` (`rose_more`);
    odd outcomes are not taken out of it, for what is usual of an entity is better known later, which shifts levels
    apart. Only what stands out by so many standard errors is told, so that a change that is the same everywhere is said
    to be nowhere, and only of levels that enough days have, for of fewer days draws know too little. A level that is
    new may be named.
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
    window_days, baseline_days = (
        sum_draws((field.counts > 0).astype(float))[0] for sum_draws in (sum_window, sum_baseline)
    )
    has_enough_days = (window_days >= thresholds.days) & (
        (baseline_days >= thresholds.baseline_days) | (baseline_days == 0)
    )

    def select_largest(measure: str, values: Floats, size_draws: Floats) -> _LevelLocation | None:
        """Return the level of the largest size among those whose value stands out from chance."""
        is_clear = has_enough_days & (np.abs(values[0]) > thresholds.standard_errors * values[1:].std(axis=0))
        sizes = np.where(is_clear, size_draws[0], 0.0)
        level_index = int(sizes.argmax())
        if sizes[level_index] <= 0:
            return None
        return _LevelLocation(
            field.column,
            field.levels[level_index],
            {measure: round(float(values[0, level_index]), 6)},
            float(sizes[level_index]),
        )

    for part_name, outcome in PART_OUTCOMES.items():
        share_rises, loss_rises, shares = compute_level_contributions(
            counts, sums[..., outcome], baseline_counts, baseline_sums[..., outcome]
        )
        if (
            location := select_largest("rose_more", loss_rises, directions[part_name] * shares * loss_rises)
        ) is not None:
            yield part_name, location
    if (location := select_largest("share_rose", share_rises, share_rises)) is not None:
        yield field.dimension, location
