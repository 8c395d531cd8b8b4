"""Losses that tuning may minimise, by name; each takes raw scores, before any calibration."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from core.races import losses as race_losses
from core.races import softmax, temperature
from core.rows import Floats, Rows

CONVERGED: Any = {"ftol": 1e-15, "gtol": 1e-10}
STEEPEST = 100.0  # a score that tells all apart would have no steepest line


class GroupLosses(NamedTuple):
    """The loss of each group, summed over its units (races, rows), and how many those are; by the groups' codes."""

    total: Floats
    units: Floats

    @property
    def mean(self) -> float:
        """Return the loss per unit."""
        return float(self.total.sum() / self.units.sum())


def race_log_loss(score: Floats, rows: Rows) -> GroupLosses:
    """Return −ln p(winner) per group at the best temperature, for calibration mends the temperature later (nats)."""
    b = temperature(score, rows.y, rows.group)
    total = race_losses(softmax(b * score, rows.group), rows.y, rows.group)
    return GroupLosses(total, np.ones(len(total)))


def absolute_error(score: Floats, rows: Rows) -> GroupLosses:
    """Return the absolute errors, in the target's unit."""
    return _by_group(np.abs(score - rows.y), rows)


def squared_error(score: Floats, rows: Rows) -> GroupLosses:
    """Return the squared errors, in the target's unit squared."""
    return _by_group(np.square(score - rows.y), rows)


def tag_log_loss(score: Floats, rows: Rows) -> GroupLosses:
    """Return −ln p(what is so) of each row in the mean of its tags, calibrated as well as one line for all can (nats).

    That is p = sigmoid(a·score + b) with the a ≥ 0 and b of least loss.
    """
    x, target = score.ravel(), rows.y.ravel()

    def loss(line: Floats) -> tuple[float, Floats]:
        z = line[0] * x + line[1]
        wrong = expit(z) - target
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array([np.mean(wrong * x), np.mean(wrong)])

    bounds: Any = [(0, STEEPEST), (None, None)]
    a, b = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options=CONVERGED).x
    z = a * score + b
    return _by_group((np.logaddexp(0, z) - rows.y * z).mean(axis=1), rows)


def _by_group(losses: Floats, rows: Rows) -> GroupLosses:
    return GroupLosses(*(np.bincount(rows.group, weights=x).astype(np.float64) for x in (losses, np.ones_like(losses))))


LOSSES: dict[str, Callable[[Floats, Rows], GroupLosses]] = {
    loss.__name__: loss for loss in (race_log_loss, tag_log_loss, absolute_error, squared_error)
}
