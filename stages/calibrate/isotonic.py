"""isotonic: the non-decreasing curve of least squares through the outcomes."""

from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Codes, Floats, normalize_by_group, require_valid_targets


class Settings(StageSettings):
    """Whether the probabilities of a group are normalised to sum to 1 afterwards."""

    within_group: bool


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return the knots (x, y) of the non-decreasing curve of least squares, and the number of rows behind it.

    Raises UserError if there are no rows, a target is not a share of a win, or a score is not finite.
    """
    require_valid_targets(target, "isotonic", score)
    curve = IsotonicRegression(y_min=0, y_max=1).fit(score, target)
    knots = {"x": curve.X_thresholds_.tolist(), "y": curve.y_thresholds_.tolist()}
    return {**knots, "n": len(score), "within_group": settings.within_group}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats:
    """Return the curve at each score, normalised to sum to 1 in each group if `within_group` is set.

    Before that no value is nearer to 0 or 1 than 1 / (2n + 2): n rows cannot show that something is impossible.
    """
    min_probability = 1 / (2 * state["n"] + 2)
    p = np.clip(np.interp(score, state["x"], state["y"]), min_probability, 1 - min_probability)
    return normalize_by_group(p, group) if state["within_group"] else p
