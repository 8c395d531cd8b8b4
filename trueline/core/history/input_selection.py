"""Input selection: which of the built features a model is given, and to how many decimals."""

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Floats

INPUT_DECIMALS = 9  # smaller differences are rounding errors, and a tree that splits on them does not generalise
MAX_ROUNDED_VALUE = 2.0**23  # from here on neighbouring doubles are further apart than 9 decimals
ROUNDED_ROWS = 1 << 16  # rows that are rounded at a time, which bounds what is copied meanwhile


class FeatureSelection(StageSettings):
    """Inputs by name or pattern (`opponent_*`): those to keep (null: all) and those to leave out."""

    include: list[str] | None
    exclude: list[str]


def select_features(inputs: pd.DataFrame, selection: FeatureSelection) -> pd.DataFrame:
    """Return the selected inputs in the order of the table, float64 columns rounded to 9 decimals.

    Raises UserError for a name or pattern that matches no input, and for a selection that leaves none.
    """
    names = list(map(str, inputs.columns))
    included = names if selection.include is None else _match_patterns(selection.include, names)
    excluded = _match_patterns(selection.exclude, names)
    selected = [name for name in names if name in included and name not in excluded]
    if not selected:
        raise UserError("features.<task>.include and exclude leave no input; keep at least one.")
    chosen_inputs = inputs if selected == names else inputs[selected]
    is_float = (chosen_inputs.dtypes == np.float64).to_numpy()
    # one block of numbers: to replace a hundred columns one by one takes longer than to build them
    numbers = chosen_inputs.loc[:, is_float].to_numpy(np.float64, copy=True)
    for begin in range(0, len(numbers), ROUNDED_ROWS):
        numbers[begin : begin + ROUNDED_ROWS] = round_values(numbers[begin : begin + ROUNDED_ROWS])
    rounded = pd.DataFrame(numbers, chosen_inputs.index, chosen_inputs.columns[is_float], copy=False)
    return pd.concat([rounded, chosen_inputs.loc[:, ~is_float]], axis=1)[selected]


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
