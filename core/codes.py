"""Codes: inputs as numbers for tree learners, which take missing values as they are and care for no scale."""

import numpy as np
import pandas as pd

from core.inputs import categories
from core.rows import Floats

Levels = dict[str, list[str]]


def levels(x: pd.DataFrame, most: int) -> Levels:
    """Return the levels of each categorical input on these rows, sorted; only the `most` frequent where there are more.

    Equally frequent levels are taken in alphabetical order.
    """
    found = {}
    for name in categories(x):
        counts = x[name].dropna().astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable")
        found[name] = sorted(counts.index[:most].tolist())
    return found


def coded(x: pd.DataFrame, columns: list[str], known: Levels) -> Floats:
    """Return rows × columns of numbers, a category as the place of its level; NaN where missing or not known."""
    return np.column_stack([_codes(x[name], known[name]) if name in known else _numbers(x[name]) for name in columns])


def unfolded(x: pd.DataFrame, columns: list[str], known: Levels) -> Floats:
    """Return rows × columns of numbers, a category as one 0/1 column a level, in the order of `names`."""
    codes = coded(x, columns, known).T
    blocks = [_flags(code, known[name]) if name in known else code for name, code in zip(columns, codes, strict=True)]
    return np.column_stack(blocks)


def names(columns: list[str], known: Levels) -> list[str]:
    """Return the input that each column of `unfolded` stems from."""
    return [name for name in columns for _ in known.get(name, [name])]


def _flags(code: Floats, known: list[str]) -> Floats:
    same = code[:, None] == np.arange(len(known))[None, :]
    return np.asarray(same, float)


def _codes(values: pd.Series, known: list[str]) -> Floats:
    place = pd.Index(known, dtype=object).get_indexer(pd.Index(values.astype(object).map(str), dtype=object))
    return np.where((place >= 0) & values.notna(), place, np.nan)


def _numbers(values: pd.Series) -> Floats:
    return values.to_numpy(float)
