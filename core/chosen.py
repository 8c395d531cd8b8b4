"""Chosen: which of the inputs that were built a model is given."""

from fnmatch import fnmatchcase

import pandas as pd

from core.params import Knobs
from core.refusals import Refusal, suggest


class Chosen(Knobs):
    """Inputs by name or pattern (`opponent_*`): the only ones to keep, where any is named, and those to leave out."""

    include: list[str] | None
    exclude: list[str]


def chosen(inputs: pd.DataFrame, asked: Chosen) -> pd.DataFrame:
    """Return the inputs that are asked for, in their own order.

    Refuses a name or pattern that means no input, and a choice that leaves none.
    """
    names = list(map(str, inputs.columns))
    included = names if asked.include is None else _meant(asked.include, names)
    excluded = _meant(asked.exclude, names)
    kept = [name for name in names if name in included and name not in excluded]
    if not kept:
        raise Refusal("features.<task>.include and exclude leave no input; keep at least one.")
    return inputs[kept]


def _meant(patterns: list[str], names: list[str]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        meant = {name for name in names if fnmatchcase(name, pattern)}
        if not meant:
            raise Refusal(f"features.<task>: no input is called {pattern!r}; {suggest(pattern, names)}")
        found |= meant
    return found
