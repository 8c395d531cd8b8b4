"""Chosen: which of the inputs that were built a model is given, and to how many digits."""

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.group_ops import Floats

INPUT_DECIMALS = 9  # what is smaller is rounding: a tree that splits on it finds nothing again on other rows
MAX_ROUNDED_VALUE = 2.0**23  # from here on neighbouring doubles are further apart than the digits that are kept


class FeatureSelection(StageSettings):
    """Inputs by name or pattern (`opponent_*`): the only ones to keep, where any is named, and those to leave out."""

    include: list[str] | None
    exclude: list[str]


def select_features(inputs: pd.DataFrame, selection: FeatureSelection) -> pd.DataFrame:
    """Return the inputs that are asked for, in their own order, numbers rounded to 9 decimals.

    Refuses a name or pattern that means no input, and a choice that leaves none.
    """
    names = list(map(str, inputs.columns))
    included = names if selection.include is None else _match_patterns(selection.include, names)
    excluded = _match_patterns(selection.exclude, names)
    selected = [name for name in names if name in included and name not in excluded]
    if not selected:
        raise UserError("features.<task>.include and exclude leave no input; keep at least one.")
    float_names = [name for name in selected if inputs[name].dtype == np.float64]
    return inputs[selected].assign(**{name: round_values(inputs[name].to_numpy()) for name in float_names})


def round_values(values: Floats) -> Floats:
    """Return numbers to 9 decimals; −0.0, other bytes for the same number, becomes 0.0."""
    with np.errstate(over="ignore"):  # of numbers that are too large to be rounded, and are not
        return np.asarray(np.where(np.abs(values) < MAX_ROUNDED_VALUE, np.round(values, INPUT_DECIMALS), values) + 0.0)


def _match_patterns(patterns: list[str], names: list[str]) -> set[str]:
    matched_names: set[str] = set()
    for pattern in patterns:
        matches = {name for name in names if fnmatchcase(name, pattern)}
        if not matches:
            raise UserError(f"features.<task>: no input is called {pattern!r}; {did_you_mean(pattern, names)}")
        matched_names |= matches
    return matched_names
