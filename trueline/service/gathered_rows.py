"""Gathered rows: rows of a history followed by posted rows, of which only the columns that are used are copied."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.history.grouped_rows import Floats, Ints


@dataclass(frozen=True)
class GatheredRows:
    """A table of some rows of `history` and then those of `posted`, both rows × columns of numbers.

    A column is copied when it is read: a key such as a venue shares thousands of rows, and few columns of them are
    used. `positions` says which column is where, and `added` holds further columns of the whole table.
    """

    history: Floats
    chosen_rows: Ints
    posted: Floats
    positions: Mapping[str, int]
    added: Mapping[str, npt.NDArray[Any]]

    @property
    def columns(self) -> Collection[str]:
        """The names of all columns."""
        return self.positions.keys() | self.added.keys()

    def __len__(self) -> int:
        return len(self.chosen_rows) + len(self.posted)

    def __contains__(self, name: str) -> bool:
        return name in self.added or name in self.positions

    def __getitem__(self, name: str) -> "pd.Series[Any]":
        if name in self.added:
            return pd.Series(self.added[name], copy=False)
        position = self.positions[name]
        values = np.concatenate([self.history[:, position].take(self.chosen_rows), self.posted[:, position]])
        return pd.Series(values, copy=False)
