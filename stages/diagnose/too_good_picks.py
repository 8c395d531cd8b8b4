"""too_good_picks: does the tuned arm beat the market's line by more than anything honest could?"""

import numpy as np

from core.evidence import Evidence, Finding, finding
from core.intervals import wilson
from stages.diagnose._judged import Judged, judged

NAME = "Do picks against the line win too often to be true?"


def check(evidence: Evidence) -> Finding:
    """Fail a hit rate, or an error below the market's, that no honest forecast of a quantity reaches.

    Picks are rows whose prediction is `hit_edge` or more from a real line; a push is no decision. The rate is judged by
    the lower end of its Wilson interval, from `hit_rate_picks` decided picks on. Declines tasks without these limits
    and rows without a market. Lines made of past results are no market, and prepare does not give them as one.
    """
    limits, rows = evidence.limits, judged(evidence)
    if None in (limits.hit_edge, limits.hit_rate_too_good, limits.hit_rate_picks, limits.error_below_market):
        return finding("declined", "No limits are set: this task has no lines to pick against.")
    if rows.kind != "quantity" or not np.isfinite(rows.market).any():
        return finding("declined", "No quantity is predicted that a market has a line for.")
    wins, decided = _picks(rows, limits.hit_edge or 0.0)
    rate = wilson(wins, decided)
    ahead = _ahead(rows)
    details = {"hit_rate": rate, "error_below_market": ahead, "edge": limits.hit_edge}
    said = f"{decided} picks hit {rate['value'] or 0:.1%}, and the mean error is {ahead:+.2f} below the line's"
    unbelievable = decided >= (limits.hit_rate_picks or 0) and (rate["low"] or 0) > (limits.hit_rate_too_good or 1)
    if unbelievable or ahead > (limits.error_below_market or np.inf):
        return finding("failed", f"{said}: look for a leak, or for lines that no book quoted.", **details)
    if decided < (limits.hit_rate_picks or 0):
        return finding("ok", f"{said}: too few picks to judge the rate by.", **details)
    return finding("ok", f"{said}, within what is believable.", **details)


def _picks(rows: Judged, edge: float) -> tuple[int, int]:
    """Return won and decided picks."""
    distance, result = rows.p - rows.market, rows.y - rows.market
    decided = (np.abs(distance) >= edge) & np.isfinite(result) & (result != 0)
    return int((np.sign(distance) == np.sign(result))[decided].sum()), int(decided.sum())


def _ahead(rows: Judged) -> float:
    known = np.isfinite(rows.market)
    errors = np.abs(rows.market - rows.y) - np.abs(rows.p - rows.y)
    return float(errors[known].mean())
