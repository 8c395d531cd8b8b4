"""race_softmax: a softmax within each group, with one temperature for all of them, and the chances of a place."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

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
from trueline.core.stats.place_chances import (
    MAX_PLACES,
    compute_place_chances,
    find_paid_places,
    fit_discount,
    learn_paid_places,
)

OUTCOMES = ("placed",)
EPSILON = 1e-12  # keeps divisions finite if `best` is 1 or the races hold no information


class Settings(StageSettings):
    """How many places are paid from which field size on; empty where the calibrate rows are to tell."""

    paid_places: dict[int, Annotated[int, Field(ge=0, le=MAX_PLACES)]]


def fit(
    score: Floats, target: Floats, group: Codes, settings: Settings, outcomes: Mapping[str, Floats] | None = None
) -> dict[str, Any]:
    """Return the factor `b` of softmax(b·score): `best`, the factor of least loss, shrunk toward 1 by its own noise.

    A thousand races determine ln b to about 0.04, and a factor that is only noise costs more than it gains. So ln best
    is multiplied by 1 − (standard error / ln best)², or by 0 if that is negative (James and Stein's positive part).
    `best` stays between e⁻⁴ and e⁴; it is 1 if the scores of every group are equal. With the outcome `placed` (1 or 0,
    missing where it is not known) of some race, the state has the model of the places too, under `place`. Raises
    UserError if there are no rows or no winner, a target is not a share of a win, or a score is not finite.
    """
    require_valid_targets(target, "race_softmax", score)
    if not target.any():
        raise UserError(
            f"race_softmax found no winner among {len(target)} calibrate rows; raise folds.<task>.calibrate_days."
        )
    state = _fit_factor(score, target, group)
    placed = (outcomes or {}).get("placed")
    if placed is None:
        return state
    return state | _fit_places(compute_group_softmax(state["b"] * score, group), placed, group, settings)


def apply(state: dict[str, Any], score: Floats, group: Codes) -> Floats | dict[str, Floats]:
    """Return softmax(b·score) within each group, and if the state has it the chance of a paid place, under `place`.

    It is missing for fields smaller than any whose number of paid places is known.
    """
    win = compute_group_softmax(state["b"] * score, group)
    if "place" not in state:
        return win
    places_by_size = {int(size): paid for size, paid in state["place"]["places"].items()}
    paid_places = find_paid_places(places_by_size, group)
    return {"": win, "place": compute_place_chances(win, paid_places, group, state["place"]["discount"])}


def _fit_factor(score: Floats, target: Floats, group: Codes) -> dict[str, Any]:
    if not subtract_group_mean(score, group).any():
        return {"b": 1.0, "best": 1.0}
    best = fit_temperature(score, target, group)
    shrinkage = max(0.0, 1 - _estimate_variance(best, score, group) / max(np.log(best) ** 2, EPSILON))
    return {"b": float(best**shrinkage), "best": best}


def _fit_places(win: Floats, placed: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    places_by_size = settings.paid_places or learn_paid_places(placed, group)
    if not places_by_size:
        return {}
    discount = fit_discount(win, placed, find_paid_places(places_by_size, group), group)
    return {"place": discount | {"places": {str(size): paid for size, paid in sorted(places_by_size.items())}}}


def _estimate_variance(b: float, score: Floats, group: Codes) -> float:
    """Return the sampling variance of ln b: the inverse of the Fisher information that these races hold about it."""
    p = compute_group_softmax(b * score, group)
    information = p @ np.square(b * (score - sum_by_group(p * score, group)))
    return 1 / max(float(information), EPSILON)
