"""race_softmax: a softmax within each group, with one temperature for all of them."""

from typing import Any

import numpy as np

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import (
    Codes,
    Floats,
    compute_group_softmax,
    fit_temperature,
    require_valid_targets,
    subtract_group_mean,
    sum_by_group,
)

EPSILON = 1e-12  # keeps divisions finite if `best` is 1 or the races hold no information


class Settings(StageSettings):
    """No parameters."""


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return the factor `b` of softmax(b·score): `best`, the factor of least loss, shrunk toward 1 by its own noise.

    A thousand races determine ln b to about 0.04, and a factor that is only noise costs more than it gains. So ln best
    is multiplied by 1 − (standard error / ln best)², or by 0 if that is negative (James and Stein's positive part).
    `best` stays between e⁻⁴ and e⁴; it is 1 if the scores of every group are equal. Raises UserError if there are no
    rows or no winner, a target is not a share of a win, or a score is not finite.
    """
    require_valid_targets(target, "race_softmax", score)
    if not target.any():
        raise UserError(
            f"race_softmax found no winner among {len(target)} calibrate rows; raise folds.<task>.calibrate_days."
        )
    if not subtract_group_mean(score, group).any():
        return {"b": 1.0, "best": 1.0}
    best = fit_temperature(score, target, group)
    shrinkage = max(0.0, 1 - _estimate_variance(best, score, group) / max(np.log(best) ** 2, EPSILON))
    return {"b": float(best**shrinkage), "best": best}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats:
    """Return softmax(b·score) within each group."""
    return compute_group_softmax(state["b"] * score, group)


def _estimate_variance(b: float, score: Floats, group: Codes) -> float:
    """Return the sampling variance of ln b: the inverse of the Fisher information that these races hold about it."""
    p = compute_group_softmax(b * score, group)
    information = p @ np.square(b * (score - sum_by_group(p * score, group)))
    return 1 / max(float(information), EPSILON)
