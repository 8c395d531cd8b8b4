"""Groups in which one share of success is divided: softmax, losses and ranks within each."""

import numpy as np
from scipy.optimize import minimize_scalar

from trueline.core.errors import UserError
from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats, compute_group_softmax

LOG_FACTOR_TOLERANCE = 1e-8  # in the logarithm of a factor


def require_valid_targets(win_share: Floats, plugin_name: str, score: Floats | None = None) -> None:
    """Refuse what no tool learns a chance from: no rows, targets that are no share of a win, scores not finite."""
    if not len(win_share):
        raise UserError(f"{plugin_name} was given no rows; bring more days, or choose folds that leave it some.")
    if not ((win_share >= 0) & (win_share <= 1)).all():
        raise UserError(
            f"{plugin_name} needs targets that are a share of a win, 0 lost to 1 won, and they run from {win_share.min():g} to "
            f"{win_share.max():g}; choose another tool for this task."
        )
    if score is not None and not np.isfinite(score).all():
        invalid_count = int((~np.isfinite(score)).sum())
        raise UserError(
            f"{plugin_name} was given {invalid_count} of {len(score)} scores missing or infinite; mend the learner."
        )


def compute_race_losses(p: Floats, win_share: Floats, code: Codes) -> Floats:
    """Return −ln p(winner) for each group in order of its code; a dead heat shares the win (nats)."""
    return np.bincount(code, weights=-win_share * np.log(np.maximum(p, MIN_PROBABILITY))).astype(float)


def compute_uniform_losses(code: Codes) -> Floats:
    """Return ln(runners) for each group: the loss of knowing nothing (nats)."""
    return np.asarray(np.log(np.bincount(code)), dtype=np.float64)


def fit_temperature(score: Floats, win_share: Floats, code: Codes) -> float:
    """Return the factor b > 0 for which softmax(b·score) has the least loss on these rows."""
    solution = minimize_scalar(
        lambda log_b: compute_race_losses(compute_group_softmax(np.exp(log_b) * score, code), win_share, code).mean(),
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": LOG_FACTOR_TOLERANCE},
    )
    return float(np.exp(solution.x))
