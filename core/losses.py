"""Losses that tuning may minimise, by name; each takes raw scores, before any calibration."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from core.races import losses as race_losses
from core.races import softmax, temperature
from core.rows import Floats, Rows

STEEPEST = 100.0  # a score that tells all apart would have no steepest line


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


def tag_log_loss(score: Floats, rows: Rows) -> float:
    """Return the mean −ln p(what is so) over rows and tags, calibrated as well as one line for all tags can (nats).

    That is p = sigmoid(a·score + b) with the a ≥ 0 and b of least loss.
    """
    x, target = score.ravel(), rows.y.ravel()

    def loss(line: Floats) -> tuple[float, Floats]:
        z = line[0] * x + line[1]
        wrong = expit(z) - target
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array([np.mean(wrong * x), np.mean(wrong)])

    return float(minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0, STEEPEST), (None, None)]).fun)


LOSSES: dict[str, Callable[[Floats, Rows], float]] = {
    loss.__name__: loss for loss in (race_log_loss, tag_log_loss, absolute_error, squared_error)
}
