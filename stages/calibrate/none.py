"""none: no calibration; the score is taken as log-odds."""

from typing import Any

import numpy as np
from scipy.special import expit

from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Codes, Floats, normalize_by_group


class Settings(StageSettings):
    """Whether the probabilities of a group are normalised to sum to 1."""

    within_group: bool


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return a state that holds only the settings: nothing is learned."""
    return {"within_group": settings.within_group}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats:
    """Return sigmoid(score), normalised to sum to 1 in each group if `within_group` is set."""
    p = np.asarray(expit(score), dtype=np.float64)
    return normalize_by_group(p, group) if state["within_group"] else p
