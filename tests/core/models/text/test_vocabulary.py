"""Vocabulary: split texts into words, and encode words as numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.models.text import vocabulary

FEW = settings(deadline=None, max_examples=40)
TOKENIZED = [["b", "a", "a"], ["a", "c"], [], ["c", "d"]]


def test_frequent_words_come_first_then_the_alphabet_decides() -> None:
    assert vocabulary.build_vocabulary(TOKENIZED, 9, 1) == ["a", "c", "b", "d"]
    assert vocabulary.build_vocabulary(TOKENIZED, 3, 1) == ["a", "c", "b"]
    assert vocabulary.build_vocabulary(TOKENIZED, 9, 2) == ["a", "c"]
    assert vocabulary.build_vocabulary([], 9, 1) == []


def test_words_outside_the_vocabulary_and_no_words_at_all_are_unknown() -> None:
    assert vocabulary.encode_texts(TOKENIZED, vocabulary.index_words(["a", "c"], unknown=1), unknown=1) == [
        [1, 2, 2],
        [2, 3],
        [1],
        [3, 1],
    ]


@FEW
@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=9), max_size=6))
def test_shares_are_counts_over_lengths(numbers: list[list[int]]) -> None:
    shares = vocabulary.compute_word_shares(numbers, 7)
    expected = [np.bincount(text, minlength=7) / len(text) for text in numbers]
    np.testing.assert_allclose(shares.toarray(), np.reshape(expected, (-1, 7)))


def test_a_missing_text_is_an_empty_one_and_inputs_without_texts_are_rejected() -> None:
    assert vocabulary.get_texts(pd.DataFrame({"text": pd.Series(["a", None, float("nan")], dtype=object)}), "x") == [
        "a",
        "",
        "",
    ]
    with pytest.raises(UserError, match=r"^x needs the input 'text', which is not among a, b\.$"):
        vocabulary.get_texts(pd.DataFrame({"a": [1], "b": [2]}), "x")
