"""Fold hashes: the hash of all that a learner may see of the rows with one role in one fold."""

import hashlib
from collections.abc import Iterable
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.column_hashes import hash_columns
from trueline.core.runtime.memory import Memory, build_key, hash_own_code
from trueline.core.splits.fold_data import FoldTables
from trueline.core.splits.walk_forward import list_key_columns

Bytes = npt.NDArray[np.uint8]
ROW_DIGEST_BYTES = 16
HASHED_ROWS = 1024  # rows are gathered in blocks that stay in the processor's cache
FIXED_WIDTH_KINDS = "biufmM"  # NumPy's kinds of values that are hashed as they lie in memory


class FoldHashes:
    """The hashes of the rows of a task by fold and role.

    Two runs give the same hash if the rows have the same ids, groups, times, outcomes and inputs (of the same names and
    types, with the levels that occur in the same order), in the same order, whatever other rows the tables hold.
    """

    def __init__(self, tables: FoldTables, memory: Memory) -> None:
        self._tables = tables
        self._known_hashes: dict[tuple[str, str], str] = {}  # several learners are fitted on the same rows
        key_digests = _recall_row_digests(tables.folds[list_key_columns(tables.folds)], memory)
        self._row_digests = np.hstack([key_digests, _hash_inputs(tables.features, memory)])

    @cached_property
    def _categories(self) -> pd.DataFrame:
        return self._tables.features.select_dtypes("category")

    def hash_rows(self, fold: str, role: str) -> str:
        """Return the hash of the original rows that have a role in a fold."""
        if (fold, role) not in self._known_hashes:
            is_selected = (self._tables.folds[fold] == role).to_numpy()
            levels = _list_levels(self._categories[is_selected])
            content = self._row_digests[is_selected].tobytes() + repr(levels).encode()
            self._known_hashes[fold, role] = hashlib.sha256(content).hexdigest()
        return self._known_hashes[fold, role]

    def hash_resampled_rows(self, fold: str) -> str:
        """Return the hash of the `fit` rows of a fold with their weights, and of its synthetic rows."""
        is_fitted = (self._tables.folds[fold] == "fit").to_numpy()
        weights = self._tables.weights[fold].to_numpy()[is_fitted]
        synthetic = self._tables.synthetic
        synthetic_rows = hash_table_rows(synthetic[synthetic["fold"] == fold]) if len(synthetic) else np.array([])
        weight_type = str(weights.dtype).encode()
        contents = [self.hash_rows(fold, "fit").encode(), weight_type, weights.tobytes(), synthetic_rows.tobytes()]
        return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()


@lru_cache(maxsize=1)
def hash_tables(tables: FoldTables, memory: Memory) -> FoldHashes:
    """Return the fold hashes of some tables, cached for the tables that were asked for last."""
    return FoldHashes(tables, memory)


_hashed_inputs: list[tuple[pd.DataFrame, Bytes]] = []  # the last: an audit's tables share the features of the stage's


def _hash_inputs(features: pd.DataFrame, memory: Memory) -> Bytes:
    """Return the hash of each row's inputs, kept for the very same object."""
    if not _hashed_inputs or _hashed_inputs[0][0] is not features:
        _hashed_inputs[:] = [(features, _recall_row_digests(features.drop(columns="row_id"), memory))]
    return _hashed_inputs[0][1]


def _recall_row_digests(table: pd.DataFrame, memory: Memory) -> Bytes:
    """Return `hash_table_rows`, of an equal table only once: tune and train hash the same rows."""
    if not memory.is_on:
        return hash_table_rows(table)
    return memory.recall_or_compute(
        build_key("row digests", hash_own_code(), hash_columns(table)),
        partial(hash_table_rows, table),
        pack=lambda digests: digests.tobytes(),
        unpack=_read_digests,
    )


def hash_table_rows(table: pd.DataFrame) -> Bytes:
    """Return rows × 16 bytes, the hash of each row with the names and types of the columns.

    A row's hash depends on no other row: categories and other objects are hashed as what they say, not by their codes.
    """
    types = [(str(name), _describe_type(table[name])) for name in table.columns]
    header = hashlib.blake2b(repr(types).encode(), digest_size=ROW_DIGEST_BYTES).digest()
    columns = [_get_value_bytes(table[name]) for name in table.columns]
    width = sum(values.shape[1] for values in columns)
    digests: list[bytes] = []
    for begin in range(0, len(table), HASHED_ROWS):
        rows = memoryview(np.hstack([values[begin : begin + HASHED_ROWS] for values in columns]).tobytes())
        digests += [
            hashlib.blake2b(rows[start : start + width], digest_size=ROW_DIGEST_BYTES, key=header).digest()
            for start in range(0, len(rows), width)
        ]
    return _read_digests(b"".join(digests))


def _read_digests(digests: bytes) -> Bytes:
    return np.frombuffer(digests, np.uint8).reshape(-1, ROW_DIGEST_BYTES)


def _list_levels(table: pd.DataFrame) -> list[tuple[str, bool, list[str]]]:
    """Return, for each column of categories, whether they are ordered and those that occur, in their order."""
    columns = {str(name): values for name, values in table.items() if isinstance(values.dtype, pd.CategoricalDtype)}
    return [(name, bool(values.cat.ordered), _name_used_levels(values.cat)) for name, values in columns.items()]


def _name_used_levels(values: Any) -> list[str]:
    codes = np.unique(values.codes)
    return [repr(level) for level in values.categories[codes[codes >= 0]]]


def _describe_type(values: pd.Series) -> str:
    """Return the type of a column; of categories only that they are some, because their list depends on all rows."""
    return type(values.dtype).__name__ if isinstance(values.dtype, pd.CategoricalDtype) else str(values.dtype)


def _get_value_bytes(values: pd.Series) -> Bytes:
    """Return rows × bytes: numbers and times as they lie in memory, anything else as the hash of what it says."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in FIXED_WIDTH_KINDS:
        return np.ascontiguousarray(values.to_numpy()).view(np.uint8).reshape(len(values), values.dtype.itemsize)
    codes, distinct_values = pd.factorize(values)  # −1 where missing, which takes the last digest
    return _hash_values([*distinct_values, None])[codes]


def _hash_values(values: Iterable[object]) -> Bytes:
    texts = [repr(str(value) if isinstance(value, str) else value) for value in values]  # NumPy's texts as Python's
    digests = [hashlib.blake2b(text.encode(), digest_size=ROW_DIGEST_BYTES).digest() for text in texts]
    return _read_digests(b"".join(digests))
