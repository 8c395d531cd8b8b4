"""Roles: which role every row plays in every fold, told once for all rows that play the same."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.folds import ROLES, names
from core.stored import Table, each

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
SCORE = ROLES.index("score")


@dataclass(frozen=True)
class Roles:
    """Rows gathered into parts: those of one part play the same role in every fold."""

    part: npt.NDArray[np.int32]  # of each row
    played: npt.NDArray[np.int8]  # parts × folds: the place among ROLES, −1 for no role
    folds: list[str]

    @classmethod
    def of(cls, table: Table) -> "Roles":
        """Return the roles of a table of folds: rows in time order are told by stretches, of which there are few."""
        folds = names(pd.DataFrame(columns=table.columns))
        played = np.full((len(folds), len(table)), -1, dtype=np.int8)
        for number, (_, values) in enumerate(each(table, folds)):
            played[number] = _coded(values)
        begins = np.zeros(len(table), dtype=bool)
        begins[:1] = True
        for row in played:
            begins[1:] |= row[1:] != row[:-1]
        first = np.flatnonzero(begins)
        distinct, part = np.unique(played[:, first], axis=1, return_inverse=True)
        length = np.diff(np.append(first, len(table)))
        return cls(np.repeat(part.ravel().astype(np.int32), length), distinct.T.copy(), folds)

    @property
    def tests(self) -> list[str]:
        """The test folds."""
        return [name for name in self.folds if name.startswith("test_")]

    def parts(self, fold: str, *roles: str) -> Mask:
        """Return which parts play one of the roles in a fold."""
        return np.isin(self.played[:, self.folds.index(fold)], [ROLES.index(role) for role in roles])

    def rows(self, fold: str, *roles: str) -> Mask:
        """Return which rows play one of the roles in a fold."""
        return np.asarray(self.parts(fold, *roles)[self.part])

    def pairs(self, folds: list[str], role: str) -> tuple[Ints, Ints]:
        """Return the rows that play a role in any of some folds, and the place of that fold: a pair for each."""
        chosen = np.isin(np.arange(len(self.folds)), [self.folds.index(name) for name in folds])
        plays = (self.played == ROLES.index(role)) & chosen
        often, fold = plays.sum(axis=1), np.nonzero(plays)[1]
        begin = np.cumsum(often) - often
        times = often[self.part]
        rows = np.repeat(np.arange(len(self.part)), times)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
        return rows, fold[begin[self.part[rows]] + nth]

    @cached_property
    def scored(self) -> Mask:
        """Rows that some test fold scores."""
        tests = [self.folds.index(name) for name in self.tests]
        return np.asarray((self.played[:, tests] == SCORE).any(axis=1)[self.part])


def _coded(values: pd.Series) -> npt.NDArray[np.int8]:
    kinds = values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype("category")
    place = [ROLES.index(kind) if kind in ROLES else -1 for kind in kinds.cat.categories]
    return np.array([*place, -1], dtype=np.int8)[kinds.cat.codes.to_numpy()]
