"""logistic: a linear model, by logistic regression for shares and by ridge regression for quantities."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.linear_model import LogisticRegression, Ridge

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_fields
from trueline.core.models.tabular import input_encoding
from trueline.core.models.tabular.log_odds import label_rows
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData


class Settings(StageSettings):
    """The parameters of a linear model."""

    target: Literal["share", "quantity"]
    l2: float = Field(gt=0)  # on half the sum of squared coefficients, against losses summed over rows
    positive_weight: float = Field(gt=0)  # shares only
    offset: str | None  # quantities only: the input that scores start from, if it is among the inputs


@dataclass(frozen=True)
class Model:
    """The encoding of the inputs and a coefficient for each encoded column."""

    encoding: input_encoding.Encoding
    coefficients: list[float]
    intercept: float
    offset: str | None
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return the linear model of least penalised loss; there are no rounds to stop early or to watch.

    Raises UserError for shares if the rows are all winners or all losers, or there is an offset.
    """
    encoding = input_encoding.fit_encoding(rows.x)
    is_share = settings.target == "share"
    target, weight = label_rows(
        rows, settings.target == "share", "target share", settings.offset, settings.positive_weight
    )
    estimator: Any = _build_logistic_regression(settings.l2) if is_share else Ridge(settings.l2, solver="cholesky")
    with limit_to_one_thread():
        fitted = estimator.fit(input_encoding.encode_inputs(rows.x, encoding), target, weight)
    coefficients = np.ravel(fitted.coef_)
    importance = compute_importance(np.abs(coefficients), input_encoding.list_encoded_inputs(encoding))
    intercept = float(np.ravel(fitted.intercept_)[0])
    return Model(encoding, coefficients.tolist(), intercept, settings.offset, {}, importance)


def _build_logistic_regression(l2: float) -> LogisticRegression:
    """Return a logistic regression with the Newton solver: L-BFGS stops before it has converged."""
    return LogisticRegression(C=1 / l2, max_iter=1000, solver="newton-cholesky", tol=1e-9)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares, or the quantity itself."""
    terms = input_encoding.encode_inputs(x, model.encoding) * model.coefficients
    linear_scores = terms.sum(axis=1) + model.intercept
    return np.asarray(linear_scores + input_encoding.get_score_offset(x, model.offset))


def save(model: Model, folder: Path) -> None:
    """Write model.json."""
    write_model_fields(model, folder)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(**read_model_json(folder / "model.json"))
