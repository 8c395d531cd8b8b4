"""Attached vectors: the rows of a fold with the word vectors of their task, which each process reads once."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.core.models.text.vocabulary import TEXT_INPUT
from trueline.core.runtime.params import NO_VECTORS, VectorFile
from trueline.core.splits.fold_data import FoldData, read_cached_tables
from trueline.core.text.word_vectors import WordVectors, read_word_vectors
from trueline.core.text.words import find_words

TablePaths = tuple[Path, Path, Path]  # of features, folds and what `resample` wrote


def attach_vectors(rows: FoldData, file: VectorFile, table_paths: TablePaths) -> FoldData:
    """Return the rows with the vectors of the words of the task's texts."""
    return replace(rows, word_vectors=_read_vectors(file, table_paths))


def check_vectors(label: str, learner_name: str, learner: Any, file: VectorFile, table_paths: TablePaths) -> None:
    """Print how many of the texts' words have a vector; raise UserError if none has, or the learner reads none."""
    if not getattr(learner, "READS_VECTORS", False):
        raise UserError(
            f"{learner_name} reads no word vectors, but {file.path} is set; set the task's learner to tfidf_linear or "
            f"its vectors to {NO_VECTORS}."
        )
    vectors = _read_vectors(file, table_paths)
    known_words = set(vectors.words)
    tokens = [token for text in _list_texts(table_paths) for token in find_words(text.lower())]
    covered_count = sum(token in known_words for token in tokens)
    if not covered_count:
        raise UserError(f"{file.path} has none of the words of the texts; take vectors of the texts' language.")
    share, size = covered_count / len(tokens), vectors.table.shape[1]
    print(f"{label}: {share:.0%} of the words of the texts have a vector of {size} numbers")


def _read_vectors(file: VectorFile, table_paths: TablePaths) -> WordVectors:
    features, folds, resampled = (path.absolute() for path in table_paths)
    return _read_cached_vectors(file, (features, folds, resampled), features.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read_cached_vectors(file: VectorFile, table_paths: TablePaths, _: int) -> WordVectors:
    """Return the vectors of a file for the texts of some tables, anew where these have another time of change.

    A file of vectors that changes has another hash, so it is another `file`.
    """
    wanted = {token for text in _list_texts(table_paths) for token in find_words(text.lower())}
    return read_word_vectors(file, wanted)


def _list_texts(table_paths: TablePaths) -> list[str]:
    texts = read_cached_tables(*table_paths).features[TEXT_INPUT]
    return [text for text in texts if isinstance(text, str)]
