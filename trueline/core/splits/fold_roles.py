"""Fold roles: the role of every row in every fold, stored once for all rows with the same pattern of roles."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.splits.walk_forward import ROLES, list_folds
from trueline.core.stored_tables.lazy_parquet import ColumnTable, iter_columns

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
SCORE_CODE = ROLES.index("score")


@dataclass(frozen=True)
class FoldRoles:
    """Rows grouped by pattern: rows of one pattern have the same role in every fold."""

    row_pattern: npt.NDArray[np.int32]  # the pattern of each row
    pattern_roles: npt.NDArray[np.int8]  # patterns × folds: the index in ROLES, −1 for no role
    folds: list[str]

    @classmethod
    def from_table(cls, table: ColumnTable) -> "FoldRoles":
        """Return the roles in a table of folds.

        Fast for rows in time order, where patterns come in few stretches: only one row per stretch is compared.
        """
        folds = list_folds(pd.DataFrame(columns=table.columns))
        role_codes = np.full((len(folds), len(table)), -1, dtype=np.int8)
        for fold_index, (_, values) in enumerate(iter_columns(table, folds)):
            role_codes[fold_index] = _encode_roles(values)
        is_stretch_start = np.zeros(len(table), dtype=bool)
        is_stretch_start[:1] = True
        for fold_codes in role_codes:
            is_stretch_start[1:] |= fold_codes[1:] != fold_codes[:-1]
        stretch_start = np.flatnonzero(is_stretch_start)
        distinct_patterns, stretch_pattern = np.unique(role_codes[:, stretch_start], axis=1, return_inverse=True)
        stretch_length = np.diff(np.append(stretch_start, len(table)))
        pattern_index = np.repeat(stretch_pattern.ravel().astype(np.int32), stretch_length)
        return cls(pattern_index, distinct_patterns.T.copy(), folds)

    @property
    def test_folds(self) -> list[str]:
        """The test folds."""
        return [name for name in self.folds if name.startswith("test_")]

    def find_patterns(self, fold: str, *roles: str) -> Mask:
        """Return which patterns have one of the roles in a fold."""
        return np.isin(self.pattern_roles[:, self.folds.index(fold)], [ROLES.index(role) for role in roles])

    def find_rows(self, fold: str, *roles: str) -> Mask:
        """Return which rows have one of the roles in a fold."""
        return np.asarray(self.find_patterns(fold, *roles)[self.row_pattern])

    def list_row_fold_pairs(self, folds: list[str], role: str) -> tuple[Ints, Ints]:
        """Return the (row, fold) pairs in which the row has the role, for the given folds, as two arrays of indices."""
        is_chosen_fold = np.isin(np.arange(len(self.folds)), [self.folds.index(name) for name in folds])
        plays_role = (self.pattern_roles == ROLES.index(role)) & is_chosen_fold
        folds_per_pattern, fold_index = plays_role.sum(axis=1), np.nonzero(plays_role)[1]
        pattern_begin = np.cumsum(folds_per_pattern) - folds_per_pattern
        folds_per_row = folds_per_pattern[self.row_pattern]
        rows = np.repeat(np.arange(len(self.row_pattern)), folds_per_row)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(folds_per_row) - folds_per_row, folds_per_row)
        return rows, fold_index[pattern_begin[self.row_pattern[rows]] + nth]

    @cached_property
    def is_scored(self) -> Mask:
        """Which rows are scored by some test fold."""
        test_indexes = [self.folds.index(name) for name in self.test_folds]
        return np.asarray((self.pattern_roles[:, test_indexes] == SCORE_CODE).any(axis=1)[self.row_pattern])


def _encode_roles(values: pd.Series) -> npt.NDArray[np.int8]:
    categorical = values if isinstance(values.dtype, pd.CategoricalDtype) else values.astype("category")
    role_codes = [ROLES.index(category) if category in ROLES else -1 for category in categorical.cat.categories]
    return np.array([*role_codes, -1], dtype=np.int8)[categorical.cat.codes.to_numpy()]
