"""Word vectors that the user brings: read from a text file, and only the words that a model can use are kept."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trueline.core.errors import UserError
from trueline.core.models.text.vocabulary import TEXT_INPUT
from trueline.core.models.vector_file import VectorFile
from trueline.core.runtime.file_state import FileState, get_file_state
from trueline.core.runtime.params import NO_VECTORS
from trueline.core.text.words import find_words

if TYPE_CHECKING:
    from trueline.core.splits.fold_data import FoldData

    Halves = npt.NDArray[np.float16]
    Ints = npt.NDArray[np.int64]

TablePaths = tuple[Path, Path, Path]  # of features, folds and what `resample` wrote

GZIP_SIGNATURE = b"\x1f\x8b"
MAX_LINE_BYTES = 1 << 20  # a vector of 1,024 numbers takes 12 KB; a longer line is no vector
REMEDY = "give GloVe's or word2vec's text form, a word and its numbers on each line"


@dataclass(frozen=True)
class WordVectors:
    """Words of a file in its order, each with a vector of length 1, and the place of its line among all lines."""

    words: list[str]
    table: Halves  # words × numbers
    places: Ints  # from 0 on; files have frequent words first
    file: VectorFile


def read_word_vectors(file: VectorFile, wanted: Collection[str]) -> WordVectors:
    """Return the words of a file that are wanted or among its frequent ones, its first lines.

    The file has a word and its numbers on each line, perhaps after a line with the number of words and of numbers
    (word2vec), and may be compressed by gzip. Words are in lower case; of equal ones the first counts. A word that
    `find_words` would not find as one, such as a mark, is left out, and so is a vector of zeros, which points nowhere.
    Of lines that are not kept only the number of their numbers is checked. Raises UserError for a file that is not so.
    """
    path, vectors, place_by_word = Path(file.path), list["Halves"](), dict[str, int]()
    size, stated_count, line_count = 0, None, 0
    for number, line in enumerate(_read_lines(path), 1):
        fields = line.split()
        if number == 1 and len(fields) == 2 and all(field.isdigit() for field in fields):
            stated_count, size = int(fields[0]), int(fields[1])
            continue
        if not fields:
            continue
        size = size or len(fields) - 1
        if len(fields) - 1 != size or not size:
            if len(fields) - 1 > size > 0 and not _are_numbers(fields[1:-size]):
                line_count += 1  # a word with blanks in it, as in GloVe's largest files: no text has it as one word
                continue
            raise UserError(
                f"{path}: line {number} has {len(fields) - 1} numbers after the word where {size or 'some'} are "
                f"expected; {REMEDY}, or download the file again if it is cut off."
            )
        line_count += 1
        word = fields[0].decode("utf-8", "replace").lower()
        is_kept = (line_count <= file.frequent_words or word in wanted) and word not in place_by_word
        if not is_kept or find_words(word) != [word]:
            continue
        vector = _parse_vector(fields[1:], path, number)
        if vector is not None:
            place_by_word[word] = line_count - 1
            vectors.append(vector)
    if not line_count:
        raise UserError(f"{path} holds no vectors; {REMEDY}.")
    if stated_count is not None and stated_count != line_count:
        raise UserError(
            f"{path} holds {line_count} vectors where its first line says {stated_count}; download the file again."
        )
    table = np.array(vectors, np.float16).reshape(len(vectors), size)
    return WordVectors(list(place_by_word), table, np.array(list(place_by_word.values()), np.int64), file)


def attach_vectors(rows: FoldData, file: VectorFile, table_paths: TablePaths) -> FoldData:
    """Return the rows with the vectors of the words of the task's texts, which each process reads once."""
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


def _read_lines(path: Path) -> Iterator[bytes]:
    with _open_file(path) as file:
        while line := file.readline(MAX_LINE_BYTES):
            if b"\0" in line or (len(line) == MAX_LINE_BYTES and not line.endswith(b"\n")):
                raise UserError(f"{path} is not text but binary; {REMEDY}, as gensim's save_word2vec_format writes it.")
            yield line


@contextmanager
def _open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, which gzip may have compressed; raises UserError where it cannot be read to the end."""
    try:
        with path.open("rb") as file:
            is_compressed = file.read(len(GZIP_SIGNATURE)) == GZIP_SIGNATURE
            file.seek(0)
            yield io.BufferedReader(gzip.GzipFile(fileobj=file)) if is_compressed else file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is cut off or damaged ({error}); download the file again.") from None
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UserError(f"{path} is not a file; point tasks.<task>.vectors at one with word vectors.") from None


def _parse_vector(fields: list[bytes], path: Path, number: int) -> Halves | None:
    """Return a vector scaled to length 1, None for one of zeros; raises UserError for what is no finite number."""
    try:
        values = [float(field) for field in fields]
    except ValueError as error:
        shown = str(error).rsplit(": ", 1)[-1].removeprefix("b")
        raise UserError(f"{path}: line {number} holds {shown}, which is no number; {REMEDY}.") from None
    if not all(map(math.isfinite, values)):
        shown = repr(next(value for value in values if not math.isfinite(value)))
        raise UserError(f"{path}: line {number} holds {shown}, which is not finite; remove the line.")
    largest = max(map(abs, values))
    if largest == 0:
        return None
    scaled = [value / largest for value in values]  # so that no square overflows
    length = math.sqrt(math.fsum(value * value for value in scaled))
    return np.array([value / length for value in scaled], np.float16)


def _are_numbers(fields: list[bytes]) -> bool:
    try:
        for field in fields:
            float(field)
    except ValueError:
        return False
    return True


def _read_vectors(file: VectorFile, table_paths: TablePaths) -> WordVectors:
    features, folds, resampled = (path.absolute() for path in table_paths)
    return _read_cached_vectors(file, (features, folds, resampled), get_file_state(features))


@lru_cache(maxsize=1)
def _read_cached_vectors(file: VectorFile, table_paths: TablePaths, _: FileState) -> WordVectors:
    """Return the vectors of a file for the texts of some tables, anew where the features' file has another state.

    A file of vectors that changes has another hash, so it is another `file`.
    """
    wanted = {token for text in _list_texts(table_paths) for token in find_words(text.lower())}
    return read_word_vectors(file, wanted)


def _list_texts(table_paths: TablePaths) -> list[str]:
    from trueline.core.splits.fold_data import read_cached_tables  # here, because the service reads no tables

    texts = read_cached_tables(*table_paths).features[TEXT_INPUT]
    return [text for text in texts if isinstance(text, str)]
