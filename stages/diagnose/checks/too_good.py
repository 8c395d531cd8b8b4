"""too_good: is the tuned arm better than anything honest could be?"""

import numpy as np

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.market_gain import compute_market_gains
from stages.diagnose.units.scored_units import ScoredPredictions, build_scored_predictions
from trueline.core.stats.block_bootstrap import bootstrap_ratio
from trueline.core.stats.confidence_intervals import MIN_BLOCKS, Interval
from trueline.core.stats.group_ops import Floats

NAME = "Is this too good to be true?"
ASKS = "honesty"


def check(evidence: Evidence) -> Finding:
    """Fail an R² that no honest forecast reaches, a market's that none could have, and a lead over it that none has.

    R² = 1 − loss / loss of the uninformed baseline, with a bootstrap interval over groups; all are judged by the
    interval's end that is less odd. A market is as odd if it explains too much (prices from the running game) as if it
    explains less than nothing (prices of other rows). The lead over the market is judged in two ways, on the groups
    that the market prices completely: as the difference of both R², and as what the predictions add to the market in
    the best combination of both, which shows an outcome that leaked into predictions far below the market. Beyond
    `gain_too_good` it fails; it warns if the gain itself is beyond `gain_doubtful` and its interval above 0, because
    few rows leave the interval of a small leak wide. If the market is known at the decision (the audit's
    `decision`, before by default, against the time at which the market's column is known), a difference of R² is no
    sign of a leak, and a gain whose interval is beyond either limit, which a weak market allows, warns. Declines for
    fewer than 30 groups, and without a market unless the R² alone is implausible. A leak too small to reach the limits
    is not found: `python -m trueline benchmarks blind_zone` shows how small.
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
    market_r2 = _estimate_r2(priced, priced.compute_market_losses(), evidence.seed)
    oddity = _describe_odd_market(market_r2, limits.r2_too_good)
    if oddity is not None:
        return make_finding("failed", oddity, r2=model_r2, market_r2=market_r2)
    return _compare_with_market(evidence, priced, model_r2, market_r2)


def _describe_odd_market(market_r2: Interval, highest: float) -> str | None:
    """Return what is wrong with a market that explains more than any forecast, or less than none."""
    estimate = f"The market's R² {_format_estimate(market_r2)}"
    if _is_above(market_r2, highest):
        message = f"{estimate} is beyond the {highest} that an honest forecast of this task could reach"
        return f"{message}: look for prices or lines from the running game or after it."
    if market_r2["high"] is not None and market_r2["high"] < 0:
        return f"{estimate} is below that of no information: look for prices or lines of other rows."
    return None


def _compare_with_market(
    evidence: Evidence, priced: ScoredPredictions, model_r2: Interval, market_r2: Interval
) -> Finding:
    baseline_losses, limits = priced.compute_baseline_losses(), evidence.limits
    lead = _estimate_ratio(
        priced, priced.compute_market_losses() - priced.compute_losses(), baseline_losses, evidence.seed
    )
    gain = _estimate_ratio(priced, compute_market_gains(priced), baseline_losses, evidence.seed)
    is_known = _is_market_known(evidence)
    details = {"r2": model_r2, "market_r2": market_r2, "over_market": lead, "gain": gain, "market_known": is_known}
    message = f"R² is {_format_estimate(lead)} above the market's {market_r2['value']:.3f}"
    message += f" on {priced.group_count} groups"
    if not is_known and _is_above(lead, limits.r2_over_market):
        return make_finding("failed", f"{message}, which at the decision is not yet known: look for a leak.", **details)
    message += f", and the predictions add {_format_estimate(gain)} to it"
    if _is_above(gain, limits.gain_too_good) and not is_known:
        return make_finding("failed", f"{message}, more than {limits.gain_too_good}: look for a leak.", **details)
    if is_known and _is_above(gain, limits.gain_doubtful):
        causes = "look for a leak, or for a market that is none"
        return make_finding("warning", f"{message}, more than {limits.gain_doubtful}: {causes}.", **details)
    is_beyond = gain["value"] is not None and gain["value"] > limits.gain_doubtful
    if not is_known and is_beyond and _is_above(gain, 0):
        return make_finding("warning", f"{message}, more than {limits.gain_doubtful}: look for a leak.", **details)
    return make_finding("ok", f"{message}, within what is believable ({limits.gain_doubtful}).", **details)


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
