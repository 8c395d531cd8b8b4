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
from core.rows import Floats, Rows
from core.threads import one_thread


class Settings(Knobs):
    """The knobs of a linear model."""

    target: Literal["share", "quantity"]
    l2: float = Field(gt=0)  # on half the sum of squared coefficients, against losses summed over rows
    positive_weight: float = Field(gt=0)  # shares only


@dataclass(frozen=True)
class Model:
    """The encoding of the inputs and a coefficient for each encoded column."""

    encoding: inputs.Encoding
    coefficients: list[float]
    intercept: float
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
    target, weight = winners(rows, settings.positive_weight) if share else (rows.y, rows.weight)
    kind: Any = LogisticRegression(C=1 / settings.l2, max_iter=1000) if share else Ridge(settings.l2, solver="cholesky")
    with one_thread():
        line = kind.fit(inputs.encode(rows.x, encoding), target, weight)
    coefficients = np.ravel(line.coef_)
    importance = models.shares(np.abs(coefficients), inputs.names(encoding))
    return Model(encoding, coefficients.tolist(), float(np.ravel(line.intercept_)[0]), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares, or the quantity itself."""
    return np.asarray((inputs.encode(x, model.encoding) * model.coefficients).sum(axis=1) + model.intercept)


def save(model: Model, folder: Path) -> None:
    """Write model.json."""
    models.write(vars(model), folder / "model.json")


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(**models.read(folder / "model.json"))
