"""Vector encoder: a text's vector is the weighted mean of its words' vectors, whatever texts stand beside it."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.models.text.vector_encoder import VectorEncoder, fit_vectors, load_vectors, save_vectors
from trueline.core.models.text.word_vectors import WordVectors
from trueline.core.models.vector_file import VectorFile
from trueline.core.text.words import find_words

MANY = settings(deadline=None, max_examples=150)
VOCABULARY = ["jazz", "soul", "chess", "tea", "公", "pawn"]
texts = st.lists(
    st.lists(st.sampled_from([*VOCABULARY, "Jazz", "unknown", "?!"]), max_size=9).map(" ".join), min_size=1, max_size=6
)


def make_vectors(frequent_words: int = 2, weight: float = 0.5, width: int = 5) -> WordVectors:
    """Return a vector of length 1 for each word of the vocabulary, in its order."""
    table = np.random.default_rng(3).normal(size=(len(VOCABULARY), width))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    file = VectorFile("vectors.txt", "digest", weight, frequent_words)
    return WordVectors(VOCABULARY, table.astype(np.float16), np.arange(len(VOCABULARY)), file)


def encode_slowly(encoder: VectorEncoder, text: str) -> list[float]:
    """Return the vector of one text by the formula."""
    width, total = encoder.table.shape[1], [0.0] * encoder.table.shape[1]
    for word, count in Counter(find_words(text.lower())).items():
        if word in encoder.words:
            number = encoder.words.index(word)
            factor = (1 + math.log(count)) * encoder.idf[number]
            total = [total[at] + factor * float(encoder.table[number, at]) for at in range(width)]
    length = math.hypot(*total)
    if not length:
        return total
    centred = [value / length - common for value, common in zip(total, encoder.center, strict=True)]
    is_noise = math.hypot(*centred) < 1e-9  # a text that is the mean of all
    return [0.0 if is_noise else value * encoder.weight / math.hypot(*centred) for value in centred]


@MANY
@given(texts, texts)
def test_a_text_has_the_vector_of_the_formula_and_the_same_bits_alone(fit_texts: list[str], later: list[str]) -> None:
    encoder = fit_vectors(fit_texts, make_vectors())
    together = encoder.encode_texts(later)
    for text, vector in zip(later, together, strict=True):
        assert vector == pytest.approx(encode_slowly(encoder, text), abs=1e-6)
        assert encoder.encode_texts([text])[0].tobytes() == vector.tobytes()


@MANY
@given(texts)
def test_scores_are_the_vectors_times_the_coefficients(later: list[str]) -> None:
    encoder = fit_vectors(["jazz tea", "chess pawn"], make_vectors())
    coefficients = np.random.default_rng(1).normal(size=(7, 3))
    scores = np.ones((len(later), 3))
    encoder.add_scores(later, coefficients[1:6], scores)
    assert scores == pytest.approx(1 + encoder.encode_texts(later) @ coefficients[1:6])


def test_a_model_keeps_the_words_of_its_texts_and_the_frequent_ones_and_their_rarity() -> None:
    encoder = fit_vectors(["Tea, tea and a pawn", "pawn"], make_vectors(frequent_words=2))
    assert encoder.words == ["jazz", "soul", "tea", "pawn"]
    assert encoder.idf == pytest.approx([1 + math.log(3), 1 + math.log(3), 1 + math.log(3 / 2), 1.0])
    assert encoder.weight == 0.5


def test_a_text_without_known_words_has_zeros_and_no_part_in_the_mean_of_all() -> None:
    vectors = make_vectors()
    encoder = fit_vectors(["jazz", "soul"], vectors)
    assert encoder.encode_texts(["", "unknown", "?!"]).any() is np.False_
    assert fit_vectors(["jazz", "soul", "unknown"], vectors).center == pytest.approx(encoder.center)
    assert fit_vectors(["", "unknown"], vectors).center == [0.0] * 5


def test_what_is_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    encoder = fit_vectors(["jazz tea", "chess pawn jazz"], make_vectors())
    save_vectors(encoder, tmp_path)
    loaded = load_vectors(tmp_path)
    assert loaded is not None
    sample = ["jazz and chess", "tea soul soul", "nothing"]
    assert loaded.encode_texts(sample).tobytes() == encoder.encode_texts(sample).tobytes()
    assert (loaded.words, loaded.idf, loaded.center) == (encoder.words, encoder.idf, encoder.center)
    assert load_vectors(tmp_path / "elsewhere") is None
