"""Vocabulary: texts as words, and words as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.refusals import Refusal
from core.terms import WORD

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

TEXT = "text"  # the input that holds the text
LETTERS = 12  # a word with the blank after it, generously: no text is read further than so many letters a word


def texts(x: pd.DataFrame, who: str) -> list[str]:
    """Return the texts of the rows, a missing one as an empty one; refuse inputs without any."""
    if TEXT not in x:
        raise Refusal(f"{who} reads the input {TEXT!r}, and there is none among {', '.join(map(str, x.columns))}.")
    return [text if isinstance(text, str) else "" for text in x[TEXT].tolist()]


def words(text: str, most: int) -> list[str]:
    """Return the first words of a text in lower case: runs of letters, digits and underscores of any script.

    Limit: scripts that put no blanks between words, such as Chinese, come as one word a phrase.
    """
    return WORD.findall(text[: LETTERS * most].lower())[:most]


def learn(spoken: Iterable[Sequence[str]], most: int, min_rows: int) -> list[str]:
    """Return the most frequent words of those in at least so many texts, frequent ones first, then by the alphabet."""
    count: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for text in spoken:
        count.update(text)
        rows.update(set(text))
    known = sorted((word for word in count if rows[word] >= min_rows), key=lambda word: (-count[word], word))
    return known[:most]


def places(vocabulary: Sequence[str], unknown: int) -> dict[str, int]:
    """Return the number of each word: the vocabulary's in turn, from `unknown` + 1 on."""
    return {word: number for number, word in enumerate(vocabulary, unknown + 1)}


def ids(spoken: Iterable[Sequence[str]], places: Mapping[str, int], unknown: int) -> list[list[int]]:
    """Return each text's words as numbers; a word outside the vocabulary is `unknown`, as is a text without words."""
    return [[places.get(word, unknown) for word in text] or [unknown] for text in spoken]


def shares(numbers: Sequence[Sequence[int]], width: int) -> sparse.csr_matrix:
    """Return texts × numbers: the share of each text's words that each number has."""
    from scipy import sparse  # here: the service reads texts without it where the model needs no shares

    ends = np.cumsum([0, *map(len, numbers)])
    flat = np.fromiter((number for text in numbers for number in text), dtype=np.int64, count=int(ends[-1]))
    size = np.repeat(1 / np.diff(ends), np.diff(ends)) if len(numbers) else np.empty(0)
    counted = sparse.csr_matrix((size, flat, ends), shape=(len(numbers), width))
    counted.sum_duplicates()
    return counted
