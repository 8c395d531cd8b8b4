"""TF-IDF: a text's runs of words and of letters, weighted by rarity, in the columns that scikit-learn gives."""

from itertools import pairwise, repeat
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from trueline.core.text.letter_runs import list_letter_runs
from trueline.core.text.words import find_words

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Term = str | tuple[str, ...]  # several words are looked up as a tuple, which is faster than joining them

MAX_CACHED_WORDS = 20_000  # words whose runs of letters are cached, some 5 MB
MAX_CACHED_LETTERS = 30  # letters of the longest such word


class TfidfEncoder:
    """Encodes texts as TF-IDF columns of words and of letters: sublinear counts, each kind scaled to length 1.

    `vocabularies` holds, for `word` and perhaps for `char_wb`, the `terms` and their `idf`; the columns are those of
    the first kind, then those of the second. The values are those of scikit-learn's TfidfVectorizer with
    `sublinear_tf` (sums run from left to right), in a tenth of the time per text: each word is cut into runs of letters
    only once. Letters that are syllables or words, as in Chinese or Hindi, have runs from two letters on.

    >>> encoder = TfidfEncoder({"word": {"terms": ["chess", "jazz"], "idf": [1.0, 1.0]}}, word_ngrams=1, char_ngrams=0)
    >>> columns, weights = encoder.encode_text("Jazz, more jazz!")
    >>> columns.tolist(), weights.tolist()
    ([1], [1.0])
    """

    def __init__(self, vocabularies: dict[str, dict[str, Any]], word_ngrams: int, char_ngrams: int) -> None:
        self._max_ngram = {"word": word_ngrams, "char_wb": char_ngrams}
        self._columns_by_term: dict[str, dict[Term, bytes]] = {}
        self._column_ends = [0]
        for kind, vocabulary in vocabularies.items():
            columns = np.arange(self._column_ends[-1], self._column_ends[-1] + len(vocabulary["terms"]), dtype=np.int32)
            terms = map(_split_term, vocabulary["terms"]) if kind == "word" else vocabulary["terms"]
            self._columns_by_term[kind] = {term: column.tobytes() for term, column in zip(terms, columns, strict=True)}
            self._column_ends.append(self._column_ends[-1] + len(columns))
        self._idf = np.array(
            [value for vocabulary in vocabularies.values() for value in vocabulary["idf"]], dtype=np.float64
        )
        self._bounds = np.array(self._column_ends, dtype=np.int32)
        self._ngram_cache: dict[str, bytes] = {}

    def __len__(self) -> int:
        return self._column_ends[-1]

    def encode_text(self, text: str) -> tuple[Ints, Floats]:
        """Return the columns of a text that are not 0, ascending, and their values."""
        lower_text = text.lower()
        column_bytes = b"".join(self._find_columns(kind, lower_text) for kind in self._columns_by_term)
        column = np.frombuffer(column_bytes, np.int32).copy()
        if not len(column):
            return column, np.empty(0)
        column.sort()
        is_edge = np.ones(len(column) + 1, dtype=np.bool_)
        np.not_equal(column[1:], column[:-1], out=is_edge[1:-1])
        first_index = is_edge.nonzero()[0]
        count = (first_index[1:] - first_index[:-1]).astype(np.float64)
        column = column[first_index[:-1]]
        weight = (np.log(count) + 1.0) * self._idf[column]
        return column, self._scale_blocks(weight, column.searchsorted(self._bounds).tolist())

    def score_text(self, text: str, coefficients: Floats) -> Floats:
        """Return a text's columns times a matrix of terms × tags, summed from left to right."""
        column, weight = self.encode_text(text)
        return np.asarray(np.einsum("i,ij->j", weight, coefficients.take(column, axis=0)))

    def _scale_blocks(self, weight: Floats, bounds: list[int]) -> Floats:
        for start, end in pairwise(bounds):
            if start < end:
                block = weight[start:end]
                block /= sqrt((block * block).cumsum()[-1])  # np.sum would add in pairs
        return weight

    def _find_columns(self, kind: str, lower_text: str) -> bytes:
        lookup_column = self._columns_by_term[kind].get
        if kind == "word":
            return b"".join(map(lookup_column, _list_word_runs(lower_text, self._max_ngram[kind]), repeat(b"")))
        return b"".join(map(self._find_letter_runs, lower_text.split()))

    def _find_letter_runs(self, token: str) -> bytes:
        """Return the columns of the runs of letters of a word and the blanks around it."""
        if (cached_columns := self._ngram_cache.get(token)) is not None:
            return cached_columns
        run_columns = map(
            self._columns_by_term["char_wb"].get,
            list_letter_runs(token, self._max_ngram["char_wb"]),
            repeat(b""),
        )
        column_bytes = b"".join(run_columns)
        if len(token) <= MAX_CACHED_LETTERS:
            if len(self._ngram_cache) >= MAX_CACHED_WORDS:
                self._ngram_cache.clear()
            self._ngram_cache[token] = column_bytes
        return column_bytes


def _split_term(term: str) -> Term:
    return tuple(term.split(" ")) if " " in term else term


def _list_word_runs(lower_text: str, longest: int) -> list[Term]:
    tokens = find_words(lower_text)
    runs: list[Term] = list(tokens)
    for length in range(2, longest + 1):
        runs += zip(*(tokens[start:] for start in range(length)), strict=False)
    return runs
