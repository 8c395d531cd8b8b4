"""The leak audit: features may not change when what was not yet known changes."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from core.chosen import Chosen
from core.tables import Column

Build = Callable[[pd.DataFrame], pd.DataFrame]


class Decision(Chosen):
    """When the decision is made, on which inputs, and at how many seeded moments the audit looks; tools add to it."""

    decision: Literal["before", "at_off"]
    audits: int = Field(ge=1)


def audit(
    build: Build, table: pd.DataFrame, honest: pd.DataFrame, columns: Sequence[Column], asked: Decision, seed: int
) -> list[str]:
    """Return those of the features, `honest` as built from the table, that know what they should not.

    At each of a few seeded moments the outcomes at and after it (and the at-off values: from it on, or after it where
    the decision is made at the off) are replaced by others, and in a second run every later row is taken away.
    Rows up to the moment must then have bit-identical features. No attempt is made to see what a builder reads from
    elsewhere than the table.
    """
    leaking: set[str] = set()
    for moment in _moments(table["time"], asked.audits, seed):
        until = (table["time"] <= moment).to_numpy()
        for tampered in (_corrupt(table, columns, moment, asked.decision, seed), table[until]):
            kept = (tampered["time"] <= moment).to_numpy()
            leaking |= _differing(honest[until], build(tampered.reset_index(drop=True))[kept])
    return sorted(leaking)


def _moments(time: pd.Series, count: int, seed: int) -> list[pd.Timestamp]:
    times = np.sort(time.unique())
    later = times[1:] if len(times) > 1 else times  # where all is simultaneous, all outcomes are tampered with
    chosen = np.random.default_rng(seed).choice(later, size=min(count, len(later)), replace=False)
    return [pd.Timestamp(moment) for moment in np.sort(chosen)]


def _corrupt(
    table: pd.DataFrame, columns: Sequence[Column], moment: pd.Timestamp, decision: str, seed: int
) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    at, after = table["time"] >= moment, table["time"] > moment
    tampered = table.copy()
    for column in columns:
        if column.known == "before":
            continue
        rows = (after if column.known == "at_off" and decision == "at_off" else at).to_numpy()
        tampered.loc[rows, column.name] = _other(table.loc[rows, column.name], random)
    return tampered


def _other(values: pd.Series, random: np.random.Generator) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        return pd.Series(random.normal(1.0, 1.0, len(values)) * (1.0 + values.abs().max()), index=values.index)
    return values.sample(frac=1.0, random_state=int(random.integers(2**31))).set_axis(values.index)


def _differing(honest: pd.DataFrame, rebuilt: pd.DataFrame) -> set[str]:
    pairs = honest.reset_index(drop=True), rebuilt.reset_index(drop=True)
    if set(honest.columns) != set(rebuilt.columns):
        return set(honest.columns) ^ set(rebuilt.columns)
    return {
        str(name) for name in honest.columns if not pairs[0][name].astype(object).equals(pairs[1][name].astype(object))
    }
