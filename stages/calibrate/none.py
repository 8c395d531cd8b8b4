"""none: the score is taken at its word as log-odds."""

from typing import Any

import numpy as np
from scipy.special import expit

from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Codes, Floats, normalize_by_group


class Settings(StageSettings):
    """Whether one share of success is divided within each group."""

    within_group: bool


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return a state that has learned nothing."""
    return {"within_group": settings.within_group}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats:
    """Return sigmoid(score), made to sum to 1 in each group where `within_group` says so."""
    p = np.asarray(expit(score), dtype=np.float64)
    return normalize_by_group(p, group) if state["within_group"] else p
