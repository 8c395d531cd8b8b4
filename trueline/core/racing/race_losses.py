"""Race losses: the log loss of win probabilities within groups that share one win, and their temperature."""

import numpy as np
from scipy.optimize import minimize_scalar

from trueline.core.errors import UserError
from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats, compute_group_softmax

LOG_FACTOR_TOLERANCE = 1e-8  # of the logarithm of the factor


def require_valid_targets(win_share: Floats, plugin_name: str, score: Floats | None = None) -> None:
    """Raise UserError if there are no rows, a target is not a share of a win (0 to 1), or a score is not finite."""
    if not len(win_share):
        raise UserError(f"{plugin_name} was given no rows; add days, or choose folds that leave it some.")
    if not ((win_share >= 0) & (win_share <= 1)).all():
        raise UserError(
            f"{plugin_name} needs targets that are a share of a win, from 0 (lost) to 1 (won), but they run from "
            f"{win_share.min():g} to {win_share.max():g}; choose another plugin for this task."
        )
    if score is not None and not np.isfinite(score).all():
        invalid_count = int((~np.isfinite(score)).sum())
        raise UserError(
            f"{plugin_name} was given {invalid_count} of {len(score)} scores missing or infinite; fix the learner."
        )


def compute_race_losses(p: Floats, win_share: Floats, code: Codes) -> Floats:
    """Return −ln p(winner) in nats for each group, in order of the codes; a dead heat shares the win.

    >>> compute_race_losses(np.array([0.5, 0.5, 1.0, 0.0]), np.array([0.0, 1.0, 1.0, 0.0]), np.array([0, 0, 1, 1]))
    array([0.69314718, 0.        ])
    """
    return np.bincount(code, weights=-win_share * np.log(np.maximum(p, MIN_PROBABILITY))).astype(float)


def compute_uniform_losses(code: Codes) -> Floats:
    """Return ln(number of runners) in nats for each group: the loss of equal probabilities."""
    return np.asarray(np.log(np.bincount(code)), dtype=np.float64)


def fit_temperature(score: Floats, win_share: Floats, code: Codes) -> float:
    """Return the factor b, from e⁻⁴ to e⁴, for which softmax(b·score) has the least mean loss on these rows."""
    solution = minimize_scalar(
        lambda log_b: compute_race_losses(compute_group_softmax(np.exp(log_b) * score, code), win_share, code).mean(),
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": LOG_FACTOR_TOLERANCE},
    )
    return float(np.exp(solution.x))
