"""too_good: is the tuned arm better than anything honest could be?"""

import numpy as np

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.scored_units import ScoredPredictions, build_scored_predictions
from trueline.core.stats.block_bootstrap import bootstrap_ratio
from trueline.core.stats.confidence_intervals import MIN_BLOCKS, Interval
from trueline.core.stats.group_ops import Floats

NAME = "Is this too good to be true?"
ASKS = "honesty"


def check(evidence: Evidence) -> Finding:
    """Fail an R² that no honest forecast reaches, the market's included, or one far above that of a later market.

    R² = 1 − loss / loss of the uninformed baseline, with a bootstrap interval over groups; both are judged by the
    interval's lower end. The comparison uses the groups that the market prices completely, and only if the decision
    precedes the market: the audit's `decision` (before, by default) against the time at which the market's column is
    known. Declines for fewer than 30 groups, and without a market unless the R² alone is implausible. A leak too small
    to reach the bounds is not found.
    """
    scored, limits = build_scored_predictions(evidence), evidence.limits
    if scored.group_count < MIN_BLOCKS or not scored.compute_baseline_losses().sum():
        message = f"{scored.group_count} whole groups are predicted; {MIN_BLOCKS}, with targets that vary, are needed."
        return decline(message)
    model_r2 = _estimate_r2(scored, scored.compute_losses(), evidence.seed)
    if _is_above(model_r2, limits.r2_too_good):
        message = (
            f"R² {_format_estimate(model_r2)} is beyond the {limits.r2_too_good} that an honest forecast of this task"
        )
        return make_finding("failed", f"{message} could reach: look for a leak.", r2=model_r2)
    priced = scored.select_priced()
    if priced.group_count < MIN_BLOCKS or not priced.compute_baseline_losses().sum():
        message = f"The market prices {priced.group_count} whole groups, fewer than {MIN_BLOCKS}"
        return decline(f"{message}; R² alone is {_format_estimate(model_r2)}.", r2=model_r2)
    return _compare_with_market(evidence, priced, model_r2)


def _compare_with_market(evidence: Evidence, priced: ScoredPredictions, model_r2: Interval) -> Finding:
    market_r2 = _estimate_r2(priced, priced.compute_market_losses(), evidence.seed)
    lead = priced.compute_market_losses() - priced.compute_losses()
    gain = _estimate_ratio(priced, lead, priced.compute_baseline_losses(), evidence.seed)
    if _is_above(market_r2, evidence.limits.r2_too_good):
        message = (
            f"The market's R² {_format_estimate(market_r2)} is beyond the {evidence.limits.r2_too_good} that an honest "
            "forecast of this task could reach"
        )
        cause = "look for prices or lines from the running game or after it"
        return make_finding("failed", f"{message}: {cause}.", r2=model_r2, market_r2=market_r2)
    details = {"r2": model_r2, "market_r2": market_r2, "over_market": gain, "market_known": _is_market_known(evidence)}
    message = f"R² is {_format_estimate(gain)} above the market's {market_r2['value']:.3f}"
    message += f" on {priced.group_count} groups"
    if _is_market_known(evidence):
        summary = f"{message}; the market is known at the decision, so a lead is no sign of a leak."
        return make_finding("ok", summary, **details)
    if _is_above(gain, evidence.limits.r2_over_market):
        return make_finding("failed", f"{message}, which at the decision is not yet known: look for a leak.", **details)
    return make_finding("ok", f"{message}, within what is believable ({evidence.limits.r2_over_market}).", **details)


def _is_market_known(evidence: Evidence) -> bool:
    market_known = next((column.known for column in evidence.columns if column.name == "soft_label"), "at_start")
    return market_known == "before" or (market_known == "at_start" and evidence.audit.get("decision") == "at_start")


def _estimate_r2(scored: ScoredPredictions, losses: Floats, seed: int) -> Interval:
    return _estimate_ratio(scored, scored.compute_baseline_losses() - losses, scored.compute_baseline_losses(), seed)


def _estimate_ratio(scored: ScoredPredictions, above: Floats, below: Floats, seed: int) -> Interval:
    numerator, denominator = (np.bincount(scored.block, weights=values).astype(float) for values in (above, below))
    return bootstrap_ratio(numerator, denominator, seed)


def _is_above(interval: Interval, bound: float) -> bool:
    return interval["low"] is not None and interval["low"] > bound


def _format_estimate(interval: Interval) -> str:
    return f"{interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"
