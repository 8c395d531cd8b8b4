"""Category codes: inputs as numbers for tree learners, which handle missing values and need no scaling."""

import numpy as np
import pandas as pd

from trueline.core.models.standard_encoding import list_categorical_inputs
from trueline.core.splits.fold_data import Floats

Levels = dict[str, list[str]]


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
