"""The days that production lacks, and whether their absence matters."""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.diagnose.backtest_gap.paired_rows import PairedRows
from stages.diagnose.backtest_gap.row_effects import estimate_effect
from stages.diagnose.backtest_gap.waterfall import GapChain
from stages.diagnose.units.array_types import Mask
from trueline.core.stats.block_bootstrap import BlockBootstrap

MIN_RUN_DAYS = 2  # the shortest run that is reported


def summarise_missing_days(paired: PairedRows, chain: GapChain) -> dict[str, Any]:
    """Return the days with events, within production's running time, that it did not predict, and their effect.

    Production's own rate without its gaps is unknown; `effect` is the effect of these days on the backtest's rate over
    the time in which production ran. `runs` are the missing days in runs of at least two.
    """
    is_served = paired.count_by_day(paired.production.has_prediction) > 0
    if not is_served.any():
        return {"days": 0, "missing": 0, "runs": [], "effect": None}
    running = slice(int(is_served.argmax()), len(is_served) - int(is_served[::-1].argmax()))
    is_missing, day_numbers = ~is_served[running], np.arange(len(is_served))[running]
    return {
        "days": len(is_missing),
        "missing": int(is_missing.sum()),
        "runs": paired.format_runs(is_missing, day_numbers, MIN_RUN_DAYS),
        "effect": _estimate_missing_effect(paired, chain, is_served, running) if is_missing.any() else None,
    }


def estimate_excluded_days(
    paired: PairedRows, bootstrap: BlockBootstrap, days: npt.NDArray[np.datetime64]
) -> dict[str, Any]:
    """Return the effect of some days on production's figure; see `estimate_effect`."""
    is_excluded = np.isin(paired.days, days.astype(paired.days.dtype))[paired.day_index] & paired.production.graded
    all_bets, excluded_bets = (
        paired.production.sum_bets(bootstrap, rows) for rows in (paired.production.graded, is_excluded)
    )
    effect = estimate_effect(bootstrap, all_bets, excluded_bets, paired.measure)
    return {"days": int((paired.count_by_day(is_excluded) > 0).sum())} | effect


def _estimate_missing_effect(paired: PairedRows, chain: GapChain, is_served: Mask, running: slice) -> dict[str, Any]:
    all_bets, missing_bets = np.zeros_like(chain.backtest), np.zeros_like(chain.backtest)
    all_bets[running] = chain.backtest[running]
    missing_bets[running] = np.where(is_served[running, None], 0.0, chain.backtest[running])
    return estimate_effect(chain.bootstrap, all_bets, missing_bets, paired.measure)
