"""Vocabulary: the words that a model knows, and words as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from trueline.core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

TEXT_INPUT = "text"  # the input that holds the text


def get_texts(x: pd.DataFrame, plugin_name: str) -> list[str]:
    """Return the texts of the rows, a missing one as an empty one; raises UserError if no input holds texts."""
    if TEXT_INPUT not in x:
        raise UserError(
            f"{plugin_name} needs the input {TEXT_INPUT!r}, which is not among {', '.join(map(str, x.columns))}."
        )
    return [text if isinstance(text, str) else "" for text in x[TEXT_INPUT].tolist()]


def build_vocabulary(tokenized_texts: Iterable[Sequence[str]], max_words: int, min_rows: int) -> list[str]:
    """Return the most frequent words among those in at least `min_rows` texts; ties are in alphabetical order."""
    word_counts: Counter[str] = Counter()
    text_counts: Counter[str] = Counter()
    for text in tokenized_texts:
        word_counts.update(text)
        text_counts.update(set(text))
    frequent_words = sorted(
        (token for token in word_counts if text_counts[token] >= min_rows),
        key=lambda token: (-word_counts[token], token),
    )
    return frequent_words[:max_words]


def index_words(vocabulary: Sequence[str], unknown: int) -> dict[str, int]:
    """Return the number of each word of the vocabulary, in order from `unknown` + 1 on."""
    return {token: number for number, token in enumerate(vocabulary, unknown + 1)}


def encode_texts(
    tokenized_texts: Iterable[Sequence[str]], number_by_word: Mapping[str, int], unknown: int
) -> list[list[int]]:
    """Return each text's words as numbers; a word outside the vocabulary is `unknown`, as is a text without words."""
    return [[number_by_word.get(token, unknown) for token in text] or [unknown] for text in tokenized_texts]


def compute_word_shares(token_ids: Sequence[Sequence[int]], width: int) -> sparse.csr_matrix:
    """Return texts × numbers: the share of each text's words that have each number."""
    from scipy import sparse  # imported here: the service reads texts without it if the model needs no shares

    ends = np.cumsum([0, *map(len, token_ids)])
    flat = np.fromiter((token_id for text in token_ids for token_id in text), dtype=np.int64, count=int(ends[-1]))
    word_share = np.repeat(1 / np.diff(ends), np.diff(ends)) if len(token_ids) else np.empty(0)
    share_matrix = sparse.csr_matrix((word_share, flat, ends), shape=(len(token_ids), width))
    share_matrix.sum_duplicates()
    return share_matrix
