"""FLAML: its own search over its own learners, with whole groups in its folds; texts as TF-IDF."""

from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

SEED = 1


def forecast(
    inputs: pd.DataFrame, y: pd.Series, group: np.ndarray, score: pd.DataFrame, kind: str, seconds: float
) -> np.ndarray:
    """Return the chance of 1 of every score row, or the forecast quantity, searched by log loss or absolute error."""
    fit_inputs, score_inputs = encode_texts(inputs, score)
    options = {
        "task": "classification" if kind == "chance" else "regression",
        "metric": "log_loss" if kind == "chance" else "mae",
        "n_jobs": 1,
        "seed": SEED,
        "split_type": "group",
        "groups": group,
        "verbose": 0,
    }
    model = import_module("flaml").AutoML()
    model.fit(fit_inputs, y.to_numpy(), time_budget=seconds, **options)
    if model.model is None:  # the time was too short for a single try
        model.fit(fit_inputs, y.to_numpy(), time_budget=-1, max_iter=1, **options)
    forecasts = model.predict_proba(score_inputs)[:, 1] if kind == "chance" else model.predict(score_inputs)
    return np.asarray(forecasts, dtype=np.float64)


def encode_texts(inputs: pd.DataFrame, score: pd.DataFrame) -> tuple[Any, Any]:
    """Return the inputs of fit and score rows as they are, or, if there are texts, as matrices with their TF-IDF."""
    texts = [str(name) for name, values in inputs.items() if pd.api.types.is_string_dtype(values.dtype)]
    if not texts:
        return inputs, score
    sparse, vectorizers = import_module("scipy.sparse"), import_module("sklearn.feature_extraction.text")
    fit_blocks, score_blocks = [], []
    for name in texts:
        encoder = vectorizers.TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
        fit_blocks.append(encoder.fit_transform(inputs[name].fillna("")))
        score_blocks.append(encoder.transform(score[name].fillna("")))
    numbers = list(inputs.select_dtypes("number"))
    fit_blocks.append(sparse.csr_matrix(inputs[numbers].fillna(0.0).to_numpy(float)))
    score_blocks.append(sparse.csr_matrix(score[numbers].fillna(0.0).to_numpy(float)))
    return sparse.hstack(fit_blocks).tocsr(), sparse.hstack(score_blocks).tocsr()
