"""The days that production lacks, and whether leaving them out matters."""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.drawn import Drawn
from stages.diagnose._gap.chain import Chain
from stages.diagnose._gap.effect import effect, runs
from stages.diagnose._gap.rows import Mask, Sides

SHORTEST = 2  # days of a run


def missing(sides: Sides, links: Chain) -> dict[str, Any]:
    """Return the days with games on which production, while it ran, predicted nothing, in runs, and their effect.

    Production's own rate without its gaps is not known; `effect` is what these days do to the backtest's rate over the
    time in which production ran.
    """
    served = _daily(sides, sides.production.predicted)
    if not served.any():
        return {"days": 0, "missing": 0, "runs": [], "effect": None}
    ran = slice(int(served.argmax()), len(served) - int(served[::-1].argmax()))
    absent = ~served[ran]
    return {
        "days": len(absent),
        "missing": int(absent.sum()),
        "runs": _runs(sides, absent, ran.start),
        "effect": _effect(sides, links, served, ran) if absent.any() else None,
    }


def left_out(sides: Sides, drawn: Drawn, days: npt.NDArray[np.datetime64]) -> dict[str, Any]:
    """Return what some days do to production's hit rate, as `effect` tells it."""
    out = np.isin(sides.days, days.astype(sides.days.dtype))[sides.code] & sides.production.graded
    whole, part = (sides.production.bets(drawn, rows) for rows in (sides.production.graded, out))
    return {"days": int(_daily(sides, out).sum())} | effect(drawn, whole, part)


def _daily(sides: Sides, rows: Mask) -> Mask:
    return np.asarray(np.bincount(sides.code[rows], minlength=len(sides.days)) > 0)


def _runs(sides: Sides, absent: Mask, begin: int) -> list[dict[str, Any]]:
    return [
        dict(zip(("first", "last"), sides.named(np.array([begin + first, begin + last])), strict=True))
        | {"days": last - first + 1}
        for first, last in runs(absent)
        if last - first + 1 >= SHORTEST
    ]


def _effect(sides: Sides, links: Chain, served: Mask, ran: slice) -> dict[str, Any]:
    whole, part = np.zeros_like(links.backtest), np.zeros_like(links.backtest)
    whole[ran] = links.backtest[ran]
    part[ran] = np.where(served[ran, None], 0.0, links.backtest[ran])
    return effect(links.drawn, whole, part)
