"""Kept leak audits: what an audit of the very same rows found before, in this run or in an earlier one."""

import hashlib
import json
from collections.abc import Callable

import numpy as np
import pandas as pd

from trueline.core.runtime.memory import Memory, build_key


class KeptLeakAudits:
    """Names of leaking features by the hash of all that they were found in; `made_by` names the code and settings.

    The answer is that of the same builder for the same rows, so it is the same whether it is recalled or found anew.
    """

    def __init__(self, memory: Memory, *made_by: str) -> None:
        self._memory, self._made_by = memory, made_by

    def find_or_compute(self, rows: pd.DataFrame, expected: pd.DataFrame, compute: Callable[[], set[str]]) -> set[str]:
        """Return which features of some rows are not as expected, which `compute` finds out if no earlier run did."""
        if not self._memory.is_on:
            return compute()
        key = build_key("leak audit", *self._made_by, hash_columns(rows), hash_columns(expected))
        known = self._memory.load(key)
        if known is not None:
            return set(json.loads(known))
        names = compute()
        self._memory.store(key, json.dumps(sorted(names)).encode())
        return names


NOTHING_KEPT = KeptLeakAudits(Memory(None))


def hash_columns(table: pd.DataFrame) -> str:
    """Return a hash of the names, types, order and values of a table's columns, whatever its index is.

    >>> table = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    >>> hash_columns(table) == hash_columns(table.set_axis([5, 6])) != hash_columns(table[::-1])
    True
    """
    digest = hashlib.sha256()
    for name, values in table.items():
        digest.update(f"{name}\n{values.dtype}\n{len(values)}\n".encode())
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufmM":
            digest.update(values.to_numpy().tobytes())
        else:
            codes, distinct_values = pd.factorize(values)
            digest.update(codes.tobytes() + repr([repr(value) for value in distinct_values]).encode())
    return digest.hexdigest()
