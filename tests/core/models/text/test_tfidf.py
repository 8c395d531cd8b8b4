"""TF-IDF: the columns of a text are scikit-learn's, and do not depend on other texts."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from trueline.core.models.text import tfidf
from trueline.core.models.text.letter_runs import MIN_RUN_LETTERS, list_letter_runs
from trueline.core.models.text.tfidf import MAX_CACHED_TOKENS, TfidfEncoder
from trueline.core.text.words import find_words

MANY = settings(deadline=None, max_examples=150)
LETTERS = "abcİßé_1 \t\n\u00a0.-!は漢วั\u0301हि"
texts = st.lists(st.text(LETTERS, max_size=25), min_size=1, max_size=6)
words, letters = st.integers(1, 3), st.integers(MIN_RUN_LETTERS, 6)


def theirs(kind: str, longest: int, **options: Any) -> TfidfVectorizer:
    """Return scikit-learn's vectorizer for one kind of terms."""
    if kind == "word":
        return TfidfVectorizer(
            sublinear_tf=True, ngram_range=(1, longest), tokenizer=find_words, token_pattern=None, **options
        )

    def analyse(text: str) -> list[str]:
        return [run for token in text.lower().split() for run in list_letter_runs(token, longest)]

    return TfidfVectorizer(analyzer=analyse, sublinear_tf=True, **options)


def learned(training_texts: list[str], word_ngrams: int, char_ngrams: int) -> dict[str, TfidfVectorizer]:
    """Return the vectorizers fitted on texts, without those that found no term."""
    found = {}
    for kind, longest in (("word", word_ngrams), ("char_wb", char_ngrams)):
        try:
            found[kind] = theirs(kind, longest).fit(training_texts)
        except ValueError:
            continue
    return found


def known(vectorizers: dict[str, TfidfVectorizer]) -> dict[str, dict[str, Any]]:
    """Return what a model file holds of the vectorizers."""
    return {
        kind: {"terms": vectorizer.get_feature_names_out().tolist(), "idf": vectorizer.idf_.tolist()}
        for kind, vectorizer in vectorizers.items()
    }


def dense(terms: TfidfEncoder, text: str) -> Any:
    """Return all the columns of a text."""
    row = np.zeros(len(terms))
    column, weight = terms.encode_text(text)
    assert (np.diff(column) > 0).all()
    row[column] = weight
    return row


@MANY
@given(texts, texts, words, letters)
@example(["a a a b", ""], ["a", "a b a b", "İ"], 2, 4)
def test_every_text_has_the_columns_that_scikit_learn_gives(
    training_texts: list[str], encoded_texts: list[str], word_ngrams: int, char_ngrams: int
) -> None:
    vectorizers = learned(training_texts, word_ngrams, char_ngrams)
    terms = TfidfEncoder(known(vectorizers), word_ngrams, char_ngrams)
    blocks = [vectorizer.transform(encoded_texts).toarray() for vectorizer in vectorizers.values()]
    expected = np.hstack([np.zeros((len(encoded_texts), 0)), *blocks])
    for text, row in zip(encoded_texts, expected, strict=True):
        np.testing.assert_allclose(dense(terms, text), row, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(dense(terms, text), dense(terms, text))


@MANY
@given(texts, texts, st.integers(1, 4))
def test_scores_are_the_product_with_a_matrix(training_texts: list[str], encoded_texts: list[str], tags: int) -> None:
    terms = TfidfEncoder(known(learned(training_texts, 2, 4)), 2, 4)
    matrix = np.random.default_rng(0).normal(size=(len(terms) + 3, tags))  # further lines may follow the terms'
    for text in encoded_texts:
        expected = dense(terms, text) @ matrix[: len(terms)]
        np.testing.assert_allclose(terms.score_texts([text], matrix)[0], expected, rtol=0, atol=1e-12)


@MANY
@given(texts, texts, words, letters)
def test_texts_that_are_scored_together_get_the_bits_that_each_gets_alone(
    training_texts: list[str], encoded_texts: list[str], word_ngrams: int, char_ngrams: int
) -> None:
    vocabularies = known(learned(training_texts, word_ngrams, char_ngrams))
    terms = TfidfEncoder(vocabularies, word_ngrams, char_ngrams)
    matrix = np.random.default_rng(0).normal(size=(len(terms), 2))
    alone = np.concatenate([terms.score_texts([text], matrix) for text in encoded_texts])
    for cells in (1, 2 * max(len(terms), 1), tfidf.COUNTED_CELLS):  # a text at a time, two, and all
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tfidf, "COUNTED_CELLS", cells)
            together = TfidfEncoder(vocabularies, word_ngrams, char_ngrams).score_texts(encoded_texts, matrix)
            assert together.tobytes() == alone.tobytes()


@MANY
@given(texts, texts, words, letters, st.sampled_from([1, 200, 300]))
def test_every_sum_runs_from_left_to_right_and_every_count_has_its_logarithm(
    training_texts: list[str], encoded_texts: list[str], word_ngrams: int, char_ngrams: int, repeats: int
) -> None:
    vectorizers = learned(training_texts, word_ngrams, char_ngrams)
    terms = TfidfEncoder(known(vectorizers), word_ngrams, char_ngrams)
    matrix = np.random.default_rng(1).normal(size=(len(terms), 2))
    long_texts = [f"{text} " * repeats for text in encoded_texts]
    expected = np.zeros((len(long_texts), 2))
    for text, sums in zip(long_texts, expected, strict=True):
        row = 0
        for vectorizer in vectorizers.values():
            runs = Counter(vectorizer.build_analyzer()(text))
            counts = [runs[term] for term in vectorizer.get_feature_names_out()]
            weights = [
                (np.log(np.float64(count)) + 1.0) * idf if count else 0.0
                for count, idf in zip(counts, vectorizer.idf_, strict=True)
            ]
            squares = 0.0
            for weight in weights:
                squares += weight * weight
            for weight in weights:
                sums += (weight / np.sqrt(squares) if weight else 0.0) * matrix[row]
                row += 1
    assert terms.score_texts(long_texts, matrix).tobytes() == expected.tobytes()


def test_a_cached_word_counts_like_one_that_is_not_cached() -> None:
    vectorizers = learned(["jazz in the park", "park and jazz"], 1, 4)
    fresh, used = TfidfEncoder(known(vectorizers), 1, 4), TfidfEncoder(known(vectorizers), 1, 4)
    for number in range(MAX_CACHED_TOKENS + 10):
        used.encode_text(f"word{number}")
    np.testing.assert_array_equal(dense(used, "jazz park"), dense(fresh, "jazz park"))
    np.testing.assert_array_equal(dense(used, "jazz park"), dense(used, "jazz park"))
    assert len(used._numbers_by_token) <= MAX_CACHED_TOKENS


@pytest.mark.parametrize("text", ["", " \n", "?!", "q" * 100_000, "never " * 1000])
def test_a_text_without_a_known_term_has_no_column(text: str) -> None:
    terms = TfidfEncoder(known(learned(["jazz park"], 1, 4)), 1, 4)
    assert [part.size for part in terms.encode_text(text)] == [0, 0]
    assert terms.score_texts([text], np.ones((len(terms), 2))).tolist() == [[0.0, 0.0]]


def test_without_terms_every_score_is_zero() -> None:
    assert TfidfEncoder({}, 1, 4).score_texts(["jazz"], np.zeros((0, 3))).tolist() == [[0.0, 0.0, 0.0]]
