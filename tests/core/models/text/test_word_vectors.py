"""Word vectors: what a file says of the words that are kept, and a sentence where it is no such file."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.models.text.word_vectors import WordVectors, read_word_vectors
from trueline.core.models.vector_file import VectorFile
from trueline.core.text.words import find_words

MANY = settings(deadline=None, max_examples=150)
numbers = st.sampled_from(["0", "0.0", "-0.5", "1", "2e-3", "1e300", "-7.25", "3E2", "1e-300"])
words = st.sampled_from(
    ["jazz", "Jazz", "JAZZ", "soul", "can't", ",", "new_york", "公", "公園", "Ünder", "xxname", "3"]
)
lines_of_three = st.lists(st.tuples(words, st.lists(numbers, min_size=3, max_size=3)), min_size=1, max_size=12)


def read(folder: Path, content: str | bytes, wanted: set[str] | None = None, frequent_words: int = 0) -> WordVectors:
    """Return the vectors of a file with this content."""
    path = folder / "vectors.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_word_vectors(VectorFile(str(path), "digest", 1.0, frequent_words), wanted or set())


def read_slowly(
    lines: list[tuple[str, list[str]]], wanted: set[str], frequent_words: int
) -> dict[str, tuple[int, list[float]]]:
    """Return the place and the vector of each word that is to be kept, by the plainest rules."""
    kept: dict[str, tuple[int, list[float]]] = {}
    for place, (written, texts) in enumerate(lines):
        word, values = written.lower(), [float(text) for text in texts]
        length = math.hypot(*values)
        if (place < frequent_words or word in wanted) and find_words(word) == [word] and length:
            kept.setdefault(word, (place, [value / length for value in values]))
    return kept


@MANY
@given(lines_of_three, st.sets(st.sampled_from(["jazz", "soul", "公", "ünder", "never"])), st.integers(0, 6), st.data())
def test_the_words_kept_their_places_and_their_vectors_are_those_of_the_plainest_reader(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[tuple[str, list[str]]],
    wanted: set[str],
    frequent_words: int,
    data: st.DataObject,
) -> None:
    header = f"{len(lines)} 3\n" if data.draw(st.booleans(), "word2vec") else ""
    blank, end = data.draw(st.sampled_from([" ", "\t", "  "])), data.draw(st.sampled_from(["\n", " \n", "\r\n"]))
    content = (header + "".join(blank.join([word, *texts]) + end for word, texts in lines)).encode()
    packed = gzip.compress(content) if data.draw(st.booleans(), "gzip") else content
    found = read(tmp_path_factory.mktemp("vectors"), packed, wanted, frequent_words)
    expected = read_slowly(lines, wanted, frequent_words)
    assert found.words == list(expected)
    assert found.places.tolist() == [place for place, _ in expected.values()]
    assert found.table.shape == (len(expected), 3)
    for vector, (_, expected_vector) in zip(found.table, expected.values(), strict=True):
        assert vector == pytest.approx(np.array(expected_vector), abs=1e-3)


def test_a_word_with_blanks_in_it_is_left_out_as_in_the_largest_files_of_glove(tmp_path: Path) -> None:
    found = read(tmp_path, "jazz 1 2\n. . . 3 4\nat name@domain.com 5 6\nsoul 7 8\n", {"jazz", "soul", "at"})
    assert found.words == ["jazz", "soul"]
    assert found.places.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no vectors"),
        ("2 3\n", "holds no vectors"),
        ("jazz\n", "line 1 has 0 numbers after the word where some are expected"),
        ("jazz 1 2\nsoul 1\n", "line 2 has 1 numbers after the word where 2 are expected"),
        ("jazz 1 2\nsoul 1 2 3\n", "line 2 has 3 numbers after the word where 2 are expected"),
        ("1 3\njazz 1 2\n", "line 2 has 2 numbers after the word where 3 are expected"),
        ("3 2\njazz 1 2\n", "holds 1 vectors where its first line says 3"),
        ("jazz 1 2\nsoul 1 two\n", "line 2 holds 'two', which is no number"),
        ("jazz 1 nan\n", "line 1 holds nan, which is not finite"),
        ("jazz 1 -inf\n", "line 1 holds -inf, which is not finite"),
        (b"2 2\njazz \x00\x01\x80\x3f\x00\x00", "is not text but binary"),
        (b"x" * (1 << 21), "is not text but binary"),
        (gzip.compress(b"jazz 1 2\n" * 99)[:-12], "is cut off or damaged"),
    ],
)
def test_a_file_that_holds_no_such_vectors_is_refused_in_one_sentence(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, content, {"jazz", "soul"})
    assert message in str(error.value)
    assert "; " in str(error.value)
    assert str(error.value).endswith(".")
    assert str(error.value).count(". ") == 0


@pytest.mark.parametrize("name", ["lost.txt", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"is not a file; point tasks\.<task>\.vectors"):
        read_word_vectors(VectorFile(str(tmp_path / name), "digest", 1.0, 0), set())


def test_a_line_that_is_not_kept_may_hold_anything_in_the_right_number(tmp_path: Path) -> None:
    assert read(tmp_path, "jazz 1 2\nsoul a b\n", {"jazz"}).words == ["jazz"]
