"""The effect of a part of the rows on a figure: the figure of the part, the one without it, and the difference."""

from typing import Any

import numpy as np

from trueline.core.gap_measure import GapMeasure
from trueline.core.stats.block_bootstrap import BlockBootstrap, Floats, compute_interval, count_nonzero_blocks
from trueline.core.stats.confidence_intervals import MIN_BLOCKS, Interval, compute_wilson_interval


def estimate_rate(bootstrap: BlockBootstrap, table: Floats, measure: GapMeasure) -> Interval:
    """Return the figure of a table of scores and weights; a hit rate of too few days has a Wilson interval."""
    if count_nonzero_blocks(table) >= MIN_BLOCKS or not measure.has_lines:
        return bootstrap.estimate_table(table)
    won, decided = table.sum(axis=0)
    return compute_wilson_interval(float(won), int(decided)) | {"n": count_nonzero_blocks(table)}


def estimate_effect(
    bootstrap: BlockBootstrap, all_bets: Floats, some_bets: Floats, measure: GapMeasure
) -> dict[str, Any]:
    """Return the figure of a part of the rows, that of the rest, and by how much the part lifts the whole.

    The lift matters if its interval excludes 0 and it exceeds half the width of the whole's own interval: any eight
    days shift a rate a little, but less than chance does.
    """
    all_rate, other_rate = bootstrap.compute_ratio(all_bets), bootstrap.compute_ratio(all_bets - some_bets)
    day_count = count_nonzero_blocks(all_bets)
    lift, usual_interval = compute_interval(all_rate - other_rate, day_count), compute_interval(all_rate, day_count)
    return {
        "bets": int(some_bets[:, 1].sum()),
        measure.name: estimate_rate(bootstrap, some_bets, measure),
        "without": estimate_rate(bootstrap, all_bets - some_bets, measure),
        "lift": lift,
        "matters": is_clear_of_zero(lift) and abs(lift["value"] or 0.0) > compute_half_width(usual_interval),
    }


def is_clear_of_zero(estimate: Interval) -> bool:
    """Return whether there is an interval and it excludes 0."""
    return estimate["low"] is not None and estimate["high"] is not None and not estimate["low"] <= 0 <= estimate["high"]


def compute_half_width(estimate: Interval) -> float:
    """Return half the width of an interval, infinity without one."""
    return np.inf if estimate["low"] is None or estimate["high"] is None else (estimate["high"] - estimate["low"]) / 2
