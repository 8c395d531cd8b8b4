"""Closing-line value: whether the market came to agree with a bet made at its opening line."""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.blocks import Blocks
from core.grading import by_edge, grade
from stages.evaluate._phrases import points

Floats = npt.NDArray[np.float64]


def closing_value(
    predicted: Floats, opening: Floats, close: Floats, actual: Floats, edge: float, blocks: Blocks
) -> dict[str, Any] | None:
    """Return what bets made against the opening line gained by the close, in the units of the line.

    The value of an over is close − open, of an under open − close. The hit rates grade the same bets at either line.
    None where no row has both. It means little of a model that was shown the close.
    """
    known = ~np.isnan(opening) & ~np.isnan(close)
    if not known.any():
        return None
    side = np.where(known, by_edge(predicted, opening, edge), 0)
    value = np.where(side != 0, side * (close - opening), np.nan)
    early, late = grade(side, opening, actual), grade(side, close, actual)
    return {
        "rows": int(known.sum()),
        "moved": float((opening != close)[known].mean()),
        "bets": int((side != 0).sum()),
        "value": blocks.mean(value),
        "value_over": blocks.mean(np.where(side > 0, value, np.nan)),
        "value_under": blocks.mean(np.where(side < 0, value, np.nan)),
        "positive": blocks.mean(_share(value > 0, value)),
        "negative": blocks.mean(_share(value < 0, value)),
        "hit_rate_at_open": blocks.ratio(early.won, early.decided),
        "hit_rate_at_close": blocks.ratio(late.won, late.decided),
        "open_minus_close_points": points(
            blocks.difference((early.won, early.decided), (late.won, late.decided)),
        ),
    }


def _share(holds: npt.NDArray[np.bool_], value: Floats) -> Floats:
    return np.where(np.isnan(value), np.nan, holds.astype(np.float64))
