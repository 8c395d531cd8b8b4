"""Stretches of days on which production stood apart from the backtest as it did not on the others."""

from typing import Any

import numpy as np

from core.drawn import Floats
from stages.diagnose._gap.rows import Mask, Sides

SHORTEST, EVERY, STEP = 2, 60, 1.1  # days: every length from 2 to 60, then each a tenth longer
SCALE = 1.4826  # of the median absolute deviation, to a standard deviation where deviations are normal
SHOWN = 5
MEASURES = {
    "bias": "production's predictions less the backtest's",
    "error": "production's error less the backtest's",
}


def stretches(sides: Sides, size: float, errors: float) -> list[dict[str, Any]]:
    """Return stretches whose mean difference is `size` or more off the usual, and by `errors` standard errors or more.

    Both sides' predictions are compared on the rows that both predict: by themselves (an input at its default shifts
    them) and by their errors (knowing the result shrinks them). Usual is the median day; the standard error is robust,
    from the days.
    """
    both = np.flatnonzero(sides.backtest.predicted & sides.production.predicted & np.isfinite(sides.target))
    ahead = (sides.production.prediction - sides.backtest.prediction)[both]
    theirs, own = (np.abs(side.prediction - sides.target)[both] for side in (sides.production, sides.backtest))
    found = []
    for measure, values in (("bias", ahead), ("error", theirs - own)):
        counts = np.bincount(sides.code[both], minlength=len(sides.days)).astype(np.float64)
        sums = np.bincount(sides.code[both], values, len(sides.days)).astype(np.float64)
        played = np.flatnonzero(counts)
        for first, last, off, score in _scan(sums[played], counts[played], size, errors):
            days = sides.named(played[[first, last]])
            found.append(
                {"measure": measure, "first": days[0], "last": days[1], "days": last - first + 1, "off": off}
                | {"errors": score, "means": MEASURES[measure]}
            )
    return found


def _scan(sums: Floats, counts: Floats, size: float, errors: float) -> list[tuple[int, int, float, float]]:
    """Return first, last, mean deviation and standard errors of the stretches that stand out, the clearest first."""
    if len(sums) <= SHORTEST:
        return []
    usual = float(np.median(sums / counts))
    spread = SCALE * float(np.median(np.abs(sums / counts - usual) * np.sqrt(counts)))
    off, free = sums - usual * counts, np.ones(len(sums), bool)
    found: list[tuple[int, int, float, float]] = []
    while len(found) < SHOWN and spread > 0:
        best = _clearest(off, counts, free, size)
        if best is None or best[3] / spread < errors:
            break
        found.append((*best[:3], best[3] / spread))
        free[best[0] : best[1] + 1] = False
    return found


def _clearest(off: Floats, counts: Floats, free: Mask, size: float) -> tuple[int, int, float, float] | None:
    """Return the stretch of free days, of those that are `size` off, whose sum is largest for the root of its rows."""
    sums, rows, taken = (np.concatenate([[0.0], np.cumsum(part)]) for part in (off, counts, ~free))
    best: tuple[int, int, float, float] | None = None
    for length in _lengths(len(off)):
        total, held, occupied = (part[length:] - part[:-length] for part in (sums, rows, taken))
        far = (np.abs(total) >= size * held) & (occupied == 0)
        score = np.where(far, np.abs(total) / np.sqrt(held), 0.0)
        place = int(score.argmax())
        if score[place] > (best[3] if best else 0.0):
            best = place, place + length - 1, float(total[place] / held[place]), float(score[place])
    return best


def _lengths(days: int) -> list[int]:
    lengths, length = list(range(SHORTEST, min(EVERY, days - 1) + 1)), EVERY * STEP
    while length < days:
        lengths.append(int(length))
        length *= STEP
    return lengths
