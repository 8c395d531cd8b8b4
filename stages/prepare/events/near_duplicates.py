"""Near-duplicates: texts so alike that one on each side of a split would leak; usually recurring events."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from trueline.core.errors import UserError
from trueline.core.text.words import find_words, is_unspaced_letter

Ints = npt.NDArray[np.int64]

BLOCK_TEXTS = 1000  # texts compared with all others at a time: bounds the memory, changes no result
ROUNDING_MARGIN = 1e-9  # a similarity that equals the threshold counts, whatever the rounding


def find_near_duplicate_clusters(
    texts: Sequence[str], names: Sequence[str], similarity: float, length: int
) -> list[str]:
    """Return each text's cluster; texts that a chain of near-duplicates connects share one.

    Two texts are near-duplicates if the Jaccard similarity of their shingles, the sets of their runs of `length` lower-
    case words, is at least `similarity` (above 0, at most 1). In a script without blanks between words a run has 2 ·
    `length` - 1 letters: then an edit breaks as large a share of the runs as in a text of two-letter words. A shorter
    text is one shingle; a text without words is a near-duplicate of nothing. A cluster has the alphabetically first of
    its members' names, which are unique, so neither clusters nor their names depend on the order. The result is exact:
    no pair is missed. Of every text only the rarest shingles are looked up, one of which a near-duplicate must share
    (Chaudhuri et al. 2006, prefix filter).
    Raises UserError for a similarity out of range.

    >>> texts = ["Jazz in the park", "Chess night", "jazz in the park!"]
    >>> find_near_duplicate_clusters(texts, ["b", "c", "a"], similarity=0.5, length=2)
    ['a', 'c', 'a']
    """
    if not 0 < similarity <= 1:
        raise UserError(f"the similarity for near-duplicates is {similarity}; it must be above 0 and at most 1.")
    shingle_sets = [_make_shingles(text, length) for text in texts]
    code_by_shingles = {shingles: code for code, shingles in enumerate(dict.fromkeys(filter(None, shingle_sets)))}
    pairs = _find_similar_pairs(_build_shingle_table(list(code_by_shingles)), similarity)
    links = csr_array(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(code_by_shingles), len(code_by_shingles))
    )
    cluster_by_code = connected_components(links, directed=False)[1].tolist() if code_by_shingles else []
    text_clusters = [
        cluster_by_code[code_by_shingles[shingles]] if shingles else name
        for shingles, name in zip(shingle_sets, names, strict=True)
    ]
    first_name: dict[Any, str] = {}
    for name, code in zip(names, text_clusters, strict=True):
        first_name[code] = min(name, first_name.get(code, name))
    return [first_name[code] for code in text_clusters]


def _make_shingles(text: str, length: int) -> frozenset[str]:
    tokens = find_words(text.lower())
    if not tokens:
        return frozenset()
    size_before = np.cumsum([0, *(1 if is_unspaced_letter(token) else 2 for token in tokens)])  # letters, 2 a word
    ends = np.searchsorted(size_before, size_before + 2 * length - 1).tolist()
    runs = [" ".join(tokens[start:end]) for start, end in enumerate(ends) if end <= len(tokens)]
    return frozenset(runs or [" ".join(tokens)])


def _build_shingle_table(shingles: list[frozenset[str]]) -> csr_array:
    """Return texts × shingles of ones, with the columns from the rarest shingle to the most frequent."""
    code_by_shingle: dict[str, int] = {}
    coded_texts = [
        [code_by_shingle.setdefault(shingle, len(code_by_shingle)) for shingle in text_shingles]
        for text_shingles in shingles
    ]
    ends = np.cumsum([0, *map(len, coded_texts)])
    columns = np.fromiter((number for text_shingles in coded_texts for number in text_shingles), np.int64, ends[-1])
    frequency = np.bincount(columns, minlength=len(code_by_shingle))
    frequency_rank = np.empty(len(code_by_shingle), np.int64)
    frequency_rank[np.argsort(frequency, kind="stable")] = np.arange(len(code_by_shingle))
    table = csr_array(
        (np.ones(ends[-1]), frequency_rank[columns], ends), shape=(len(coded_texts), len(code_by_shingle))
    )
    table.sort_indices()
    return table


def _find_similar_pairs(table: csr_array, similarity: float) -> Ints:
    """Return the pairs of rows, the lower first, whose Jaccard similarity reaches the threshold."""
    size = np.diff(table.indptr)
    rarest = _select_rarest(table, size - np.ceil(similarity * size - ROUNDING_MARGIN).astype(np.int64) + 1)
    prefix_size = np.diff(rarest.indptr)
    remaining_size, last_column = size - prefix_size, np.append(rarest.indices, -1)[rarest.indptr[1:] - 1]
    pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, table.shape[0], BLOCK_TEXTS):
        overlap = (rarest[start : start + BLOCK_TEXTS] @ rarest.T).tocoo()
        low, high, shared_count = overlap.row + start, overlap.col, overlap.data
        needed = similarity / (1 + similarity) * (size[low] + size[high]) - ROUNDING_MARGIN
        # all shared shingles up to the earlier of the two last columns are counted; past it one row has only its rest
        max_unseen = np.where(last_column[low] < last_column[high], remaining_size[low], remaining_size[high])
        likely = (low < high) & (shared_count + max_unseen >= needed)
        low, high = low[likely], high[likely]
        is_similar = _count_shared(table, low, high) >= needed[likely]
        pairs.append(np.column_stack([low[is_similar], high[is_similar]]))
    return np.concatenate(pairs)


def _select_rarest(table: csr_array, count: Ints) -> csr_array:
    """Return the table with only the first `count` entries of each row."""
    size = np.diff(table.indptr)
    is_among_first = np.arange(table.nnz) - np.repeat(table.indptr[:-1], size) < np.repeat(count, size)
    ends = np.cumsum([0, *np.minimum(count, size)])
    return csr_array((table.data[is_among_first], table.indices[is_among_first], ends), shape=table.shape)


def _count_shared(table: csr_array, low: Ints, high: Ints) -> npt.NDArray[np.float64]:
    """Return how many shingles the two rows of each pair share."""
    shared_counts = [np.empty(0)]
    for start in range(0, len(low), 100 * BLOCK_TEXTS):
        chunk = slice(start, start + 100 * BLOCK_TEXTS)
        shared_counts.append(table[low[chunk]].multiply(table[high[chunk]]).sum(axis=1))
    return np.concatenate(shared_counts)
