"""Kept leak audits: what an audit of the very same rows found before, in this run or in an earlier one."""

import json
from collections.abc import Callable

import pandas as pd

from trueline.core.column_hashes import hash_columns
from trueline.core.runtime.memory import NO_MEMORY, Memory, build_key


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
        return self._memory.recall_or_compute(
            key,
            compute,
            pack=lambda names: json.dumps(sorted(names)).encode(),
            unpack=lambda content: set(json.loads(content)),
        )


NOTHING_KEPT = KeptLeakAudits(NO_MEMORY)
