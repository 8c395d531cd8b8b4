"""Texts to ask: the untagged texts whose tags would teach a model most, for a person to tag."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trueline.core.text.words import find_words

if TYPE_CHECKING:
    from scipy import sparse

Floats = npt.NDArray[np.float64]

SCORE_DIGITS = 9  # scores that differ later are equal: the order of a sum must not decide
SMALLEST_DIVISOR = 1e-12  # a threshold of 0 or 1 leaves no room on one side


@dataclass(frozen=True)
class TextToAsk:
    """A text to tag: its position, how many of its tags are in doubt, and its mean likeness to the texts, 0 to 1."""

    position: int
    doubt: float
    likeness: float


def choose_texts_to_ask(
    chances: Floats,
    thresholds: Floats,
    vectors: sparse.csr_matrix,
    clusters: Sequence[str],
    tagged_clusters: Collection[str],
    count: int,
) -> list[TextToAsk]:
    """Return up to `count` texts, those that teach most first; fewer if near-duplicates leave no more.

    What a text teaches is its doubt times its likeness: uncertainty weighted by density (Settles and Craven 2008),
    since an odd text may be in doubt and yet say nothing about others. `chances` are texts × tags, `thresholds` those
    from which a tag is given, `vectors` texts × terms with rows of length 1. Texts of one cluster are near-duplicates:
    no two of them are chosen, and none of `tagged_clusters`. Equal texts are chosen in their order.
    Limit: texts are not chosen for what they teach together, except that near-duplicates are left out.
    """
    doubt, likeness = compute_doubt(chances, thresholds), compute_likeness(vectors)
    chosen: list[TextToAsk] = []
    known_clusters = set(tagged_clusters)
    for position in np.argsort(-(doubt * likeness).round(SCORE_DIGITS), kind="stable").tolist():
        if len(chosen) < count and clusters[position] not in known_clusters:
            known_clusters.add(clusters[position])
            chosen.append(TextToAsk(position, float(doubt[position]), float(likeness[position])))
    return chosen


def compute_doubt(chances: Floats, thresholds: Floats) -> Floats:
    """Return how many tags of each text are in doubt; `chances` are texts × tags.

    >>> compute_doubt(np.array([[0.4, 0.2], [0.7, 1.0]]), np.array([0.4, 0.4])).round(2).tolist()
    [1.5, 0.5]
    """
    return np.asarray(compute_tag_doubt(chances, thresholds).sum(axis=1))


def compute_tag_doubt(chances: Floats, thresholds: Floats) -> Floats:
    """Return 1 where a tag's chance is its threshold, 0 where it is 0 or 1, and in proportion in between."""
    below = chances / np.maximum(thresholds, SMALLEST_DIVISOR)
    above = (1 - chances) / np.maximum(1 - thresholds, SMALLEST_DIVISOR)
    return np.asarray(np.where(chances < thresholds, below, above))


def compute_likeness(vectors: sparse.csr_matrix) -> Floats:
    """Return the mean cosine similarity of each text to all texts, itself included; rows have length 1, or 0."""
    return np.asarray(vectors @ np.asarray(vectors.mean(axis=0)).ravel())


def build_text_vectors(texts: Sequence[str]) -> sparse.csr_matrix:
    """Return texts × words by TF-IDF with sublinear counts, each row of length 1; all 0 for a text without words."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer  # here, because it takes a second

    vectoriser = TfidfVectorizer(tokenizer=find_words, token_pattern=None, sublinear_tf=True)
    try:
        vectors: sparse.csr_matrix = vectoriser.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that no text has a word
        return sparse.csr_matrix((len(texts), 1))
    return vectors
