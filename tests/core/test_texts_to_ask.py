"""Texts to ask: those that counting by hand puts first, without near-duplicates, whatever their order."""

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.events.near_duplicates import find_near_duplicate_clusters
from trueline.core.texts_to_ask import TextToAsk, build_text_vectors, choose_texts_to_ask

CHEAP = settings(deadline=None, max_examples=60)
THRESHOLDS = [0.3, 0.5]
chance = st.integers(0, 20).map(lambda twentieths: twentieths / 20)
words = st.lists(st.sampled_from(["jazz", "chess", "park", "night", "tea"]), max_size=5)
candidates = st.lists(st.tuples(words.map(" ".join), chance, chance), min_size=1, max_size=8)
tagged_texts = st.lists(words.map(" ".join), max_size=3)


def choose(texts: list[tuple[str, float, float]], tagged: list[str], count: int) -> list[TextToAsk]:
    """Choose among (text, chances) as the pipeline does, with its own near-duplicates."""
    all_texts = [text for text, *_ in texts] + tagged
    clusters = find_near_duplicate_clusters(all_texts, [f"{at:02}" for at in range(len(all_texts))], 0.4, 2)
    chances = np.array([row for _, *row in texts])
    vectors = build_text_vectors(all_texts[: len(texts)])
    return choose_texts_to_ask(
        chances, np.array(THRESHOLDS), vectors, clusters[: len(texts)], clusters[len(texts) :], count
    )


def count_doubt(chances: Sequence[float]) -> float:
    """Return how many tags are in doubt, tag by tag."""
    pairs = zip(chances, THRESHOLDS, strict=True)
    return sum(p / threshold if p < threshold else (1 - p) / (1 - threshold) for p, threshold in pairs)


def weigh_words(texts: list[list[str]]) -> list[dict[str, float]]:
    """Return each text's TF-IDF weights by the formula of scikit-learn, word by word."""
    rows = []
    for text in texts:
        weights = {}
        for word in set(text):
            texts_with_word = sum(word in other for other in texts)
            idf = math.log((1 + len(texts)) / (1 + texts_with_word)) + 1
            weights[word] = (1 + math.log(text.count(word))) * idf
        length = math.hypot(*weights.values()) or 1.0
        rows.append({word: weight / length for word, weight in weights.items()})
    return rows


@CHEAP
@given(candidates)
def test_the_figures_are_those_of_counting_by_hand(texts: list[tuple[str, float, float]]) -> None:
    weights = weigh_words([text.split() for text, *_ in texts])
    for asked in choose(texts, [], len(texts)):
        own = weights[asked.position]
        likeness = [sum(own[word] * other.get(word, 0.0) for word in own) for other in weights]
        assert math.isclose(asked.likeness, sum(likeness) / len(texts), abs_tol=1e-9)
        assert math.isclose(asked.doubt, count_doubt(texts[asked.position][1:]), abs_tol=1e-9)


@CHEAP
@given(candidates, tagged_texts, st.integers(1, 8))
def test_the_best_of_every_new_cluster_is_chosen_the_best_first(
    texts: list[tuple[str, float, float]], tagged: list[str], count: int
) -> None:
    all_texts = [text for text, *_ in texts] + tagged
    clusters = find_near_duplicate_clusters(all_texts, [f"{at:02}" for at in range(len(all_texts))], 0.4, 2)
    vectors = build_text_vectors(all_texts[: len(texts)]).toarray()
    scores = [
        round(count_doubt(row) * float((vectors @ vector).mean()), 9)
        for (_, *row), vector in zip(texts, vectors, strict=True)
    ]
    remaining = [at for at in range(len(texts)) if clusters[at] not in clusters[len(texts) :]]
    expected: list[int] = []
    while remaining and len(expected) < count:
        best = max(remaining, key=lambda at: (scores[at], -at))
        expected.append(best)
        remaining = [at for at in remaining if clusters[at] != clusters[best]]
    assert [asked.position for asked in choose(texts, tagged, count)] == expected


@CHEAP
@given(candidates, st.randoms(use_true_random=False))
def test_the_order_of_the_texts_decides_only_between_equal_ones(
    texts: list[tuple[str, float, float]], random: Random
) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)
    before = choose(texts, [], len(texts))
    after = choose([texts[at] for at in order], [], len(texts))
    scores = [[round(asked.doubt * asked.likeness, 6) for asked in answer] for answer in (before, after)]
    assert scores[0] == scores[1]


def test_a_doubtful_text_like_many_comes_before_an_odd_one_and_a_sure_one() -> None:
    texts = [
        ("tea", 0.3, 0.0),  # as much in doubt as the next, but like nothing else
        ("jazz in the park", 0.3, 0.0),
        ("jazz at night", 0.0, 0.0),  # surely without tags
        ("jazz and chess in the park", 0.05, 0.0),
    ]
    chosen = choose(texts, [], 4)
    assert [asked.position for asked in chosen] == [1, 0, 3, 2]
    assert [asked.doubt for asked in chosen] == [1.0, 1.0, 0.05 / 0.3, 0.0]


def test_thresholds_of_0_and_1_do_not_divide_by_0() -> None:
    vectors = build_text_vectors(["jazz", "chess"])
    chosen = choose_texts_to_ask(np.array([[0.0, 1.0], [1.0, 0.5]]), np.array([0.0, 1.0]), vectors, ["a", "b"], [], 2)
    assert {asked.position: asked.doubt for asked in chosen} == {0: 1.0, 1: 0.5}
