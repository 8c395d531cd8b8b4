"""Twins: texts so alike that one on each side of a split would be a peek; recurring events are the usual case."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from core.refusals import Refusal

Ints = npt.NDArray[np.int64]

WORD = re.compile(r"\w+")
BLOCK = 1000  # texts compared with all others at a time: bounds the memory, changes no answer
MARGIN = 1e-9  # a similarity that equals the threshold counts, whatever the rounding


def clusters(texts: Sequence[str], names: Sequence[str], similarity: float, length: int) -> list[str]:
    """Return each text's cluster: that of every text to which a chain of near-duplicates leads.

    Two texts are near-duplicates where the Jaccard similarity of their shingles, the sets of their runs of `length`
    lower-case words, is at least `similarity` (above 0, at most 1). A shorter text is one shingle; texts without a word
    are near-duplicates of nothing. A cluster bears the alphabetically first of its members' names, which are unique, so
    neither clusters nor their names depend on the order. Exact: no pair is missed. Of every text only the rarest
    shingles are looked up, one of which a near-duplicate must share (Chaudhuri et al. 2006, prefix filter).
    """
    if not 0 < similarity <= 1:
        raise Refusal(f"a similarity of {similarity} came for near-duplicates; give one above 0 and at most 1.")
    held = [_shingles(text, length) for text in texts]
    kinds = {shingles: code for code, shingles in enumerate(dict.fromkeys(filter(None, held)))}
    pairs = _pairs(_table(list(kinds)), similarity)
    links = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(kinds), len(kinds)))
    cluster = connected_components(links, directed=False)[1].tolist() if kinds else []
    found = [cluster[kinds[shingles]] if shingles else name for shingles, name in zip(held, names, strict=True)]
    first: dict[Any, str] = {}
    for name, code in zip(names, found, strict=True):
        first[code] = min(name, first.get(code, name))
    return [first[code] for code in found]


def _shingles(text: str, length: int) -> frozenset[str]:
    words = WORD.findall(text.lower())
    if not words:
        return frozenset()
    return frozenset(" ".join(words[start : start + length]) for start in range(max(len(words) - length, 0) + 1))


def _table(shingles: list[frozenset[str]]) -> csr_array:
    """Return texts × shingles of ones, the columns from the rarest shingle to the most frequent."""
    code: dict[str, int] = {}
    held = [[code.setdefault(shingle, len(code)) for shingle in found] for found in shingles]
    ends = np.cumsum([0, *map(len, held)])
    columns = np.fromiter((number for found in held for number in found), np.int64, ends[-1])
    frequency = np.bincount(columns, minlength=len(code))
    place = np.empty(len(code), np.int64)
    place[np.argsort(frequency, kind="stable")] = np.arange(len(code))
    table = csr_array((np.ones(ends[-1]), place[columns], ends), shape=(len(held), len(code)))
    table.sort_indices()
    return table


def _pairs(table: csr_array, similarity: float) -> Ints:
    """Return the pairs of rows, the lower first, whose Jaccard similarity reaches the threshold."""
    size = np.diff(table.indptr)
    rare = _rarest(table, size - np.ceil(similarity * size - MARGIN).astype(np.int64) + 1)
    kept = np.diff(rare.indptr)
    rest, last = size - kept, np.append(rare.indices, -1)[rare.indptr[1:] - 1]
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, table.shape[0], BLOCK):
        met = (rare[start : start + BLOCK] @ rare.T).tocoo()
        low, high, seen = met.row + start, met.col, met.data
        needed = similarity / (1 + similarity) * (size[low] + size[high]) - MARGIN
        # up to the earlier of the two last columns every shared shingle was seen; beyond it one row has only its rest
        hidden = np.where(last[low] < last[high], rest[low], rest[high])
        likely = (low < high) & (seen + hidden >= needed)
        low, high = low[likely], high[likely]
        alike = _shared(table, low, high) >= needed[likely]
        found.append(np.column_stack([low[alike], high[alike]]))
    return np.concatenate(found)


def _rarest(table: csr_array, count: Ints) -> csr_array:
    """Return the table with only the first `count` entries of each row."""
    size = np.diff(table.indptr)
    kept = np.arange(table.nnz) - np.repeat(table.indptr[:-1], size) < np.repeat(count, size)
    ends = np.cumsum([0, *np.minimum(count, size)])
    return csr_array((table.data[kept], table.indices[kept], ends), shape=table.shape)


def _shared(table: csr_array, low: Ints, high: Ints) -> npt.NDArray[np.float64]:
    """Return how many shingles the two rows of each pair share."""
    parts = [np.empty(0)]
    for start in range(0, len(low), 100 * BLOCK):
        chosen = slice(start, start + 100 * BLOCK)
        parts.append(table[low[chosen]].multiply(table[high[chosen]]).sum(axis=1))
    return np.concatenate(parts)
