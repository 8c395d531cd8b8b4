"""calibration_slope: are the probabilities of the tuned arm as extreme as the outcomes say they should be?"""

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.scored_units import build_scored_predictions
from trueline.core.stats.confidence_intervals import MIN_BLOCKS
from trueline.core.stats.probability_scores import estimate_calibration_slope

NAME = "Do the probabilities come true, neither too bold nor too timid?"
ASKS = "health"


def check(evidence: Evidence) -> Finding:
    """Compare the slope of a logistic regression of the target on logit(p) with the limits around 1.

    A slope below 1 is overconfidence. Declines for quantities, for fewer than 30 groups, and if no finite slope exists.
    """
    scored = build_scored_predictions(evidence)
    if scored.group_count < MIN_BLOCKS:
        return decline(f"{scored.group_count} whole groups are predicted; {MIN_BLOCKS} are needed for an interval.")
    if scored.kind == "quantity":
        return decline("The tuned arm predicts a quantity, not a probability, so it has no slope.")
    fitted = estimate_calibration_slope(scored.p, scored.y, scored.group, evidence.seed)
    if fitted is None:
        return decline("No slope exists: the probabilities are all equal, or never err.")
    slope, low, high = (float(fitted["slope"][name] or 0.0) for name in ("value", "low", "high"))
    limits = evidence.limits
    status = "ok" if low <= limits.slope_high and high >= limits.slope_low else "warning"
    message = f"The calibration slope is {slope:.3f} ({low:.3f} to {high:.3f}, {scored.group_count} groups)"
    if status == "ok":
        return make_finding("ok", f"{message}, in reach of {limits.slope_low} to {limits.slope_high}.", **fitted)
    verdict = "overconfident: too bold" if slope < 1 else "underconfident: too timid"
    return make_finding("warning", f"{message}: the probabilities are {verdict}.", **fitted)
