"""Terms: a text's runs of words and of letters, weighed by their rarity, in the columns that scikit-learn gives."""

import re
from collections.abc import Iterator
from itertools import pairwise, repeat
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Term = str | tuple[str, ...]  # several words are looked up as they stand, which is faster than joined

WORD = re.compile(r"\w+")
SHORTEST = 3  # letters of a run; pairs tell nothing that longer runs do not
KEPT = 20_000  # words whose runs of letters are remembered, some 5 MB
LONGEST = 30  # letters of such a word


class Terms:
    """The columns that texts have in a TF-IDF of words and of letters: sublinear counts, each kind of length 1.

    `known` holds, of `word` and perhaps of `char_wb`, the `terms` and their `idf`; the columns are those of the first
    kind, then those of the second. They are what scikit-learn's TfidfVectorizer gives with `sublinear_tf`, to the last
    bit (sums run from left to right), at a tenth of the time a text: each word is cut into runs of letters only once.
    """

    def __init__(self, known: dict[str, dict[str, Any]], word_ngrams: int, char_ngrams: int) -> None:
        self._longest = {"word": word_ngrams, "char_wb": char_ngrams}
        self._place: dict[str, dict[Term, bytes]] = {}
        self._ends = [0]
        for kind, told in known.items():
            columns = np.arange(self._ends[-1], self._ends[-1] + len(told["terms"]), dtype=np.int32)
            terms = map(_key, told["terms"]) if kind == "word" else told["terms"]
            self._place[kind] = {term: column.tobytes() for term, column in zip(terms, columns, strict=True)}
            self._ends.append(self._ends[-1] + len(columns))
        self._idf = np.array([value for told in known.values() for value in told["idf"]], dtype=np.float64)
        self._bounds = np.array(self._ends, dtype=np.int32)
        self._runs: dict[str, bytes] = {}

    def __len__(self) -> int:
        return self._ends[-1]

    def row(self, text: str) -> tuple[Ints, Floats]:
        """Return the columns of a text that are not 0, ascending, and what stands in them."""
        lower = text.lower()
        found = b"".join(self._found(kind, lower) for kind in self._place)
        column = np.frombuffer(found, np.int32).copy()
        if not len(column):
            return column, np.empty(0)
        column.sort()
        edge = np.ones(len(column) + 1, dtype=np.bool_)
        np.not_equal(column[1:], column[:-1], out=edge[1:-1])
        first = edge.nonzero()[0]
        count = (first[1:] - first[:-1]).astype(np.float64)
        column = column[first[:-1]]
        weight = (np.log(count) + 1.0) * self._idf[column]
        return column, self._scaled(weight, column.searchsorted(self._bounds).tolist())

    def scores(self, text: str, coefficients: Floats) -> Floats:
        """Return a text's columns times a matrix of terms × tags, added up from left to right."""
        column, weight = self.row(text)
        return np.asarray(np.einsum("i,ij->j", weight, coefficients.take(column, axis=0)))

    def _scaled(self, weight: Floats, bounds: list[int]) -> Floats:
        for start, end in pairwise(bounds):
            if start < end:
                part = weight[start:end]
                part /= sqrt((part * part).cumsum()[-1])  # a sum would add in pairs
        return weight

    def _found(self, kind: str, lower: str) -> bytes:
        known = self._place[kind].get
        if kind == "word":
            return b"".join(map(known, _runs_of_words(lower, self._longest[kind]), repeat(b"")))
        return b"".join(map(self._runs_of, lower.split()))

    def _runs_of(self, word: str) -> bytes:
        """Return the known runs of letters of a word and the blanks around it."""
        if (kept := self._runs.get(word)) is not None:
            return kept
        found = map(self._place["char_wb"].get, _runs_of_letters(f" {word} ", self._longest["char_wb"]), repeat(b""))
        runs = b"".join(found)
        if len(word) <= LONGEST:
            if len(self._runs) >= KEPT:
                self._runs.clear()
            self._runs[word] = runs
        return runs


def _key(term: str) -> Term:
    return tuple(term.split(" ")) if " " in term else term


def _runs_of_words(lower: str, longest: int) -> list[Term]:
    words = WORD.findall(lower)
    runs: list[Term] = list(words)
    for length in range(2, longest + 1):
        runs += zip(*(words[start:] for start in range(length)), strict=False)
    return runs


def _runs_of_letters(padded: str, longest: int) -> Iterator[str]:
    for length in range(SHORTEST, longest + 1):
        yield padded[:length]
        if length >= len(padded):
            break  # a short word counts once
        for start in range(1, len(padded) - length + 1):
            yield padded[start : start + length]
