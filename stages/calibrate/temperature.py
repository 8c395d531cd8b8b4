"""temperature: all log-odds are divided by one number (Guo et al. 2017)."""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Codes, Floats, normalize_by_group, require_valid_targets

MAX_LOG_TEMPERATURE = 4.0  # bound of |ln T|: a score that is off by more than a factor of 55 is not log-odds at all


class Settings(StageSettings):
    """Whether the probabilities of a group are normalised to sum to 1 afterwards."""

    within_group: bool


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return the temperature T of maximum likelihood, between e⁻⁴ and e⁴; 1 if all scores are 0.

    Raises UserError if there are no rows, all rows won or all lost, a target is not a share of a win, or a score is not
    finite.
    """
    require_valid_targets(target, "temperature", score)
    if target.min() == target.max() and target[0] in (0, 1):
        raise UserError(
            f"temperature found that all {len(target)} calibrate rows {'won' if target[0] else 'lost'}; "
            "raise folds.<task>.calibrate_days, or choose the calibrator platt, which smooths the targets."
        )
    factor = _fit_temperature(score, target) if score.any() else 1.0
    return {"temperature": factor, "within_group": settings.within_group}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats:
    """Return sigmoid(score / T), normalised to sum to 1 in each group if `within_group` is set."""
    p = np.asarray(expit(score / state["temperature"]), dtype=np.float64)
    return normalize_by_group(p, group) if state["within_group"] else p


def _fit_temperature(score: Floats, target: Floats) -> float:
    def compute_loss(log_t: float) -> float:
        z = score / np.exp(log_t)
        return float(np.mean(np.logaddexp(0, z) - target * z))

    solution = minimize_scalar(
        compute_loss, bounds=(-MAX_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE), method="bounded", options={"xatol": 1e-8}
    )
    return float(np.exp(solution.x))
