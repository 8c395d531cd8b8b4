"""The main cause of a gap: named only where it stands out from noise and from the other causes."""

from typing import Any

import numpy as np

from core.drawn import filled, interval
from core.intervals import LEVEL, Interval
from stages.diagnose._gap.chain import CAUSES, Chain
from stages.diagnose._gap.words import points

NAMING = 0.98  # level at which a cause is named: of 200 made logs without a fault it named one in 6
POPULATION = ("dates", "players")
WORDS = {
    "predictions": "the predictions",
    "line_timing": "the lines: other numbers of the market, by another book or at another time",
    "line_type": "the type of line: estimated lines are not a market's",
    "dates": "the days",
    "players": "the players on the days that both have",
    "grading": "the grading: what production's own log counts as won and lost",
}


def contributions(links: Chain) -> dict[str, Interval]:
    """Return what each cause contributes to the gap, with its interval."""
    return {cause: links.interval(cause) for cause in CAUSES}


def clear(links: Chain) -> list[str]:
    """Return the causes whose interval leaves out 0 at a level that holds for all at once.

    Days and players must be material as well.
    """
    heavy = [cause for cause in CAUSES if cause not in POPULATION or material(links, cause)]
    moving = [cause for cause in CAUSES if np.nan_to_num(links.parts[cause]).any()]
    level = 1 - (1 - LEVEL) / max(len(moving), 1)
    return [cause for cause in moving if cause in heavy and beyond(links.interval(cause, level))]


def main_cause(links: Chain, gap: Interval) -> dict[str, Any]:
    """Return the main cause: its name or None, the verdict named, none or undecided, and a sentence.

    It is named where its contribution is the largest, is so in most draws (`confidence` is the share of draws), and has
    an interval at level NAMING that leaves out 0; if the gap's own interval does not, it must be among the clear ones.
    Days and players must be material as well. Otherwise there is none, if the gap is within noise, or it is undecided.
    """
    parts = np.stack([links.parts[cause] for cause in CAUSES])
    if not np.isfinite(parts[:, 0]).all():
        return _found(None, "undecided", None, "The two sides share no graded bets, so no cause can be told.")
    largest = int(np.abs(parts[:, 0]).argmax())
    known = parts[:, 1:][:, np.isfinite(parts[:, 1:]).all(axis=0)]
    often = float((np.abs(known).argmax(axis=0) == largest).mean()) if known.size else None
    cause = CAUSES[largest]
    if often is not None and often > 0.5 and _stands_out(links, cause, gap):
        said = f"The main cause is {WORDS[cause]} ({points(links.interval(cause))} of {points(gap)})."
        said += "" if beyond(gap) else " The gap as a whole is within noise."
        return _found(cause, "named", often, said)
    if beyond(gap) and (cause not in POPULATION or material(links, cause)):
        return _found(None, "undecided", often, f"Undecided: no single cause of {points(gap)} stands out from noise.")
    return _found(None, "none", often, f"None: a gap of {points(gap)} is within noise.")


def material(links: Chain, cause: str) -> bool:
    """Return whether a cause moves the hit rate by more than half the width of the backtest's own interval.

    The interval of what a handful of days or players do is too narrow: they are drawn again, and no others. Rates of
    whole sides are not, and any eight days move them by less than that.
    """
    own = interval(links.drawn.ratio(links.backtest), filled(links.backtest))
    if own["low"] is None or own["high"] is None:
        return False
    return bool(abs(links.parts[cause][0]) > (own["high"] - own["low"]) / 2)


def waterfall(links: Chain) -> list[dict[str, Any]]:
    """Return what each cause contributes as rows of a picture: step, contribution, low, high."""
    found = contributions(links)
    return [
        {"step": cause, "contribution": part["value"], "low": part["low"], "high": part["high"]}
        for cause, part in found.items()
    ]


def beyond(found: Interval) -> bool:
    """Return whether there is an interval and it leaves out 0."""
    low, high = found["low"], found["high"]
    return low is not None and high is not None and not low <= 0 <= high


def _stands_out(links: Chain, cause: str, gap: Interval) -> bool:
    if cause in POPULATION and not material(links, cause):
        return False
    return beyond(links.interval(cause, NAMING)) if beyond(gap) else cause in clear(links)


def _found(name: str | None, verdict: str, confidence: float | None, sentence: str) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "confidence": confidence, "sentence": sentence}
