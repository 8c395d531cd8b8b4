"""market_bias: do predictions of a quantity lie on one side of the market's line?"""

import numpy as np

from core.evidence import Evidence, Finding, finding
from core.intervals import FEWEST, bootstrap
from stages.diagnose._judged import judged

NAME = "Does the model stand on one side of the market?"


def check(evidence: Evidence) -> Finding:
    """Fail a mean distance of predictions from the market beyond the limit, in the target's unit.

    A model that is low by two points bets under nearly always: its hit rate is then the luck of one side. Mean absolute
    error does not show it. Warns where only the interval reaches the limit. Declines shares and chances, tasks without
    a limit, and fewer than 30 groups that a market has lines for.
    """
    limit = evidence.limits.market_bias
    rows = judged(evidence)
    known = np.isfinite(rows.market)
    days = int(np.count_nonzero(np.bincount(rows.group[known])))
    if rows.kind != "quantity" or limit is None:
        return finding("declined", "No quantity is predicted that a market has a line for, or no limit is set.")
    if days < FEWEST:
        return finding("declined", f"The market has lines in {days} groups; {FEWEST} are needed.")
    distance, group = (rows.p - rows.market)[known], rows.group[known]
    sums, counts = np.bincount(group, weights=distance).astype(float), np.bincount(group).astype(float)
    found = bootstrap(sums[counts > 0], counts[counts > 0], evidence.seed)
    above = float((distance > 0).mean())
    value, low, high = found["value"] or 0.0, found["low"] or 0.0, found["high"] or 0.0
    said = f"Predictions lie {value:+.2f} from the line on average ({low:+.2f} to {high:+.2f}), above it in {above:.0%}"
    details = {"distance": found, "share_above": above, "rows": int(known.sum())}
    if abs(value) > limit:
        return finding("failed", f"{said}: more than {limit} is a bias, not an opinion.", **details)
    if max(abs(low), abs(high)) > limit:
        return finding("warning", f"{said}; the interval reaches the limit of {limit}.", **details)
    return finding("ok", f"{said}, within {limit}.", **details)
