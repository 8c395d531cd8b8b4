"""AutoGluon: its medium quality within the same seconds; it reads texts and categories by itself."""

from importlib import import_module
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

LABEL = "peer label"
LEAST_SECONDS = 3.0  # in less AutoGluon may end without a model
PRESET = "medium_quality"  # the one that AutoGluon itself takes if none is named


def forecast(
    inputs: pd.DataFrame, y: pd.Series, group: np.ndarray, score: pd.DataFrame, kind: str, seconds: float
) -> np.ndarray:
    """Return the chance of 1 of every score row, or the forecast quantity, chosen by log loss or absolute error."""
    problem, metric = ("binary", "log_loss") if kind == "chance" else ("regression", "mean_absolute_error")
    predictor_class = import_module("autogluon.tabular").TabularPredictor
    with TemporaryDirectory() as folder:
        predictor = predictor_class(LABEL, problem_type=problem, eval_metric=metric, path=folder, verbosity=0)
        predictor.fit(
            inputs.assign(**{LABEL: y}), time_limit=max(seconds, LEAST_SECONDS), presets=PRESET, num_cpus=1, num_gpus=0
        )
        forecasts = predictor.predict_proba(score)[1] if kind == "chance" else predictor.predict(score)
        return np.asarray(forecasts, dtype=np.float64)
