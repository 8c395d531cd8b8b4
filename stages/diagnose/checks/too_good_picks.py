"""too_good_picks: does the tuned arm beat the market's line by more than anything honest could?"""

import numpy as np
import pandas as pd

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.scored_units import ScoredPredictions, build_scored_predictions
from trueline.core.stats.clustered_correlation import Correlation, compute_group_correlation
from trueline.core.stats.confidence_intervals import compute_wilson_interval
from trueline.core.stats.group_ops import Floats

MIN_T = 4.0  # below this t value a correlation may be chance

NAME = "Do picks against the line win too often to be true?"
ASKS = "honesty"


def check(evidence: Evidence) -> Finding:
    """Fail a hit rate, or an error below the market's, that no honest forecast of a quantity reaches, nor its opposite.

    Picks are rows whose prediction is at least `hit_edge` from a real line; a push is not a decision. The rate is
    judged by its Wilson interval, given at least `hit_rate_picks` decided picks: picks that lose as often as none could
    win mean that the lines know the result, as those of a running game do. Warns if predictions and results lie on the
    same side of the line, and equally far from it, by more than `result_correlation` (by rank, within groups): a share
    of the result in the predictions shows here long before picks win too often. Declines for tasks without these limits
    and if no row has a market. Lines estimated from past results are no market, and prepare does not pass them as one.
    """
    limits, scored = evidence.limits, build_scored_predictions(evidence)
    if None in (
        limits.hit_edge,
        limits.hit_rate_too_good,
        limits.hit_rate_picks,
        limits.error_below_market,
        limits.result_correlation,
    ):
        return decline("No limits are set: this task has no lines to pick against.")
    if scored.kind != "quantity" or not np.isfinite(scored.market).any():
        return decline("No quantity is predicted that a market has a line for.")
    wins, decided = _count_picks(scored, limits.hit_edge or 0.0)
    rate = compute_wilson_interval(wins, decided)
    advantage = _compute_error_advantage(scored)
    correlation = _compute_result_correlation(scored)
    details = {
        "hit_rate": rate,
        "error_below_market": advantage,
        "edge": limits.hit_edge,
        "result_correlation": correlation.r,
    }
    message = f"{decided} picks hit {rate['value'] or 0:.1%}, and the mean error is {advantage:+.2f} below the line's"
    if decided >= (limits.hit_rate_picks or 0) and (rate["high"] or 1) < 1 - (limits.hit_rate_too_good or 1):
        cause = "the lines know too much: look for quotes from the running game, or for lines of other days"
        return make_finding("failed", f"{message}: {cause}.", **details)
    is_unbelievable = decided >= (limits.hit_rate_picks or 0) and (rate["low"] or 0) > (limits.hit_rate_too_good or 1)
    if is_unbelievable or advantage > (limits.error_below_market or np.inf):
        return make_finding("failed", f"{message}: look for a leak, or for lines that no book quoted.", **details)
    if correlation.r > (limits.result_correlation or 1) and correlation.t > MIN_T:
        message += (
            f"; predictions and results deviate from the line alike ({correlation.r:+.2f} by rank, more than "
            f"{limits.result_correlation:g}): look for the result in the predictions"
        )
        return make_finding("warning", f"{message}.", **details)
    if decided < (limits.hit_rate_picks or 0):
        return make_finding("ok", f"{message}: too few picks to judge the rate by.", **details)
    return make_finding("ok", f"{message}, within what is believable.", **details)


def _count_picks(scored: ScoredPredictions, edge: float) -> tuple[int, int]:
    """Return the numbers of won and of decided picks."""
    distance, result = scored.p - scored.market, scored.y - scored.market
    decided = (np.abs(distance) >= edge) & np.isfinite(result) & (result != 0)
    return int((np.sign(distance) == np.sign(result))[decided].sum()), int(decided.sum())


def _compute_error_advantage(scored: ScoredPredictions) -> float:
    has_market = np.isfinite(scored.market)
    errors = np.abs(scored.market - scored.y) - np.abs(scored.p - scored.y)
    return float(errors[has_market].mean())


def _compute_result_correlation(scored: ScoredPredictions) -> Correlation:
    """Return the rank correlation, within groups, of prediction − line with result − line."""
    priced = scored.select_priced()
    predicted, actual = (_rank_values(values - priced.market) for values in (priced.p, priced.y))
    return compute_group_correlation(predicted, actual, priced.group)


def _rank_values(values: Floats) -> Floats:
    ranks = pd.Series(values).rank()  # scipy.stats, which has it too, takes a second to import
    return np.asarray(ranks, dtype=np.float64)
