"""Input encoding: inputs as numbers.

Standardised and without missing values for linear learners; for tree learners, which handle missing values and need no
scaling, categories become codes or flags.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Encoding = dict[str, Any]
Levels = dict[str, list[str]]

MAX_LEVELS = 200  # of a category that become columns of their own: more would only fill the memory


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
    """Return each number's median, mean and spread and each category's commonest levels in these rows, for JSON."""
    categorical_names = list_categorical_inputs(x)
    numbers = x.drop(columns=categorical_names).astype(float)
    median = numbers.median().fillna(0.0)
    spread = numbers.fillna(median).std(ddof=0)
    levels = list_category_levels(x, MAX_LEVELS)
    return {
        "numbers": list(numbers.columns),
        "median": median.tolist(),
        "mean": numbers.fillna(median).mean().tolist(),
        "spread": spread.where(spread > 0, 1.0).tolist(),
        "levels": {name: levels[name] for name in sorted(levels)},
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


def list_category_levels(x: pd.DataFrame, max_levels: int) -> Levels:
    """Return the sorted levels of each categorical input in these rows, at most its `max_levels` most frequent ones.

    Ties in frequency are broken alphabetically.
    """
    levels_by_input = {}
    for name in list_categorical_inputs(x):
        counts = x[name].dropna().astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable")
        levels_by_input[name] = sorted(counts.index[:max_levels].tolist())
    return levels_by_input


def encode_ordinal(x: pd.DataFrame, columns: list[str], levels_by_input: Levels) -> Floats:
    """Return rows × columns of numbers: a category becomes the index of its level, NaN if missing or unknown."""
    return np.column_stack(
        [
            _encode_levels(x[name], levels_by_input[name]) if name in levels_by_input else x[name].to_numpy(float)
            for name in columns
        ]
    )


def encode_one_hot(x: pd.DataFrame, columns: list[str], levels_by_input: Levels) -> Floats:
    """Return rows × columns of numbers, a category as one 0/1 column per level; `list_one_hot_inputs` names them."""
    codes = encode_ordinal(x, columns, levels_by_input).T
    coded = zip(columns, codes, strict=True)
    blocks = [_encode_flags(code, levels_by_input[name]) if name in levels_by_input else code for name, code in coded]
    return np.column_stack(blocks)


def list_one_hot_inputs(columns: list[str], levels_by_input: Levels) -> list[str]:
    """Return the input behind each column of `encode_one_hot`, in order."""
    return [name for name in columns for _ in levels_by_input.get(name, [name])]


def _encode_flags(code: Floats, level_names: list[str]) -> Floats:
    is_level = code[:, None] == np.arange(len(level_names))[None, :]
    return np.asarray(is_level, float)


def _encode_levels(values: pd.Series, level_names: list[str]) -> Floats:
    texts = pd.Index(values.astype(object).map(str), dtype=object)
    level_index = pd.Index(level_names, dtype=object).get_indexer(texts)
    return np.where((level_index >= 0) & values.notna(), level_index, np.nan)
