"""Kept ratings: strengths that were learned from the very same rows before, in this run or in an earlier one."""

import hashlib
import io
from collections.abc import Iterable

import numpy as np

from trueline.core.stats.group_ops import Floats


class KeptRatings:
    """Strengths by the hash of all that they were learned from; `content` is what an earlier run wrote.

    A rating that a builder asks for is the same, to the last bit, whether it is recalled or computed: the hash is that
    of the rows which the builder hands over, so the leak audit, which hands over other rows, gets other ratings.
    """

    def __init__(self, content: bytes | None = None) -> None:
        self._arrays: dict[str, Floats] = dict(np.load(io.BytesIO(content), allow_pickle=False)) if content else {}
        self._used_keys: set[str] = set()

    def find(self, key: str) -> Floats | None:
        """Return what was kept under a key, or None."""
        self.record_use([key])
        return self._arrays.get(key)

    def add(self, key: str, ratings: Floats) -> None:
        """Keep strengths under a key."""
        self.record_use([key])
        self._arrays[key] = ratings

    def record_use(self, keys: Iterable[str]) -> None:
        """Have these keys written, if there is something under them."""
        self._used_keys.update(keys)

    def write(self) -> bytes:
        """Return what was used or added so far, for the next run."""
        buffer = io.BytesIO()
        used_arrays = {key: self._arrays[key] for key in sorted(self._used_keys & set(self._arrays))}
        np.savez(buffer, **used_arrays)  # type: ignore[arg-type,unused-ignore]
        return buffer.getvalue()


def hash_contents(*contents: bytes) -> str:
    """Return the hash of some byte strings, each with its length."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
