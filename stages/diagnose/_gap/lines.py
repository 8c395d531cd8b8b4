"""The lines that production was graded by: of which type, how they end, and how far from the real ones they are."""

from typing import Any

import numpy as np

from core.drawn import filled, interval
from stages.diagnose._gap.chain import Chain
from stages.diagnose._gap.effect import rate, runs
from stages.diagnose._gap.rows import Mask, Sides

EQUAL = 1e-6  # in the target's unit: rounding
SHORTEST = 2  # days of a stretch


def audit(sides: Sides, links: Chain) -> dict[str, Any]:
    """Return the shares of estimated and unknown types, of endings, the distance to real lines, and hit rates by type.

    `stretches` are runs of days on which most of production's lines are estimated.
    """
    lined, estimated = sides.production.predicted & sides.production.lined, sides.production.estimated
    if not lined.any():
        return {"rows": 0}
    tables = [sides.production.bets(links.drawn, lined & kind) for kind in (~estimated, estimated)]
    more = links.drawn.ratio(tables[1]) - links.drawn.ratio(tables[0])
    return {
        "rows": int(lined.sum()),
        "estimated": float(estimated[lined].mean()),
        "untold": _untold(sides, lined),
        "endings": {"actual": _endings(sides, lined & ~estimated), "estimated": _endings(sides, lined & estimated)},
        "against_real": {
            "actual": _distance(sides, lined & ~estimated),
            "estimated": _distance(sides, lined & estimated),
        },
        "hit_rate": {"actual": rate(links.drawn, tables[0]), "estimated": rate(links.drawn, tables[1])},
        "estimated_minus_actual": interval(more, filled(*tables)),
        "stretches": _stretches(sides, lined),
    }


def _untold(sides: Sides, lined: Mask) -> float:
    if "production_line_type" not in sides.rows:
        return 1.0
    return float(sides.rows["production_line_type"].isna().to_numpy()[lined].mean())


def _endings(sides: Sides, rows: Mask) -> dict[str, float] | None:
    """Return the shares of lines on whole numbers, on halves and on neither."""
    if not rows.any():
        return None
    ending = np.mod(sides.production.line[rows], 1)
    whole, half = ending == 0, ending == 0.5
    return {"whole": float(whole.mean()), "half": float(half.mean()), "other": float((~whole & ~half).mean())}


def _distance(sides: Sides, rows: Mask) -> dict[str, Any] | None:
    """Return how many lines have a real one beside them, the share that differs, and the mean distance."""
    rows = rows & sides.backtest.lined & ~sides.backtest.estimated
    if not rows.any():
        return None
    off = np.abs(sides.production.line - sides.backtest.line)[rows]
    return {"rows": int(rows.sum()), "differ": float((off > EQUAL).mean()), "distance": float(off.mean())}


def _stretches(sides: Sides, lined: Mask) -> list[dict[str, Any]]:
    lines, made = (
        np.bincount(sides.code[rows], minlength=len(sides.days)) for rows in (lined, lined & sides.production.estimated)
    )
    played = np.flatnonzero(lines)
    most = 2 * made[played] > lines[played]
    return [
        dict(zip(("first", "last"), sides.named(played[[first, last]]), strict=True)) | {"days": last - first + 1}
        for first, last in runs(most)
        if last - first + 1 >= SHORTEST
    ]
