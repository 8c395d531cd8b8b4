"""TF-IDF fitting: the terms that texts have, their inverse document frequencies, and the columns of these texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trueline.core.models.text.letter_runs import MIN_RUN_LETTERS, list_letter_runs
from trueline.core.text.words import find_words

if TYPE_CHECKING:
    from scipy import sparse

    from trueline.core.models.text.tfidf import Floats

    Ints = npt.NDArray[np.int32]

MAX_CACHED_LETTERS = 50_000_000  # letters of the texts whose terms are kept, some 500 MB
NGRAM_KINDS = ("word", "char_wb")  # runs of words; runs of letters within a word, including the blanks around it
TermsByKind = dict[str, dict[str, Any]]  # for each kind of run, its terms and their inverse document frequencies


@dataclass(frozen=True)
class TermLimits:
    """The longest runs of words and of letters (below 3 letters there are none), and which of them become terms."""

    word_ngrams: int
    char_ngrams: int
    max_features: int  # the most frequent of each kind
    min_rows: int  # texts that a term must be in


def fit_tfidf(texts: Sequence[str], limits: TermLimits) -> tuple[TermsByKind, list[sparse.csr_array]]:
    """Return the terms of each kind in alphabetical order with their IDF, and the columns of the texts, kind by kind.

    A kind without a term in enough texts is left out. The columns are those that `TfidfEncoder` gives for the same
    terms, to the last bit. Terms of texts that were fitted on before are not counted again, as folds share their texts.
    """
    longest_by_kind = {"word": limits.word_ngrams, "char_wb": limits.char_ngrams}
    if limits.char_ngrams < MIN_RUN_LETTERS:
        del longest_by_kind["char_wb"]
    terms_by_kind, blocks = {}, []
    for kind, longest in longest_by_kind.items():
        counter = _open_counter(kind, longest)
        text_ids, ids, counts = counter.count_terms(texts)
        chosen_ids = _choose_terms(counter, ids, counts, limits.max_features, min(limits.min_rows, len(texts)))
        if not len(chosen_ids):
            continue
        text_counts = np.bincount(ids, minlength=len(counter.terms))[chosen_ids]
        idf = np.log((len(texts) + 1.0) / (text_counts + 1.0)) + 1.0
        terms_by_kind[kind] = {"terms": [counter.terms[term_id] for term_id in chosen_ids], "idf": idf.tolist()}
        blocks.append(_build_block(text_ids, ids, counts, chosen_ids, idf, (len(texts), len(counter.terms))))
    return terms_by_kind, blocks


class _TermCounter:
    """Counts how often each term of one kind is in each text; the numbers of terms are in the order of their coming."""

    def __init__(self, kind: str, longest: int) -> None:
        self.kind, self.longest = kind, longest
        self._forget()

    def count_terms(self, texts: Sequence[str]) -> tuple[Ints, Ints, Ints]:
        """Return, for each text and term that it contains, the text's index, the term's number, and the count."""
        if self._cached_letters > MAX_CACHED_LETTERS:
            self._forget()
        counted = [self._count_text(text) for text in texts]
        sizes = [len(ids) for ids, _ in counted]
        text_ids = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
        ids, counts = (np.concatenate([np.empty(0, np.int32), *arrays]) for arrays in zip(*counted, strict=True))
        return text_ids, ids, counts

    def _count_text(self, text: str) -> tuple[Ints, Ints]:
        if (cached := self._counts_by_text.get(text)) is not None:
            return cached
        term_counts = Counter(self._list_ids(text.lower()))
        counted = (
            np.fromiter(term_counts.keys(), np.int32, len(term_counts)),
            np.fromiter(term_counts.values(), np.int32, len(term_counts)),
        )
        self._counts_by_text[text] = counted
        self._cached_letters += len(text)
        return counted

    def _list_ids(self, lower_text: str) -> list[int]:
        if self.kind == "word":
            tokens = find_words(lower_text)
            runs = list(tokens)
            for length in range(2, self.longest + 1):
                runs += map(" ".join, zip(*(tokens[start:] for start in range(length)), strict=False))
            return self._get_term_ids(runs)
        return [term_id for token in lower_text.split() for term_id in self._get_letter_run_ids(token)]

    def _get_letter_run_ids(self, token: str) -> list[int]:
        if (ids := self._ids_by_token.get(token)) is None:
            ids = self._ids_by_token[token] = self._get_term_ids(list_letter_runs(token, self.longest))
        return ids

    def _get_term_ids(self, runs: list[str]) -> list[int]:
        number_by_term, terms = self._number_by_term, self.terms
        ids = []
        for run in runs:
            number = number_by_term.setdefault(run, len(terms))
            if number == len(terms):
                terms.append(run)
            ids.append(number)
        return ids

    def _forget(self) -> None:
        self.terms: list[str] = []
        self._number_by_term: dict[str, int] = {}
        self._ids_by_token: dict[str, list[int]] = {}
        self._counts_by_text: dict[str, tuple[Ints, Ints]] = {}
        self._cached_letters = 0


@lru_cache(maxsize=4)
def _open_counter(kind: str, longest: int) -> _TermCounter:
    return _TermCounter(kind, longest)


def _choose_terms(counter: _TermCounter, ids: Ints, counts: Ints, max_features: int, min_rows: int) -> Ints:
    """Return the numbers of the most frequent terms of those in enough texts, in alphabetical order of the terms."""
    is_frequent = np.bincount(ids, minlength=len(counter.terms)) >= min_rows
    if not len(ids):
        return np.empty(0, np.int32)
    frequent_ids = np.flatnonzero(is_frequent).tolist()
    ordered_ids = np.array(sorted(frequent_ids, key=counter.terms.__getitem__), dtype=np.int32)
    total = np.bincount(ids, weights=counts, minlength=len(counter.terms))[ordered_ids]
    most_frequent = np.sort(np.argsort(-total, kind="stable")[:max_features])  # of equals the alphabetically first
    return ordered_ids[most_frequent]


def _build_block(
    text_ids: Ints, ids: Ints, counts: Ints, chosen_ids: Ints, idf: Floats, shape: tuple[int, int]
) -> sparse.csr_array:
    """Return texts × chosen terms: sublinear counts times IDF, every text scaled to length 1."""
    from scipy import sparse

    text_count, term_count = shape
    column_by_id = np.full(term_count, -1, np.int32)
    column_by_id[chosen_ids] = np.arange(len(chosen_ids), dtype=np.int32)
    columns = column_by_id[ids]
    is_chosen = columns >= 0
    row_ends = np.cumsum(np.concatenate([[0], np.bincount(text_ids[is_chosen], minlength=text_count)]))
    block = sparse.csr_array(
        (counts[is_chosen].astype(np.float64), columns[is_chosen], row_ends.astype(np.int32)),
        shape=(text_count, len(chosen_ids)),
    )
    block.sort_indices()
    block.data = (np.log(block.data) + 1.0) * idf[block.indices]
    squares = sparse.csr_array((block.data * block.data, block.indices, block.indptr), shape=block.shape)
    length = np.sqrt(np.asarray(squares @ np.ones(len(chosen_ids))))  # summed from left to right, as the encoder does
    block.data /= np.repeat(length, np.diff(block.indptr))
    return block
