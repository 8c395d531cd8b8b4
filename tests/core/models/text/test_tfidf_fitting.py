"""TF-IDF fitting: the terms and columns of scikit-learn, which the encoder gives again to the last bit."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from tests.core.models.text.test_tfidf import known, learned, texts, theirs
from trueline.core.models.text import tfidf_fitting
from trueline.core.models.text.tfidf import TfidfEncoder
from trueline.core.models.text.tfidf_fitting import TermLimits, fit_tfidf

MANY = settings(deadline=None, max_examples=150)
ALL_TERMS = TermLimits(word_ngrams=2, char_ngrams=4, max_features=100_000, min_rows=1)


@MANY
@given(texts)
@example(["", "?!"])
@example(["a a a b", "İ ab", "漢วั"])
def test_terms_and_columns_are_those_of_scikit_learn(training_texts: list[str]) -> None:
    terms, blocks = fit_tfidf(training_texts, ALL_TERMS)
    vectorizers = learned(training_texts, 2, 4)
    assert {kind: found["terms"] for kind, found in terms.items()} == {
        kind: found["terms"] for kind, found in known(vectorizers).items()
    }
    for (kind, vectorizer), block in zip(vectorizers.items(), blocks, strict=True):
        np.testing.assert_array_equal(terms[kind]["idf"], vectorizer.idf_)
        np.testing.assert_allclose(block.toarray(), vectorizer.transform(training_texts).toarray(), rtol=0, atol=1e-12)


@MANY
@given(texts, texts)
def test_the_encoder_gives_the_fitted_columns_to_the_last_bit(training_texts: list[str], others: list[str]) -> None:
    fit_tfidf(others, ALL_TERMS)  # texts counted before change nothing
    terms, blocks = fit_tfidf(training_texts, ALL_TERMS)
    columns = sparse.hstack([sparse.csr_array((len(training_texts), 0)), *blocks], format="csr")
    encoder = TfidfEncoder(terms, ALL_TERMS.word_ngrams, ALL_TERMS.char_ngrams)
    for row, text in enumerate(training_texts):
        column, weight = encoder.encode_text(text)
        begin, end = columns.indptr[row : row + 2]
        np.testing.assert_array_equal(column, columns.indices[begin:end])
        np.testing.assert_array_equal(weight, columns.data[begin:end])


@MANY
@given(texts, st.integers(1, 5), st.integers(1, 3))
def test_the_most_frequent_terms_in_enough_texts_are_kept(
    training_texts: list[str], max_features: int, min_rows: int
) -> None:
    limits = TermLimits(1, 0, max_features, min_rows)
    terms, _ = fit_tfidf(training_texts, limits)
    try:
        vectorizer = theirs("word", 1, min_df=min(min_rows, len(training_texts))).fit(training_texts)
    except ValueError:
        assert terms == {}
        return
    counts = {term: sum(vectorizer.build_analyzer()(text).count(term) for text in training_texts)
              for term in vectorizer.get_feature_names_out()}  # fmt: skip
    expected = sorted(sorted(counts, key=lambda term: (-counts[term], term))[:max_features])
    assert terms["word"]["terms"] == expected


def test_counts_that_take_too_much_memory_are_forgotten_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fit_tfidf(["jazz in the park", "park and jazz"], ALL_TERMS)
    monkeypatch.setattr(tfidf_fitting, "MAX_CACHED_LETTERS", 0)
    for _ in range(2):
        again = fit_tfidf(["jazz in the park", "park and jazz"], ALL_TERMS)
        assert again[0] == first[0]
        np.testing.assert_array_equal(again[1][1].toarray(), first[1][1].toarray())
    assert len(tfidf_fitting._open_counter("word", 2).terms) == 10  # four words and six pairs, not those of other tests
