"""TF-IDF: a text's runs of words and of letters, weighted by rarity, in the columns that scikit-learn gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, count, repeat
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse._sparsetools import (  # type: ignore[import-untyped,unused-ignore]  # what csr_array @ runs
    csr_matvec,
    csr_matvecs,
)

from trueline.core.models.text.letter_runs import list_letter_runs
from trueline.core.text.words import find_words

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
V = TypeVar("V")

MAX_CACHED_TOKENS = 20_000  # pieces of text between blanks whose columns are cached, some 5 MB
MAX_CACHED_LETTERS = 30  # letters of the longest such piece
COUNTED_CELLS = 1 << 17  # texts × columns that are counted at a time: 1 MB, which stays in the processor's cache
NUMBER_BYTES = 8  # of a column or word, as its number is kept in dictionaries
COUNT_FACTORS = np.append(0.0, np.log(np.arange(1, 256)) + 1.0)  # of small counts; np.log takes three times as long
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
        columns_by_kind, first_column = dict[str, dict[str, int]](), 0
        for kind, vocabulary in vocabularies.items():
            columns_by_kind[kind] = {term: first_column + index for index, term in enumerate(vocabulary["terms"])}
            first_column += len(columns_by_kind[kind])
        self._idf = np.array([value for vocabulary in vocabularies.values() for value in vocabulary["idf"]], np.float64)
        self._ones = np.ones(len(self))
        self._chunk_size, self._kinds = max(1, COUNTED_CELLS // max(len(self), 1)), max(len(vocabularies), 1)
        sizes = [len(columns) for columns in columns_by_kind.values()]
        self._first_cells = np.arange(self._chunk_size + 1) * len(self)  # of each text
        # of each kind in each text
        self._block_starts = np.add.outer(self._first_cells, [0, *accumulate(sizes[:-1])]).ravel()
        word_columns = columns_by_kind.pop("word", {})
        self._word_runs = WordRuns(word_columns, word_ngrams)
        word_bytes = _store_numbers(word_columns)
        letter_bytes = _store_numbers(
            {term: column for kind in columns_by_kind.values() for term, column in kind.items()}
        )

        def number_token(token: str) -> bytes:
            token_words = find_words(token)
            letter_runs = list_letter_runs(token, char_ngrams) if letter_bytes else []
            columns = _look_up_all(word_bytes, token_words) + _look_up_all(letter_bytes, letter_runs)
            return columns + self._word_runs.number_words(token_words)

        # columns, then the words as negative numbers
        self._numbers_by_token = TokenCache(number_token, MAX_CACHED_TOKENS, MAX_CACHED_LETTERS)

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
        flat_coefficients = coefficients.ravel()
        for begin in range(0, len(texts), self._chunk_size):
            end = begin + self._chunk_size
            chunk, flat_scores = texts[begin:end], scores[begin:end].ravel()
            bounds, columns, weights = self._encode_chunk(chunk)
            sizes = len(chunk), len(coefficients), coefficients.shape[1]
            csr_matvecs(*sizes, bounds, columns, weights, flat_coefficients, flat_scores)  # adds to the scores
        return scores

    def _encode_chunk(self, texts: Sequence[str]) -> tuple[Ints, Ints, Floats]:
        """Return the columns of all texts that are not 0 and their values, text by text.

        The first array has where those of each text begin, and the end of the last.
        """
        counts = np.bincount(self._find_cells(texts), minlength=1)
        cells = (counts != 0).nonzero()[0]  # `counts.nonzero()` takes three times as long
        block_bounds = cells.searchsorted(self._block_starts[: len(texts) * self._kinds + 1])
        block_sizes, bounds = block_bounds[1:] - block_bounds[:-1], block_bounds[:: self._kinds].copy()
        columns = cells if len(texts) == 1 else cells - self._first_cells[: len(texts)].repeat(np.diff(bounds))
        weights = _compute_count_factors(counts.take(cells)) * self._idf.take(columns)
        squares = np.zeros(len(block_sizes))  # summed from left to right; np.sum adds in pairs
        csr_matvec(len(squares), len(self), block_bounds, columns, weights * weights, self._ones, squares)
        weights /= np.sqrt(squares).repeat(block_sizes)
        return bounds, columns, weights

    def _find_cells(self, texts: Sequence[str]) -> Ints:
        """Return the numbers of the cells of texts × columns in which runs of words or letters are that are terms."""
        look_up, end_of_text = self._numbers_by_token.__getitem__, self._word_runs.end_of_text
        text_bytes = [b"".join(map(look_up, text.lower().split())) + end_of_text for text in texts]
        numbers = np.frombuffer(b"".join(text_bytes), np.int64)
        is_column, is_word = numbers >= 0, numbers < 0
        columns, longer_runs = numbers[is_column], self._word_runs.find_longer_runs(~numbers[is_word])
        if len(texts) == 1:
            return np.concatenate([columns, *(run_columns for _, run_columns in longer_runs)])
        row_starts = self._first_cells[: len(texts)].repeat([len(stored) // NUMBER_BYTES for stored in text_bytes])
        word_row_starts = row_starts[is_word]
        longer_cells = [word_row_starts[begins] + run_columns for begins, run_columns in longer_runs]
        return np.concatenate([row_starts[is_column] + columns, *longer_cells])


class TokenCache(dict[str, V]):
    """What `compute` returns for a piece of text between blanks; that of recent pieces is cached.

    A piece that is cached is found without a call of Python's. Cached are at most `max_tokens` pieces, and none of more
    than `max_letters` letters.
    """

    def __init__(self, compute: Callable[[str], V], max_tokens: int, max_letters: int) -> None:
        super().__init__()
        self._compute, self._max_tokens, self._max_letters = compute, max_tokens, max_letters

    def __missing__(self, token: str) -> V:
        computed = self._compute(token)
        if len(token) <= self._max_letters:
            if len(self) >= self._max_tokens:
                self.clear()
            self[token] = computed
        return computed


class WordRuns:
    """Finds the runs of two words and more that are terms, each from the run that it lengthens.

    Words are numbered, and so are the runs of each length that begin a term; a longer run is looked up by the numbers
    of its beginning and of its last word. `columns` are those of all terms of words, by their words with blanks.
    """

    def __init__(self, columns: Mapping[str, int], longest: int) -> None:
        columns_by_words = {tuple(term.split(" ")): column for term, column in columns.items()}
        distinct_words = dict.fromkeys(chain.from_iterable(columns_by_words))
        word_numbers = dict(zip(distinct_words, count(), strict=False))
        self._unknown = len(word_numbers)  # the number of any other word; no term contains it
        self._bytes_by_word = _store_numbers({name: ~number for name, number in word_numbers.items()})
        self._unknown_bytes = _store_number(~self._unknown)
        self.end_of_text = self._unknown_bytes * longest  # so that no run reaches into the next text
        # for each length, the keys of the runs, their columns, and whether all are terms and not only begin one
        self._longer_runs: list[tuple[Ints, Ints, bool]] = []
        run_numbers: dict[tuple[str, ...], int] = {(name,): number for name, number in word_numbers.items()}
        for length in range(2, longest + 1):
            beginnings = dict.fromkeys(
                term_words[:length] for term_words in columns_by_words if len(term_words) >= length
            )
            runs_by_key = {
                run_numbers[term_words[:-1]] * (self._unknown + 1) + word_numbers[term_words[-1]]: term_words
                for term_words in beginnings
            }
            keys = sorted(runs_by_key)
            run_numbers = {runs_by_key[key]: number for number, key in enumerate(keys)}
            run_columns = [columns_by_words.get(runs_by_key[key], -1) for key in keys]
            run_arrays = np.array([*keys, LARGEST_KEY]), np.array([*run_columns, -1])
            self._longer_runs.append((*run_arrays, -1 not in run_columns))

    def number_words(self, tokens: Sequence[str]) -> bytes:
        """Return the numbers of words as bytes, with all bits turned over, so that they are negative."""
        return b"".join(map(self._bytes_by_word.get, tokens, repeat(self._unknown_bytes)))

    def find_longer_runs(self, text_words: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield for each length where terms of so many words begin in numbered texts, and their columns.

        The numbers are as `number_words` has them, turned back. Each text must end with `end_of_text`.
        """
        runs, begins = text_words[:-1], np.arange(len(text_words) - 1)  # the last is the end of a text
        for longer_by, (keys, columns_of_runs, are_all_terms) in enumerate(self._longer_runs, start=1):
            wanted = runs * (self._unknown + 1) + text_words.take(begins + longer_by)
            positions = keys.searchsorted(wanted)
            matches = (keys.take(positions) == wanted).nonzero()[0]
            runs, begins = positions.take(matches), begins.take(matches)
            columns = columns_of_runs.take(runs)
            if are_all_terms:
                yield begins, columns
            else:
                is_term = columns >= 0
                yield begins[is_term], columns[is_term]


def _compute_count_factors(counts: Ints) -> Floats:
    """Return 1 + ln(count) of counts that are not 0."""
    try:
        return COUNT_FACTORS.take(counts)
    except IndexError:
        return np.log(counts) + 1.0


def _store_number(number: int) -> bytes:
    return np.int64(number).tobytes()


def _store_numbers(numbers: Mapping[str, int]) -> dict[str, bytes]:
    return {name: _store_number(number) for name, number in numbers.items()}


def _look_up_all(stored: Mapping[str, bytes], names: Sequence[str]) -> bytes:
    """Return the stored numbers of the names that have one."""
    return b"".join(map(stored.get, names, repeat(b"")))
