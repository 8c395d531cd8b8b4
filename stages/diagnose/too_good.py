"""too_good: is the tuned arm better than anything honest could be?"""

import numpy as np

from core.evidence import Evidence, Finding, finding
from core.intervals import FEWEST, Interval, bootstrap
from core.races import Floats
from stages.diagnose._judged import Judged, judged

NAME = "Is this too good to be true?"


def check(evidence: Evidence) -> Finding:
    """Fail an R² that no honest forecast reaches, or one that beats by far a market which is not yet known.

    R² = 1 − loss / loss of knowing nothing, with a bootstrap interval over groups; both are measured by the interval's
    lower end. The comparison is made on the groups that the market prices whole, and only where the decision precedes
    the market: the audit's `decision` (before, if it says nothing) against when the market's column is known.
    Declines fewer than 30 groups, and no market unless the R² alone is beyond belief. A leak too small to reach the
    bounds is not seen.
    """
    rows, limits = judged(evidence), evidence.limits
    if rows.groups < FEWEST or not rows.ignorance().sum():
        said = f"{rows.groups} whole groups are predicted; {FEWEST}, with targets that vary, are needed."
        return finding("declined", said)
    own = _r2(rows, rows.losses(), evidence.seed)
    if _above(own, limits.r2_too_good):
        said = f"R² {_said(own)} is beyond the {limits.r2_too_good} that an honest forecast of this task could reach"
        return finding("failed", f"{said}: look for a leak.", r2=own)
    priced = rows.priced()
    if priced.groups < FEWEST or not priced.ignorance().sum():
        said = f"The market prices {priced.groups} whole groups, fewer than {FEWEST}; R² alone is {_said(own)}."
        return finding("declined", said, r2=own)
    return _beside_market(evidence, priced, own)


def _beside_market(evidence: Evidence, priced: Judged, own: Interval) -> Finding:
    market = _r2(priced, priced.market_losses(), evidence.seed)
    gain = _ratio(priced, priced.market_losses() - priced.losses(), priced.ignorance(), evidence.seed)
    details = {"r2": own, "market_r2": market, "over_market": gain, "market_known": _knows_market(evidence)}
    said = f"R² is {_said(gain)} above the market's {market['value']:.3f} on {priced.groups} groups"
    if _knows_market(evidence):
        return finding("ok", f"{said}; the market is known at the decision, so a lead is no sign of a leak.", **details)
    if _above(gain, evidence.limits.r2_over_market):
        return finding("failed", f"{said}, which at the decision is not yet known: look for a leak.", **details)
    return finding("ok", f"{said}, within what is believable ({evidence.limits.r2_over_market}).", **details)


def _knows_market(evidence: Evidence) -> bool:
    known = next((column.known for column in evidence.columns if column.name == "teacher"), "at_off")
    return known == "before" or (known == "at_off" and evidence.audit.get("decision") == "at_off")


def _r2(rows: Judged, losses: Floats, seed: int) -> Interval:
    return _ratio(rows, rows.ignorance() - losses, rows.ignorance(), seed)


def _ratio(rows: Judged, above: Floats, below: Floats, seed: int) -> Interval:
    numerator, denominator = (np.bincount(rows.block, weights=part).astype(float) for part in (above, below))
    return bootstrap(numerator, denominator, seed)


def _above(interval: Interval, bound: float) -> bool:
    return interval["low"] is not None and interval["low"] > bound


def _said(interval: Interval) -> str:
    return f"{interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"
