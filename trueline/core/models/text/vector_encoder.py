"""A text as the mean of its words' vectors, weighted by rarity, and how far it lies from the texts of training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse._sparsetools import csr_matvecs  # type: ignore[import-untyped,unused-ignore]  # what csr_array @ runs

from trueline.core.models.model_json import read_model_json, write_model_json
from trueline.core.models.text.word_vectors import WordVectors
from trueline.core.text.words import find_words

if TYPE_CHECKING:
    Floats = npt.NDArray[np.float64]
    Halves = npt.NDArray[np.float16]

WORDS_FILE, TABLE_FILE = "word_vectors.json", "word_vectors.npy"
MIN_LENGTH = 1e-9  # of a vector, whose words have length 1, that is more than rounding errors


@dataclass(frozen=True)
class VectorEncoder:
    """The words that a model has vectors of, their inverse document frequencies, and the mean of its texts.

    `weight` is the length of a text's vector.

    >>> table = np.array([[0.6, 0.8], [0.8, 0.6]], np.float16)
    >>> encoder = VectorEncoder(["jazz", "soul"], table, [1.0, 1.0], [0.0, 0.0], 0.5)
    >>> encoder.encode_texts(["Jazz, jazz!", "chess"]).round(2).tolist()
    [[0.3, 0.4], [0.0, 0.0]]
    """

    words: list[str]
    table: Halves  # words × numbers
    idf: list[float]
    center: list[float]  # what all texts of a language have in common, which tells them apart by nothing
    weight: float

    @property
    def width(self) -> int:
        """The number of columns."""
        return int(self.table.shape[1])

    @cached_property
    def number_by_word(self) -> dict[str, int]:
        """The number of each word, which is its row in the table."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def idf_by_number(self) -> Floats:
        """The inverse document frequencies as an array, which takes longer to make than a text."""
        return np.array(self.idf, np.float64)

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """Return texts × numbers: the mean of the vectors of a text's words, without that of all texts.

        A word counts by the logarithm of how often it occurs, times its inverse document frequency. The mean is scaled
        to length 1, what all texts have in common is taken away, and the rest has the length `weight`. A text without a
        known word has zeros. Sums run from left to right, so no text depends on the others, to the last bit.
        """
        means, has_words = _scale_rows(self._sum_words(texts))
        return self.weight * _scale_rows((means - np.array(self.center)) * has_words[:, None])[0]

    def _sum_words(self, texts: Sequence[str]) -> Floats:
        """Return texts × numbers: the weighted sums; text by text, as the rows of all would take gigabytes."""
        sums = np.zeros((len(texts), self.width))
        for text, text_sum in zip(texts, sums, strict=True):
            word_counts = self._count_words(text)
            numbers = np.array(sorted(word_counts), np.int64)
            counts = np.array([word_counts[number] for number in numbers.tolist()], np.float64)
            word_weights = (np.log(counts) + 1.0) * self.idf_by_number.take(numbers)
            rows = self.table.take(numbers, axis=0).astype(np.float64)
            bounds = np.array([0, len(numbers)])
            _add_products(bounds, np.arange(len(numbers)), word_weights, rows, text_sum[None])
        return sums

    def add_scores(self, texts: Sequence[str], coefficients: Floats, scores: Floats) -> None:
        """Add the texts' columns times a matrix of numbers × tags to their scores."""
        columns = self.encode_texts(texts)
        bounds = np.arange(len(texts) + 1) * self.width
        _add_products(bounds, np.tile(np.arange(self.width), len(texts)), columns.ravel(), coefficients, scores)

    def _count_words(self, text: str) -> Counter[int]:
        look_up = self.number_by_word.get
        return Counter(number for token in find_words(text.lower()) if (number := look_up(token)) is not None)


def fit_vectors(texts: Sequence[str], vectors: WordVectors) -> VectorEncoder:
    """Return the encoder of the words of these texts, and of the frequent words of the file for later texts.

    What the file says of other words, perhaps those of rows to score, is left out, as it will be when new texts come.
    """
    text_counts = Counter(token for text in texts for token in set(find_words(text.lower())))
    kept = [
        number
        for number, (word, place) in enumerate(zip(vectors.words, vectors.places.tolist(), strict=True))
        if place < vectors.file.frequent_words or word in text_counts
    ]
    words = [vectors.words[number] for number in kept]
    idf = np.log((len(texts) + 1.0) / (np.array([text_counts[word] for word in words], np.float64) + 1.0)) + 1.0
    uncentered = VectorEncoder(words, vectors.table[kept], idf.tolist(), [0.0] * vectors.table.shape[1], 1.0)
    means = uncentered.encode_texts(texts)
    has_words = means.any(axis=1)
    center = means.sum(axis=0) / max(int(has_words.sum()), 1)
    return replace(uncentered, center=center.tolist(), weight=vectors.file.weight)


def save_vectors(encoder: VectorEncoder, folder: Path) -> None:
    """Write word_vectors.json and word_vectors.npy."""
    content = {"words": encoder.words, "idf": encoder.idf, "center": encoder.center, "weight": encoder.weight}
    write_model_json(content, folder / WORDS_FILE)
    np.save(folder / TABLE_FILE, encoder.table, allow_pickle=False)


def load_vectors(folder: Path) -> VectorEncoder | None:
    """Return what `save_vectors` wrote; None if it wrote nothing there."""
    if not (folder / WORDS_FILE).exists():
        return None
    with (folder / TABLE_FILE).open("rb") as file:  # np.load would take an archive for an array
        table = np.lib.format.read_array(file, allow_pickle=False)
    return VectorEncoder(table=table, **read_model_json(folder / WORDS_FILE))


def _scale_rows(rows: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the rows scaled to length 1, those of rounding errors to zeros, and which rows are not zeros."""
    row_numbers = np.arange(len(rows)).repeat(rows.shape[1])
    lengths = np.sqrt(np.bincount(row_numbers, (rows * rows).ravel(), minlength=len(rows)))
    scales = np.divide(1.0, lengths, out=np.zeros(len(rows)), where=lengths > MIN_LENGTH)
    return rows * scales[:, None], lengths > MIN_LENGTH


def _add_products(
    bounds: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], values: Floats, matrix: Floats, sums: Floats
) -> None:
    """Add a sparse matrix in rows times a matrix to the sums, from left to right."""
    sizes = len(sums), len(matrix), matrix.shape[1]
    csr_matvecs(*sizes, bounds, columns, values, matrix.ravel(), sums.ravel())  # the sums' ravel is a view
