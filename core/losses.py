"""Losses that tuning may minimise, by name; each takes raw scores, before any calibration."""

from collections.abc import Callable

import numpy as np

from core.races import losses as race_losses
from core.races import softmax, temperature
from core.rows import Floats, Rows


def race_log_loss(score: Floats, rows: Rows) -> float:
    """Return −ln p(winner) per group at the best temperature, for calibration mends the temperature later (nats)."""
    b = temperature(score, rows.y, rows.group)
    return float(race_losses(softmax(b * score, rows.group), rows.y, rows.group).mean())


def absolute_error(score: Floats, rows: Rows) -> float:
    """Return the mean absolute error, in the target's unit."""
    return float(np.abs(score - rows.y).mean())


def squared_error(score: Floats, rows: Rows) -> float:
    """Return the mean squared error, in the target's unit squared."""
    return float(np.square(score - rows.y).mean())


LOSSES: dict[str, Callable[[Floats, Rows], float]] = {
    loss.__name__: loss for loss in (race_log_loss, absolute_error, squared_error)
}
