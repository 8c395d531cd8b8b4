"""ensemble: several learners, weighed by how well each scored rows later than those it was fitted on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.linear_model import Ridge

from core import models, race_logit
from core.models import Watch
from core.params import Knobs
from core.refusals import Refusal
from core.rows import Floats, Rows
from core.shelf import tool
from core.stacking import Learners, forward, learned
from core.threads import one_thread


class Settings(Knobs):
    """The members of an ensemble, their knobs, and those of the line that joins their scores."""

    target: Literal["share", "quantity"]
    members: list[str] = Field(min_length=2)
    member_settings: dict[str, dict[str, Any]]
    inner_folds: int = Field(ge=1)  # blocks of time that are scored by members fitted on all earlier ones
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


def fit(
    rows: Rows,
    settings: Settings,
    seed: int,
    later: Rows | None = None,
    patience: int | None = None,
    watch: Watch | None = None,
) -> Model:
    """Return members fitted on all rows, joined as suited their scores of rows later than their fit.

    Shares are joined by a conditional logit without negative coefficients, quantities by ridge. A member takes the
    iterations that its settings say: nothing stops early and nothing is watched.
    """
    learners = learned("ensemble", settings.members, settings.member_settings)
    apart, scores = _apart(rows, learners, settings.inner_folds, seed)
    mean, spread = scores.mean(axis=0), scores.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    coefficients, intercept = _joined((scores - mean) / spread, apart, settings)
    members = {word: learner.fit(rows, knobs, seed) for word, (learner, knobs) in learners.items()}
    importance = _importance(members, np.abs(coefficients))
    return Model(members, coefficients.tolist(), intercept, mean.tolist(), spread.tolist(), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares, up to a constant within a race, or the quantity itself."""
    scores = np.column_stack([tool("train", word).score(member, x) for word, member in model.members.items()])
    parts = (scores - model.mean) / model.spread * model.coefficients
    return np.asarray(parts.sum(axis=1) + model.intercept)


def save(model: Model, folder: Path) -> None:
    """Write stack.json and each member in a folder of its own."""
    words = list(model.members)
    models.write(vars(model) | {"members": words}, folder / "stack.json")
    for word, member in model.members.items():
        tool("train", word).save(member, folder / word)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    stack = models.read(folder / "stack.json")
    members = {word: tool("train", word).load(folder / word) for word in stack["members"]}
    return Model(**stack | {"members": members})


def _apart(rows: Rows, learners: Learners, folds: int, seed: int) -> tuple[Rows, Floats]:
    """Return all rows but those of the first block of time, and rows × members of scores by members fitted before."""
    times = np.unique(rows.time)
    if len(times) <= folds:
        raise Refusal(f"an ensemble with {folds} inner folds needs {folds + 1} different times; it has {len(times)}.")
    starts = [block[0] for block in np.array_split(times, folds + 1)][1:]
    apart = rows.time >= starts[0]
    return rows.chosen(apart), forward(rows, learners, starts, seed)[apart]


def _joined(scores: Floats, rows: Rows, settings: Settings) -> tuple[Floats, float]:
    if settings.target == "share":
        return race_logit.fit(scores, rows.y, rows.weight, rows.group, settings.l2, positive=True), 0.0
    with one_thread():
        line = Ridge(settings.l2, solver="cholesky").fit(scores, rows.y, rows.weight)
    return line.coef_, float(line.intercept_)


def _importance(members: dict[str, Any], part: Floats) -> dict[str, float]:
    names = [name for member in members.values() for name in member.importance]
    held = [list(member.importance.values()) for member in members.values()]
    values = [own * share for own, shares in zip(part, held, strict=True) for share in shares]
    return models.shares(values, names)
