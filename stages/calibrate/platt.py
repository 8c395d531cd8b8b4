"""platt: a straight line through the log-odds (Platt 1999)."""

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Codes, Floats, normalize_by_group, require_valid_targets


class Settings(StageSettings):
    """Whether the probabilities of a group are normalised to sum to 1 afterwards."""

    within_group: bool


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return the slope `a` and intercept `b` of maximum likelihood for Platt's smoothed targets.

    The smoothing keeps both finite if one class is absent or the score separates the two; equal scores give a = 0.
    Raises UserError if there are no rows, a target is not a share of a win, or a score is not finite.
    """
    require_valid_targets(target, "platt", score)
    centre, spread = score.mean(), score.std() if np.ptp(score) > 0 else np.inf
    slope, intercept = _fit_line((score - centre) / spread, _smooth_targets(target))
    return {"a": slope / spread, "b": intercept - slope * centre / spread, "within_group": settings.within_group}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats:
    """Return sigmoid(a·score + b), normalised to sum to 1 in each group if `within_group` is set."""
    p = np.asarray(expit(state["a"] * score + state["b"]), dtype=np.float64)
    return normalize_by_group(p, group) if state["within_group"] else p


def _smooth_targets(target: Floats) -> Floats:
    win_count = target.sum()
    high, low = (win_count + 1) / (win_count + 2), 1 / (len(target) - win_count + 2)
    return np.asarray(low + target * (high - low))


def _fit_line(score: Floats, target: Floats) -> tuple[float, float]:
    x = np.column_stack([score, np.ones(len(score))])

    def compute_loss(line: Floats) -> tuple[float, Floats]:
        z = x @ line
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.asarray(x.T @ (expit(z) - target) / len(x))

    def compute_curvature(line: Floats) -> Floats:
        p = expit(x @ line)
        return np.asarray((x * (p * (1 - p))[:, None]).T @ x / len(x))

    solution = minimize(
        compute_loss, np.zeros(2), jac=True, hess=compute_curvature, method="trust-exact", options={"gtol": 1e-10}
    )
    return float(solution.x[0]), float(solution.x[1])
