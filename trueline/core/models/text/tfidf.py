"""TF-IDF: a text's runs of words and of letters, weighted by rarity, in the columns that scikit-learn gives."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import repeat
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from trueline.core.models.text.letter_runs import list_letter_runs
from trueline.core.text.words import find_words

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
K = TypeVar("K", bound=Hashable)

MAX_CACHED_WORDS = 20_000  # words whose runs of letters are cached, some 5 MB
MAX_CACHED_LETTERS = 30  # letters of the longest such word
COUNTED_CELLS = 1 << 17  # texts × columns that are counted at a time: 1 MB, which stays in the processor's cache
NUMBER_BYTES = 8  # of a column or word, as its number is kept in dictionaries
NO_CELLS = np.zeros(0, np.int64)
LARGEST_KEY = np.iinfo(np.int64).max  # ends the keys of runs, so that every search finds a position among them


class TfidfEncoder:
    """Encodes texts as TF-IDF columns of words and of letters: sublinear counts, each kind scaled to length 1.

    `vocabularies` holds, for `word` and perhaps for `char_wb`, the `terms` and their `idf`; the columns are those of
    the first kind, then those of the second. The values are those of scikit-learn's TfidfVectorizer with
    `sublinear_tf` (sums run from left to right), in a tenth of the time per text: each word is cut into runs of letters
    only once, and many texts are counted at a time. Letters that are syllables or words, as in Chinese or Hindi, have
    runs from two letters on.

    >>> encoder = TfidfEncoder({"word": {"terms": ["chess", "jazz"], "idf": [1.0, 1.0]}}, word_ngrams=1, char_ngrams=0)
    >>> columns, weights = encoder.encode_text("Jazz, more jazz!")
    >>> columns.tolist(), weights.tolist()
    ([1], [1.0])
    """

    def __init__(self, vocabularies: dict[str, dict[str, Any]], word_ngrams: int, char_ngrams: int) -> None:
        self._word_runs, columns_by_letters = WordRuns([], 0, 0), dict[str, bytes]()
        sizes = [len(vocabulary["terms"]) for vocabulary in vocabularies.values()]
        for kind, first_column in zip(vocabularies, np.cumsum([0, *sizes]).tolist(), strict=False):
            terms: list[str] = vocabularies[kind]["terms"]
            if kind == "word":
                self._word_runs = WordRuns(terms, first_column, word_ngrams)
            else:
                columns = np.arange(first_column, first_column + len(terms))
                columns_by_letters = {term: column.tobytes() for term, column in zip(terms, columns, strict=True)}
        self._kind_of_column = np.repeat(np.arange(len(sizes)), sizes)
        self._kinds = len(sizes)
        self._idf = np.array([value for vocabulary in vocabularies.values() for value in vocabulary["idf"]], np.float64)
        self._letter_runs = LetterRuns(columns_by_letters, char_ngrams)

    def __len__(self) -> int:
        return len(self._idf)

    def encode_text(self, text: str) -> tuple[Ints, Floats]:
        """Return the columns of a text that are not 0, ascending, and their values."""
        _, columns, weights = self._encode_chunk([text])
        return columns, weights

    def score_texts(self, texts: Sequence[str], coefficients: Floats) -> Floats:
        """Return the texts' columns times a matrix of terms × tags, summed from left to right: texts × tags."""
        scores = np.zeros((len(texts), coefficients.shape[1]))
        if not len(self):
            return scores
        chunk_size = max(1, COUNTED_CELLS // len(self))
        for begin in range(0, len(texts), chunk_size):
            self._score_chunk(texts[begin : begin + chunk_size], coefficients, scores[begin : begin + chunk_size])
        return scores

    def _score_chunk(self, texts: Sequence[str], coefficients: Floats, scores: Floats) -> None:
        """Write the scores of some texts."""
        rows, columns, weights = self._encode_chunk(texts)
        ends = rows.searchsorted(np.arange(len(texts)), side="right").tolist()
        for row, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
            text_coefficients = coefficients.take(columns[begin:end], axis=0)
            np.einsum("i,ij->j", weights[begin:end], text_coefficients, out=scores[row])

    def _encode_chunk(self, texts: Sequence[str]) -> tuple[Ints, Ints, Floats]:
        """Return the cells of texts × columns that are not 0, row by row: row, column and value of each."""
        lower_texts = [text.lower() for text in texts]
        word_cells = self._word_runs.find_cells(lower_texts, len(self))
        cells = np.concatenate([NO_CELLS, *word_cells, *self._find_letter_cells(lower_texts)])
        counts = np.bincount(cells, minlength=1)
        cells = (counts != 0).nonzero()[0]  # `counts.nonzero()` takes three times as long
        rows = cells // max(len(self), 1)
        columns = cells - rows * len(self)
        weights = (np.log(counts[cells]) + 1.0) * self._idf[columns]
        block = rows * self._kinds + self._kind_of_column[columns]
        squares = np.bincount(block, weights * weights, minlength=1)  # adds from left to right; np.sum adds in pairs
        weights /= np.sqrt(squares)[block]
        return rows, columns, weights

    def _find_letter_cells(self, lower_texts: Sequence[str]) -> list[Ints]:
        """Return the numbers of the cells of texts × columns in which the runs of letters are that are terms."""
        if not self._letter_runs.columns:
            return []
        column_bytes = [b"".join(map(self._letter_runs.__getitem__, text.split())) for text in lower_texts]
        return [_compute_row_starts(column_bytes, len(self)) + np.frombuffer(b"".join(column_bytes), np.int64)]


class LetterRuns(dict[str, bytes]):
    """The columns of the runs of letters of a word and the blanks around it; those of recent words are cached.

    `columns` are those of the runs that are terms. A word that is cached is found without a call of Python's.
    """

    def __init__(self, columns: dict[str, bytes], longest: int) -> None:
        super().__init__()
        self.columns, self._longest = columns, longest

    def __missing__(self, token: str) -> bytes:
        column_bytes = b"".join(map(self.columns.get, list_letter_runs(token, self._longest), repeat(b"")))
        if len(token) <= MAX_CACHED_LETTERS:
            if len(self) >= MAX_CACHED_WORDS:
                self.clear()
            self[token] = column_bytes
        return column_bytes


class WordRuns:
    """Finds the runs of words that are terms: of one word, of two and so on, each from the run that it lengthens.

    Words are numbered, and so are the runs of each length that begin a term; a longer run is looked up by the numbers
    of its beginning and of its last word. `first_column` is the column of the first term.
    """

    def __init__(self, terms: Sequence[str], first_column: int, longest: int) -> None:
        columns = {tuple(term.split(" ")): first_column + index for index, term in enumerate(terms)}
        word_numbers = _number_distinct(word for term_words in columns for word in term_words)
        self._longest, self._unknown = longest, len(word_numbers)  # no term contains the last number
        self._bytes_by_word = {word: np.int64(number).tobytes() for word, number in word_numbers.items()}
        self._unknown_bytes = np.int64(self._unknown).tobytes()
        self._columns_of_words = np.array([columns.get((word,), -1) for word in word_numbers] + [-1])
        self._longer_runs: list[tuple[Ints, Ints]] = []  # for each length, the keys of the runs and their columns
        run_numbers: dict[tuple[str, ...], int] = {(word,): number for word, number in word_numbers.items()}
        for length in range(2, longest + 1):
            beginnings = dict.fromkeys(term_words[:length] for term_words in columns if len(term_words) >= length)
            runs_by_key = {
                run_numbers[term_words[:-1]] * (self._unknown + 1) + word_numbers[term_words[-1]]: term_words
                for term_words in beginnings
            }
            keys = sorted(runs_by_key)
            run_numbers = {runs_by_key[key]: number for number, key in enumerate(keys)}
            run_columns = [columns.get(runs_by_key[key], -1) for key in keys]
            self._longer_runs.append((np.array([*keys, LARGEST_KEY]), np.array([*run_columns, -1])))

    def find_cells(self, lower_texts: Sequence[str], columns_per_text: int) -> list[Ints]:
        """Return the numbers of the cells of texts × columns in which the runs of words are that are terms."""
        if not self._unknown:
            return []
        end_of_text = self._unknown_bytes * self._longest  # so that no run reaches into the next text
        lookup_word = self._bytes_by_word.get
        number_bytes = [
            b"".join(map(lookup_word, find_words(text), repeat(self._unknown_bytes))) + end_of_text
            for text in lower_texts
        ]
        text_words = np.frombuffer(b"".join(number_bytes), np.int64)
        row_starts = _compute_row_starts(number_bytes, columns_per_text)
        columns = self._columns_of_words[text_words]
        cells = [row_starts[columns >= 0] + columns[columns >= 0]]
        runs, begins = text_words[:-1], np.arange(len(text_words) - 1)  # the last is the end of a text
        for longer_by, (keys, columns_of_runs) in enumerate(self._longer_runs, start=1):
            wanted = runs * (self._unknown + 1) + text_words[begins + longer_by]
            positions = keys.searchsorted(wanted)
            matches = (keys[positions] == wanted).nonzero()[0]
            runs, begins = positions[matches], begins[matches]
            columns = columns_of_runs[runs]
            is_term = columns >= 0
            cells.append(row_starts[begins[is_term]] + columns[is_term])
        return cells


def _compute_row_starts(text_bytes: Sequence[bytes], columns_per_text: int) -> Ints:
    """Return, for every number in the bytes of the texts, the first cell of the row of its text."""
    row_starts = np.arange(0, len(text_bytes) * columns_per_text, columns_per_text)
    return np.repeat(row_starts, [len(numbers) // NUMBER_BYTES for numbers in text_bytes])


def _number_distinct(items: Iterable[K]) -> dict[K, int]:
    """Return the distinct items, numbered by first appearance."""
    return {item: number for number, item in enumerate(dict.fromkeys(items))}
