"""ensemble: several learners, stacked by how well each scored rows later than those it was fitted on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.linear_model import Ridge

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.errors import UserError
from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_json
from trueline.core.models.tabular.conditional_logit_loss import fit_conditional_logit
from trueline.core.models.tabular.stacking import Learners, load_learners, score_forward
from trueline.core.runtime.params import StageSettings
from trueline.core.runtime.plugins import load_plugin
from trueline.core.splits.fold_data import Floats, FoldData


class Settings(StageSettings):
    """The members of an ensemble, their parameters, and those of the linear model that combines their scores."""

    target: Literal["share", "quantity"]
    members: list[str] = Field(min_length=2)
    member_settings: dict[str, dict[str, Any]]
    inner_folds: int = Field(ge=1)  # blocks of time that are scored by members fitted on all earlier rows
    l2: float = Field(gt=0)


@dataclass(frozen=True)
class Model:
    """Fitted members and the coefficient of each one's standardised score."""

    members: dict[str, Any]
    coefficients: list[float]
    intercept: float
    mean: list[float]
    spread: list[float]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return members fitted on all rows, and the coefficients that suited their scores of rows later than their fit.

    Shares are combined by a conditional logit without negative coefficients, quantities by ridge regression. A member
    runs the iterations of its settings; nothing stops early and nothing is watched. Raises UserError if a member is
    unknown or has no valid settings, or there are too few different times for the inner folds.
    """
    learners = load_learners("ensemble", settings.members, settings.member_settings)
    scored_rows, scores = _score_later_blocks(rows, learners, settings.inner_folds, seed)
    mean, spread = scores.mean(axis=0), scores.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    coefficients, intercept = _fit_combination((scores - mean) / spread, scored_rows, settings)
    members = {name: learner.fit(rows, member_settings, seed) for name, (learner, member_settings) in learners.items()}
    importance = _combine_importance(members, np.abs(coefficients))
    return Model(members, coefficients.tolist(), intercept, mean.tolist(), spread.tolist(), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares, up to a constant within a race, or the quantity itself."""
    members = model.members.items()
    scores = np.column_stack([load_plugin("train", name).score(member, x) for name, member in members])
    contributions = (scores - model.mean) / model.spread * model.coefficients
    return np.asarray(contributions.sum(axis=1) + model.intercept)


def save(model: Model, folder: Path) -> None:
    """Write stack.json and each member in a folder of its own."""
    learner_names = list(model.members)
    write_model_json(vars(model) | {"members": learner_names}, folder / "stack.json")
    for learner_name, member in model.members.items():
        load_plugin("train", learner_name).save(member, folder / learner_name)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    stack = read_model_json(folder / "stack.json")
    members = {name: load_plugin("train", name).load(folder / name) for name in stack["members"]}
    return Model(**stack | {"members": members})


def _score_later_blocks(rows: FoldData, learners: Learners, folds: int, seed: int) -> tuple[FoldData, Floats]:
    """Return the rows after the first block of time, and rows × members of scores by members fitted on earlier rows."""
    times = np.unique(rows.time)
    if len(times) <= folds:
        raise UserError(
            f"an ensemble with {folds} inner folds needs rows at {folds + 1} different times, but got {len(times)}; "
            "lower inner_folds, or add days."
        )
    starts = [block[0] for block in np.array_split(times, folds + 1)][1:]
    is_scored = rows.time >= starts[0]
    return rows.select_rows(is_scored), score_forward(rows, learners, starts, seed)[is_scored]


def _fit_combination(scores: Floats, rows: FoldData, settings: Settings) -> tuple[Floats, float]:
    if settings.target == "share":
        return fit_conditional_logit(scores, rows.y, rows.weight, rows.group, settings.l2, positive=True), 0.0
    with limit_to_one_thread():
        ridge = Ridge(settings.l2, solver="cholesky").fit(scores, rows.y, rows.weight)
    return ridge.coef_, float(ridge.intercept_)


def _combine_importance(members: dict[str, Any], member_weights: Floats) -> dict[str, float]:
    names = [name for member in members.values() for name in member.importance]
    member_shares = [list(member.importance.values()) for member in members.values()]
    weighted_shares = zip(member_weights, member_shares, strict=True)
    values = [member_weight * share for member_weight, shares in weighted_shares for share in shares]
    return compute_importance(values, names)
