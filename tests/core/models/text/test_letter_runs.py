"""Letter runs: those of scikit-learn in an alphabet, and pairs where a letter is a syllable or a word."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from tests.core.text.test_words import SPACED_SCRIPTS, UNSPACED_SCRIPTS, marked_letters
from trueline.core.models.text.letter_runs import MIN_RUN_LETTERS, list_letter_runs
from trueline.core.text.words import find_words

MANY = settings(deadline=None, max_examples=200)
ALPHABETS = ("Latin", "Greek", "Cyrillic", "Arabic", "Hebrew", "Georgian", "Adlam")
SYLLABARIES = ("Devanagari", "Tamil", "Hangul", "Ethiopic")


@MANY
@given(st.text(st.characters(max_codepoint=0x4FF, categories=("L", "N", "P")), min_size=1), st.integers(3, 6))
def test_an_alphabet_without_marks_has_the_runs_of_scikit_learn(token: str, longest: int) -> None:
    analyse = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(MIN_RUN_LETTERS, longest), lowercase=False
    ).build_analyzer()
    assert list_letter_runs(token, longest) == analyse(token)


@pytest.mark.parametrize("script", [*UNSPACED_SCRIPTS, *SYLLABARIES])
def test_syllabic_letters_have_runs_from_two_letters_on(script: str) -> None:
    letters = find_words(UNSPACED_SCRIPTS[script]) if script in UNSPACED_SCRIPTS else list(SPACED_SCRIPTS[script][:3])
    first, second, third, *_ = letters
    runs = list_letter_runs(first + second + third, 3)
    assert runs == [
        first + second, second + third, f" {first}{second}", first + second + third, f"{second}{third} "
    ]  # fmt: skip


@pytest.mark.parametrize("script", ALPHABETS)
def test_the_letters_of_an_alphabet_have_runs_from_three_letters_on(script: str) -> None:
    word = SPACED_SCRIPTS[script][:3]
    assert list_letter_runs(word, 3) == [f" {word[:2]}", word, f"{word[1:]} "]


@MANY
@given(st.lists(marked_letters, min_size=1, max_size=9), st.integers(3, 5))
def test_no_run_begins_with_a_mark_or_cuts_one_off(word: list[str], longest: int) -> None:
    padded = f" {''.join(word)} "
    starts_of_marks = {at for at, letter in enumerate(padded) if unicodedata.category(letter).startswith("M")}
    for run in list_letter_runs("".join(word), longest):
        starts = {at for at in range(len(padded)) if padded.startswith(run, at)}
        assert any(not starts_of_marks & {at, at + len(run)} for at in starts)


@pytest.mark.parametrize(
    ("token", "runs"),
    [
        ("เพลง", ["เพล", "ลง", " เพล", "เพลง", "ลง "]),
        ("ខ្មែរ", ["ខ្មែរ", " ខ្មែរ", "ខ្មែរ "]),
        ("कर्म", ["कर्म", " कर्म", "कर्म "]),
        ("jazz公園", ["公園", " ja", "jaz", "azz", "zz公", "z公園", "公園 "]),
        ("園", [" 園 "]),
    ],
)
def test_runs_respect_vowels_and_stacked_consonants(token: str, runs: list[str]) -> None:
    assert list_letter_runs(token, 3) == runs


def test_below_three_letters_there_are_no_runs_in_an_alphabet() -> None:
    assert list_letter_runs("jazz", 2) == []
