"""Near-duplicates: the pairs and chains that comparing all texts with all finds, in any order."""

import re
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.events import near_duplicates
from stages.prepare.events.near_duplicates import find_near_duplicate_clusters
from trueline.core.errors import UserError

MANY = settings(deadline=None, max_examples=200)
SIMILARITIES = [Fraction(1, 5), Fraction(1, 3), Fraction(2, 5), Fraction(1, 2), Fraction(2, 3), Fraction(1)]
word = st.sampled_from("abcdefgh")
corpora = st.lists(st.lists(word, max_size=9).map(" ".join), min_size=1, max_size=14)
similarities = st.sampled_from(SIMILARITIES)
lengths = st.integers(1, 3)


def compare_all_pairs(texts: list[str], names: list[str], similarity: Fraction, length: int) -> list[str]:
    """Compare all pairs with exact fractions, then let the smallest name spread until nothing changes."""
    shingle_sets = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        runs = [tuple(words[at : at + length]) for at in range(len(words)) if at + length <= len(words)]
        shingle_sets.append(set(runs or ([tuple(words)] if words else [])))
    first = list(names)
    for _ in texts:
        for one, other in combinations(range(len(texts)), 2):
            union = shingle_sets[one] | shingle_sets[other]
            if union and Fraction(len(shingle_sets[one] & shingle_sets[other]), len(union)) >= similarity:
                first[one] = first[other] = min(first[one], first[other])
    return first


@MANY
@given(corpora, similarities, lengths)
def test_clusters_are_those_of_comparing_all_with_all(texts: list[str], similarity: Fraction, length: int) -> None:
    names = [f"e{number:02}" for number in np.random.default_rng(len(texts)).permutation(len(texts))]
    assert find_near_duplicate_clusters(texts, names, float(similarity), length) == compare_all_pairs(
        texts, names, similarity, length
    )


@MANY
@given(corpora, similarities, lengths)
def test_the_order_of_the_texts_leaves_no_trace(texts: list[str], similarity: Fraction, length: int) -> None:
    names = [f"e{number:02}" for number in range(len(texts))]
    order = np.random.default_rng(len("".join(texts))).permutation(len(texts))
    found = find_near_duplicate_clusters(texts, names, float(similarity), length)
    turned = find_near_duplicate_clusters(
        [texts[at] for at in order], [names[at] for at in order], float(similarity), length
    )
    assert turned == [found[at] for at in order]


# letters per word and alphabet of scripts, written without blanks or with them
SCRIPTS = {
    "Han": (2, [chr(code) for code in range(0x4E00, 0x4E00 + 900)], ""),
    "kana": (3, [chr(code) for code in (*range(0x3042, 0x3094), *range(0x30A2, 0x30F4))], ""),
    "Thai": (4, [letter + mark for letter in map(chr, range(0x0E01, 0x0E2F)) for mark in ("", "\u0e31", "\u0e34")], ""),
    "Khmer": (4, [chr(code) for code in range(0x1780, 0x17A3)], ""),
    "Myanmar": (4, [letter + mark for letter in map(chr, range(0x1000, 0x1021)) for mark in ("", "\u102d")], ""),
    "Devanagari": (4, [letter + mark for letter in map(chr, range(0x0915, 0x093A)) for mark in ("", "\u093f")], " "),
    "Hangul": (3, [chr(code) for code in range(0xAC00, 0xAC00 + 600)], " "),
    "Arabic": (5, [chr(code) for code in range(0x0627, 0x063B)], " "),
    "Latin": (5, list("abcdefghijklmnoprstuvwyz"), " "),
}


@pytest.mark.parametrize("script", SCRIPTS)
@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_editions_of_a_series_are_one_cluster_in_every_script(script: str, seed: int, edits: int) -> None:
    word_length, alphabet, blank = SCRIPTS[script]
    random = np.random.default_rng(seed)

    def make_words(count: int) -> list[str]:
        return ["".join(random.choice(alphabet, word_length)) for _ in range(count)]

    texts = []
    for _ in range(10):
        title, body = make_words(4), make_words(40)
        for edition in range(4):
            edition_body = list(body)
            for place in random.integers(40, size=edits):
                edition_body[place] = make_words(1)[0]
            texts.append(f"{blank.join(title)}{blank}{edition + 1} {blank.join(edition_body)}。")
    names = [f"e{number:02}" for number in range(40)]
    expected = [names[number - number % 4] for number in range(40)]
    assert find_near_duplicate_clusters(texts, names, 0.4, 2) == expected


def test_words_and_letters_may_stand_in_one_text() -> None:
    texts = ["jazz音楽会 vol 1", "jazz音楽会 vol 2", "jazz 12"]
    assert find_near_duplicate_clusters(texts, ["a", "b", "c"], 0.5, 2) == ["a", "a", "c"]


def test_words_that_differ_only_in_their_marks_differ() -> None:
    assert find_near_duplicate_clusters(["कि की", "का के"], ["a", "b"], 0.1, 1) == ["a", "b"]


def test_blocks_bound_the_memory_and_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(list("abcdefghijklmnopqrstuvwxyz"), 5)) for _ in range(40)]
    names = [f"e{number:02}" for number in range(40)]
    whole = find_near_duplicate_clusters(texts, names, 0.4, 1)
    monkeypatch.setattr(near_duplicates, "BLOCK_TEXTS", 7)
    expected = compare_all_pairs(texts, names, Fraction(2, 5), 1)
    assert find_near_duplicate_clusters(texts, names, 0.4, 1) == whole == expected
    assert 1 < len(set(whole)) < 40


def test_a_chain_of_near_duplicates_is_one_cluster_though_its_ends_share_nothing() -> None:
    texts = ["a b c d", "c d e f", "e f g h", "x y"]
    assert find_near_duplicate_clusters(texts, ["4", "2", "3", "1"], 1 / 3, 1) == ["2", "2", "2", "1"]


def test_case_and_punctuation_make_no_difference() -> None:
    assert find_near_duplicate_clusters(["Jazz, in the PARK!", "jazz in the park"], ["a", "b"], 1.0, 2) == ["a", "a"]


def test_texts_without_a_word_are_near_duplicates_of_nothing_not_even_of_each_other() -> None:
    assert find_near_duplicate_clusters(["", "!", "jazz"], ["c", "b", "a"], 0.4, 2) == ["c", "b", "a"]
    assert find_near_duplicate_clusters([], [], 0.4, 2) == []


def test_a_text_shorter_than_a_shingle_is_one() -> None:
    assert find_near_duplicate_clusters(["jazz", "Jazz", "jazz night"], ["a", "b", "c"], 0.4, 3) == ["a", "a", "c"]


def test_three_thousand_texts_with_the_same_boilerplate_are_told_apart() -> None:
    random = np.random.default_rng(0)
    boilerplate = " ".join(f"rule{number}" for number in range(25))
    own = [" ".join(f"w{number}" for number in random.integers(4000, size=60)) for _ in range(2900)]
    again = [text.replace("w1", "v1") for text in own[:100]]  # a few words differ
    names = [f"e{number:04}" for number in range(3000)]
    found = find_near_duplicate_clusters([f"{boilerplate} {text}" for text in own + again], names, 0.4, 2)
    assert found[:2900] == names[:2900]
    assert np.mean([found[2900 + number] == names[number] for number in range(100)]) > 0.9


@pytest.mark.parametrize("similarity", [0.0, -1.0, 1.5])
def test_a_similarity_out_of_range_is_rejected(similarity: float) -> None:
    with pytest.raises(UserError, match=r"near-duplicates is .*; it must be above 0 and at most 1"):
        find_near_duplicate_clusters(["a"], ["a"], similarity, 2)
