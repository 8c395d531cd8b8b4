"""logistic: one coefficient an input, for shares by logistic regression and for quantities by ridge."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.linear_model import LogisticRegression, Ridge

from core import inputs, models
from core.models import Watch
from core.odds import winners
from core.params import Knobs
from core.refusals import Refusal
from core.rows import Floats, Rows
from core.threads import one_thread


class Settings(Knobs):
    """The knobs of a linear model."""

    target: Literal["share", "quantity"]
    l2: float = Field(gt=0)  # on half the sum of squared coefficients, against losses summed over rows
    positive_weight: float = Field(gt=0)  # shares only
    offset: str | None  # quantities only: the input that scores start from, where the inputs have it


@dataclass(frozen=True)
class Model:
    """The encoding of the inputs and a coefficient for each encoded column."""

    encoding: inputs.Encoding
    coefficients: list[float]
    intercept: float
    offset: str | None
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
    """Return the one best linear model; it has no rounds, so nothing stops early and nothing is watched."""
    encoding = inputs.learn(rows.x)
    share = settings.target == "share"
    target, weight = _lesson(rows, settings)
    kind: Any = _logit(settings.l2) if share else Ridge(settings.l2, solver="cholesky")
    with one_thread():
        line = kind.fit(inputs.encode(rows.x, encoding), target, weight)
    coefficients = np.ravel(line.coef_)
    importance = models.shares(np.abs(coefficients), inputs.names(encoding))
    intercept = float(np.ravel(line.intercept_)[0])
    return Model(encoding, coefficients.tolist(), intercept, settings.offset, {}, importance)


def _logit(l2: float) -> LogisticRegression:
    """Return a logistic regression that takes Newton's steps: L-BFGS ends before it has converged."""
    return LogisticRegression(C=1 / l2, max_iter=1000, solver="newton-cholesky", tol=1e-9)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares, or the quantity itself."""
    line = (inputs.encode(x, model.encoding) * model.coefficients).sum(axis=1) + model.intercept
    return np.asarray(line + inputs.offset(x, model.offset))


def save(model: Model, folder: Path) -> None:
    """Write model.json."""
    models.write(vars(model), folder / "model.json")


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(**models.read(folder / "model.json"))


def _lesson(rows: Rows, settings: Settings) -> tuple[Floats, Floats]:
    """Return each row's label and weight: winners for shares, for a quantity what it has beyond its offset."""
    if settings.target == "quantity":
        return rows.y - inputs.offset(rows.x, settings.offset), rows.weight
    if settings.offset in rows.x.columns:
        raise Refusal(
            f"offset is {settings.offset!r}, an input, with target share; only quantities start from one here: "
            "set offset to null, or take catboost_trees or xgboost_trees, whose log-odds can start anywhere."
        )
    return winners(rows, settings.positive_weight)
