"""market_bias: do predictions of a quantity lie on one side of the market's line?"""

import numpy as np

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.scored_units import build_scored_predictions
from trueline.core.stats.block_bootstrap import bootstrap_ratio
from trueline.core.stats.confidence_intervals import MIN_BLOCKS

NAME = "Does the model stand on one side of the market?"
ASKS = "health"


def check(evidence: Evidence) -> Finding:
    """Fail if the mean distance of predictions from the market (in the target's unit) exceeds the limit.

    A model that is low by two points bets under nearly always, so its hit rate is the luck of one side; the mean
    absolute error does not show that. Warns if only the interval reaches the limit. Declines for shares and
    probabilities, for tasks without a limit, and for fewer than 30 groups with a line.
    """
    limit = evidence.limits.market_bias
    scored = build_scored_predictions(evidence)
    has_market = np.isfinite(scored.market)
    days = int(np.count_nonzero(np.bincount(scored.group[has_market])))
    if scored.kind != "quantity" or limit is None:
        return decline("No quantity is predicted that a market has a line for, or no limit is set.")
    if days < MIN_BLOCKS:
        return decline(f"The market has lines in {days} groups; {MIN_BLOCKS} are needed.")
    distance, group = (scored.p - scored.market)[has_market], scored.group[has_market]
    sums, counts = np.bincount(group, weights=distance).astype(float), np.bincount(group).astype(float)
    estimate = bootstrap_ratio(sums[counts > 0], counts[counts > 0], evidence.seed)
    above = float((distance > 0).mean())
    value, low, high = estimate["value"] or 0.0, estimate["low"] or 0.0, estimate["high"] or 0.0
    message = f"Predictions lie {value:+.2f} from the line on average ({low:+.2f} to {high:+.2f})"
    message += f", above it in {above:.0%}"
    details = {"distance": estimate, "share_above": above, "rows": int(has_market.sum())}
    if abs(value) > limit:
        return make_finding("failed", f"{message}: more than {limit} is a bias, not an opinion.", **details)
    if max(abs(low), abs(high)) > limit:
        return make_finding("warning", f"{message}; the interval reaches the limit of {limit}.", **details)
    return make_finding("ok", f"{message}, within {limit}.", **details)
