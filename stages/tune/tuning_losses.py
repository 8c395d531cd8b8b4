"""Losses that tuning may minimise, by name; each takes raw scores, before any calibration."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.stats.group_ops import compute_group_softmax, fit_temperature

SOLVER_TOLERANCES: Any = {"ftol": 1e-15, "gtol": 1e-10}
MAX_SLOPE = 100.0  # a score that separates the classes perfectly would have no steepest line


class GroupLosses(NamedTuple):
    """Each group's loss, summed over its units (races or rows), and the number of units; indexed by group code."""

    total: Floats
    units: Floats

    @property
    def mean(self) -> float:
        """Return the loss per unit."""
        return float(self.total.sum() / self.units.sum())


def race_log_loss(score: Floats, rows: FoldData) -> GroupLosses:
    """Return −ln p(winner) per group at the best temperature, since calibration fits that later anyway (nats)."""
    # here, so that an edit of the race losses tunes no task without races again
    from trueline.core.racing.race_losses import compute_race_losses

    factor = fit_temperature(score, rows.y, rows.group)
    group_losses = compute_race_losses(compute_group_softmax(factor * score, rows.group), rows.y, rows.group)
    return GroupLosses(group_losses, np.ones(len(group_losses)))


def absolute_error(score: Floats, rows: FoldData) -> GroupLosses:
    """Return the absolute errors, in the target's unit."""
    return _sum_by_group(np.abs(score - rows.y), rows)


def squared_error(score: Floats, rows: FoldData) -> GroupLosses:
    """Return the squared errors, in the target's unit squared."""
    return _sum_by_group(np.square(score - rows.y), rows)


def tag_log_loss(score: Floats, rows: FoldData) -> GroupLosses:
    """Return each row's log loss, averaged over its tags, after the best calibration by one line for all tags (nats).

    That is p = sigmoid(a·score + b) with the a (0 to MAX_SLOPE) and b of least loss.
    """
    from scipy.optimize import minimize  # here, because the losses of trials in the journal are not computed again

    flat_score, target = score.ravel(), rows.y.ravel()

    def compute_line_loss(line: Floats) -> tuple[float, Floats]:
        z = line[0] * flat_score + line[1]
        residual = expit(z) - target
        slope_and_shift = np.array([np.mean(residual * flat_score), np.mean(residual)])
        return float(np.mean(np.logaddexp(0, z) - target * z)), slope_and_shift

    bounds: Any = [(0, MAX_SLOPE), (None, None)]
    slope, intercept = minimize(
        compute_line_loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options=SOLVER_TOLERANCES
    ).x
    z = slope * score + intercept
    return _sum_by_group((np.logaddexp(0, z) - rows.y * z).mean(axis=1), rows)


def _sum_by_group(row_losses: Floats, rows: FoldData) -> GroupLosses:
    return GroupLosses(
        *(np.bincount(rows.group, weights=x).astype(np.float64) for x in (row_losses, np.ones_like(row_losses)))
    )


TUNING_LOSSES: dict[str, Callable[[Floats, FoldData], GroupLosses]] = {
    loss.__name__: loss for loss in (race_log_loss, tag_log_loss, absolute_error, squared_error)
}
