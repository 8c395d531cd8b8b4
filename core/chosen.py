"""Chosen: which of the inputs that were built a model is given, and to how many digits."""

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from core.params import Knobs
from core.races import Floats
from core.refusals import Refusal, suggest

DECIMALS = 9  # what is smaller is rounding: a tree that splits on it finds nothing again on other rows
COARSE = 2.0**23  # from here on neighbouring doubles are further apart than the digits that are kept


class Chosen(Knobs):
    """Inputs by name or pattern (`opponent_*`): the only ones to keep, where any is named, and those to leave out."""

    include: list[str] | None
    exclude: list[str]


def chosen(inputs: pd.DataFrame, asked: Chosen) -> pd.DataFrame:
    """Return the inputs that are asked for, in their own order, numbers rounded to 9 decimals.

    Refuses a name or pattern that means no input, and a choice that leaves none.
    """
    names = list(map(str, inputs.columns))
    included = names if asked.include is None else _meant(asked.include, names)
    excluded = _meant(asked.exclude, names)
    kept = [name for name in names if name in included and name not in excluded]
    if not kept:
        raise Refusal("features.<task>.include and exclude leave no input; keep at least one.")
    numbers = [name for name in kept if inputs[name].dtype == np.float64]
    return inputs[kept].assign(**{name: rounded(inputs[name].to_numpy()) for name in numbers})


def rounded(values: Floats) -> Floats:
    """Return numbers to 9 decimals; −0.0, other bytes for the same number, becomes 0.0."""
    with np.errstate(over="ignore"):  # of numbers that are too large to be rounded, and are not
        return np.asarray(np.where(np.abs(values) < COARSE, np.round(values, DECIMALS), values) + 0.0)


def _meant(patterns: list[str], names: list[str]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        meant = {name for name in names if fnmatchcase(name, pattern)}
        if not meant:
            raise Refusal(f"features.<task>: no input is called {pattern!r}; {suggest(pattern, names)}")
        found |= meant
    return found
