"""Closing-line value: whether the line moved towards bets placed at the opening line."""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.evaluate.market.number_phrases import convert_to_points
from trueline.core.betting.grading import grade_picks, pick_by_edge
from trueline.core.stats.block_bootstrap import BlockBootstrap

Floats = npt.NDArray[np.float64]


def compute_closing_line_value(
    predicted: Floats, opening: Floats, closing: Floats, actual: Floats, edge: float, blocks: BlockBootstrap
) -> dict[str, Any] | None:
    """Return what bets placed at the opening line had gained by the close, in units of the line.

    An over gains close − open, an under open − close. The two hit rates grade the same bets at either line. None if no
    row has both lines. Means little for a model that has the closing line among its inputs.
    """
    has_both_lines = ~np.isnan(opening) & ~np.isnan(closing)
    if not has_both_lines.any():
        return None
    direction = np.where(has_both_lines, pick_by_edge(predicted, opening, edge), 0)
    value = np.where(direction != 0, direction * (closing - opening), np.nan)
    picks_at_open, picks_at_close = grade_picks(direction, opening, actual), grade_picks(direction, closing, actual)
    return {
        "rows": int(has_both_lines.sum()),
        "moved": float((opening != closing)[has_both_lines].mean()),
        "bets": int((direction != 0).sum()),
        "value": blocks.estimate_mean(value),
        "value_over": blocks.estimate_mean(np.where(direction > 0, value, np.nan)),
        "value_under": blocks.estimate_mean(np.where(direction < 0, value, np.nan)),
        "positive": blocks.estimate_mean(_convert_to_indicator(value > 0, value)),
        "negative": blocks.estimate_mean(_convert_to_indicator(value < 0, value)),
        "hit_rate_at_open": blocks.estimate_ratio(picks_at_open.is_won, picks_at_open.is_decided),
        "hit_rate_at_close": blocks.estimate_ratio(picks_at_close.is_won, picks_at_close.is_decided),
        "open_minus_close_points": convert_to_points(
            blocks.estimate_difference(
                (picks_at_open.is_won, picks_at_open.is_decided), (picks_at_close.is_won, picks_at_close.is_decided)
            )
        ),
    }


def _convert_to_indicator(condition: npt.NDArray[np.bool_], value: Floats) -> Floats:
    return np.where(np.isnan(value), np.nan, condition.astype(np.float64))
