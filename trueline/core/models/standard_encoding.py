"""Standard encoding: inputs as plain numbers, for learners that take neither categories nor missing values."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Encoding = dict[str, Any]


def list_categorical_inputs(x: pd.DataFrame) -> list[str]:
    """Return the names of the categorical inputs."""
    return [str(name) for name in x.columns if isinstance(x[name].dtype, pd.CategoricalDtype)]


def get_score_offset(x: pd.DataFrame, name: str | None) -> Floats:
    """Return the input that scores start from, 0 where it is missing; zeros if there is no such input."""
    if name is None or name not in x:
        return np.zeros(len(x))
    start_scores: Floats = np.nan_to_num(x[name].to_numpy(float))
    return start_scores


def fit_encoding(x: pd.DataFrame) -> Encoding:
    """Return each number's median, mean and spread and each category's levels in these rows, ready for JSON."""
    categorical_names = list_categorical_inputs(x)
    numbers = x.drop(columns=categorical_names).astype(float)
    median = numbers.median().fillna(0.0)
    spread = numbers.fillna(median).std(ddof=0)
    return {
        "numbers": list(numbers.columns),
        "median": median.tolist(),
        "mean": numbers.fillna(median).mean().tolist(),
        "spread": spread.where(spread > 0, 1.0).tolist(),
        "levels": {name: sorted(map(str, x[name].dropna().unique())) for name in sorted(categorical_names)},
    }


def encode_inputs(x: pd.DataFrame, encoding: Encoding) -> Floats:
    """Return standardised numbers (missing ones at the median), flags for missing numbers, and one column per level."""
    numbers = x[encoding["numbers"]].to_numpy(float)
    missing = np.isnan(numbers)
    filled = np.where(missing, encoding["median"], numbers)
    blocks = [(filled - encoding["mean"]) / encoding["spread"], missing.astype(float)]
    for name, levels in encoding["levels"].items():
        is_level = x[name].astype(str).to_numpy()[:, None] == np.array(levels, dtype=object)[None, :]
        blocks.append(is_level.astype(float))
    return np.hstack(blocks)


def list_encoded_inputs(encoding: Encoding) -> list[str]:
    """Return the input behind each column of `encode_inputs`, in order."""
    numbers = encoding["numbers"]
    return [*numbers, *numbers, *(name for name, levels in encoding["levels"].items() for _ in levels)]
