"""Letter runs: the short runs of letters of a word, in any script; a letter keeps the marks that combine with it."""

import re
from functools import cache
from typing import TypeVar

from trueline.core.text.words import (
    LEADING_VOWEL_PATTERN,
    MARKED_OR_UNSPACED_PATTERN,
    UNSPACED_RANGES,
    build_marks_pattern,
)

Letters = TypeVar("Letters", str, list[str])

MIN_RUN_LETTERS = 3  # of the shortest run in an alphabet, where pairs add nothing to longer runs
# Scripts whose letters are syllables or words, so that two of them tell as much as a few letters of an alphabet: those
# of India, Tibet and Ethiopia, Cherokee, Canadian syllabics, Hangul, and all without blanks between words.
SYLLABIC_RANGES = (
    UNSPACED_RANGES + "\u0900-\u0dff\u0f00-\u0fff\u1200-\u167f\u1700-\u177f\u1900-\u194f\u1b80-\u1c4f\ua500-\ua63f"
    "\ua800-\ua82f\ua840-\ua8df\uaae0-\uaaff\uabc0-\uabff\uac00-\ud7a3\U00011000-\U0001183f\U00011900-\U00011fff"
)


def list_letter_runs(token: str, longest: int) -> list[str]:
    """Return the runs of 3 to `longest` letters of a word with a blank on each side, and the pairs of syllabic letters.

    A letter is a character with the marks, vowels and stacked consonants that belong to it. A word that is shorter than
    a run is one run itself, once. In an alphabet without marks these are the runs of scikit-learn's `char_wb`.

    >>> list_letter_runs("jazz", 4)
    [' ja', 'jaz', 'azz', 'zz ', ' jaz', 'jazz', 'azz ']
    >>> list_letter_runs("音楽会", 3)
    ['音楽', '楽会', ' 音楽', '音楽会', '楽会 ']
    """
    padded = f" {token} "
    if not MARKED_OR_UNSPACED_PATTERN.search(token):
        return _slice_runs(padded, longest)
    letters: list[str] = _build_letter_pattern().findall(padded)
    is_syllabic = [_build_syllabic_pattern().match(letter) is not None for letter in letters]
    pairs = [
        letters[start] + letters[start + 1]
        for start in range(len(letters) - 1)
        if is_syllabic[start] and is_syllabic[start + 1]
    ]
    return pairs + list(map("".join, _slice_runs(letters, longest)))


def _slice_runs(letters: Letters, longest: int) -> list[Letters]:
    """Return the runs of a word's letters, which are those of a text or the items of a list."""
    count, runs = len(letters), list[Letters]()
    for length in range(MIN_RUN_LETTERS, longest + 1):
        if length >= count:
            runs.append(letters)
            break  # a short word counts once
        runs += [letters[start : start + length] for start in range(count - length + 1)]
    return runs


@cache
def _build_letter_pattern() -> re.Pattern[str]:
    return re.compile(f"{LEADING_VOWEL_PATTERN}.{build_marks_pattern()}", re.DOTALL)


@cache
def _build_syllabic_pattern() -> re.Pattern[str]:
    return re.compile(rf"(?=[^\W\d])[{SYLLABIC_RANGES}]")
