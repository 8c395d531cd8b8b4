"""Input selection: which of the built features a model is given, and to how many decimals."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Floats

INPUT_DECIMALS = 9  # smaller differences are rounding errors, and a tree that splits on them does not generalise
MAX_ROUNDED_VALUE = 2.0**23  # from here on neighbouring doubles are further apart than 9 decimals
ROUNDED_VALUES = 1 << 20  # how many are rounded at a time, 8 MiB


class FeatureSelection(StageSettings):
    """Inputs by name or pattern (`opponent_*`): those to keep (null: all) and those to leave out."""

    include: list[str] | None
    exclude: list[str]


def make_input_table(columns: Mapping[str, Any], index: pd.Index | None = None) -> pd.DataFrame:
    """Return a table of columns, which are not copied if they are long: a copy would double the memory.

    A small table is copied into one block, which pandas handles faster than many.
    """
    row_count = len(next(iter(columns.values()), ()))
    return pd.DataFrame(columns, index, copy=row_count * len(columns) <= ROUNDED_VALUES)


def select_features(inputs: pd.DataFrame, selection: FeatureSelection) -> pd.DataFrame:
    """Return the selected inputs in the order of the table, float64 columns rounded to 9 decimals.

    Raises UserError for a name or pattern that matches no input, and for a selection that leaves none.
    """
    names = list(map(str, inputs.columns))
    included = names if selection.include is None else _match_patterns(selection.include, names)
    excluded = _match_patterns(selection.exclude, names)
    is_selected = np.array([name in included and name not in excluded for name in names], dtype=np.bool_)
    if not is_selected.any():
        raise UserError("features.<task>.include and exclude leave no input; keep at least one.")
    is_number, selected = (inputs.dtypes == np.float64).to_numpy(), inputs.columns[is_selected]
    others = inputs.loc[:, is_selected & ~is_number]
    rounded_columns = _round_columns(inputs.loc[:, is_selected & is_number])
    del inputs  # columns are freed once they are rounded, unless the caller holds the table
    table = pd.concat([*rounded_columns, others], axis=1)
    return table if table.columns.equals(selected) else table[selected]


def _round_columns(numbers: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield columns rounded, some at a time: those of a small table at once, and little is copied of a large one."""
    columns_at_once = max(1, ROUNDED_VALUES // max(len(numbers), 1))
    while len(numbers.columns):
        columns, numbers = numbers.iloc[:, :columns_at_once], numbers.iloc[:, columns_at_once:]
        values = round_values(columns.to_numpy().T)  # columns × rows, so that a column lies in one piece
        yield pd.DataFrame(values.T, columns.index, columns.columns, copy=False)


def round_values(values: Floats) -> Floats:
    """Round numbers to 9 decimals; −0.0, which has other bytes than 0.0 but is equal to it, becomes 0.0."""
    with np.errstate(over="ignore"):  # from numbers too large to round, which are returned as they are
        return np.asarray(np.where(np.abs(values) < MAX_ROUNDED_VALUE, np.round(values, INPUT_DECIMALS), values) + 0.0)


def _match_patterns(patterns: list[str], names: list[str]) -> set[str]:
    matched_names: set[str] = set()
    for pattern in patterns:
        matches = {name for name in names if fnmatchcase(name, pattern)}
        if not matches:
            raise UserError(f"features.<task>: no input is called {pattern!r}; {did_you_mean(pattern, names)}")
        matched_names |= matches
    return matched_names
