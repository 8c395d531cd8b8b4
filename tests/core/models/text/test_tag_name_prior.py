"""Tag-name prior: what all tags together teach about a name in the text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tag_fixtures import TAGS, planted, tagged
from trueline.core.errors import UserError
from trueline.core.models.text import tag_name_prior
from trueline.core.splits.fold_data import FoldData

FEW = settings(deadline=None, max_examples=30)


def test_mentions_come_in_the_order_of_tags_and_are_0_where_unknown() -> None:
    x = tagged(["Jazz and film", "yoga"], np.zeros((2, 4))).x
    np.testing.assert_array_equal(
        tag_name_prior.get_name_mentions(x, ("film", "jazz", "tango")), [[1, 1, 0], [0, 0, 0]]
    )
    np.testing.assert_array_equal(
        tag_name_prior.get_name_mentions(x.assign(**{"says:jazz": [np.nan, 1]}), ("jazz",)), [[0], [1]]
    )


def test_the_prior_is_the_log_odds_of_the_smoothed_frequency() -> None:
    y = np.array([[1, 0], [1, 0], [0, 0]])
    expected = [(2.5 / 4) / (1.5 / 4), (0.5 / 4) / (3.5 / 4)]
    np.testing.assert_allclose(np.exp(tag_name_prior.compute_tag_prior(y, np.ones(3))), expected)
    np.testing.assert_allclose(np.exp(tag_name_prior.compute_tag_prior(y, np.array([2.0, 0, 1])))[0], 2.5 / 1.5)


def test_a_name_that_always_tells_the_truth_is_strong_evidence_even_for_a_tag_without_a_row_of_it() -> None:
    name, y = np.zeros((100, 3)), np.zeros((100, 3))
    name[:30, 0] = y[:40, 0] = y[95:, 1] = y[:, 2] = 1
    without, with_name = tag_name_prior.fit_name_evidence(name, y, np.ones(100), shrinkage=2.0)
    assert (with_name[:2] > 2).all()
    assert without[0] < -1
    assert abs(without[1]) < 0.1
    np.testing.assert_array_equal(
        tag_name_prior.lookup_name_evidence(name[[0, 99]], np.array([without, with_name])),
        [[with_name[0], *without[1:]], without],
    )


def test_a_name_adds_nothing_to_a_text_that_says_as_much_without_it() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(-1, 2, (3000, 4))
    y = (random.random(scores.shape) < 1 / (1 + np.exp(-scores))).astype(float)
    name = y * (random.random(y.shape) < 0.5) + (1 - y) * (random.random(y.shape) < 0.5)  # known to say nothing
    added = tag_name_prior.fit_added_evidence(scores, name, y, np.ones(3000), shrinkage=2.0)
    np.testing.assert_allclose(added, 0, atol=0.4)
    told = (scores > 1).astype(float)  # says what the text's scores say already
    alone = tag_name_prior.fit_name_evidence(told, y, np.ones(3000), shrinkage=2.0)
    beside = tag_name_prior.fit_added_evidence(scores, told, y, np.ones(3000), shrinkage=2.0)
    assert (alone[1] - alone[0] > 2).all()
    assert np.abs(beside[1] - beside[0]).max() < 0.8


def test_a_name_adds_what_the_text_does_not_know_even_for_a_tag_without_a_row_of_it() -> None:
    random = np.random.default_rng(1)
    scores, name = random.normal(0, 0.1, (400, 3)), (random.random((400, 3)) < 0.2).astype(float)
    name[:, 2] = 0
    y = np.where(random.random(name.shape) < 0.02, 1 - name, name)
    without, with_name = tag_name_prior.fit_added_evidence(scores, name, y, np.ones(400), shrinkage=2.0)
    assert (with_name - without > 3).all()
    tall_scores, tall_name, tall_y = (np.tile(array, (2, 1)) for array in (scores, name, y))
    twice = tag_name_prior.fit_added_evidence(tall_scores, tall_name, tall_y, np.ones(800), shrinkage=2.0)
    heavy = tag_name_prior.fit_added_evidence(scores, name, y, np.full(400, 2.0), shrinkage=2.0)
    np.testing.assert_allclose(heavy, twice, atol=1e-8)


def test_what_names_add_is_taken_where_the_text_knows_more_and_what_they_say_alone_where_it_repeats_them() -> None:
    random = np.random.default_rng(2)
    scores = random.normal(-1, 2, (600, 4))
    y = (random.random(scores.shape) < 1 / (1 + np.exp(-scores))).astype(float)
    told, part = (scores > 1).astype(float), np.arange(600) % 5
    assert tag_name_prior.is_added_evidence_better(scores, told, y, np.ones(600), part, 2.0)
    assert tag_name_prior.is_added_evidence_better(scores, told, y, np.ones(600), np.zeros(600, int), 2.0)
    name = (random.random((300, 5)) < 0.3).astype(float)
    y, part = np.where(random.random(name.shape) < 0.1, 1 - name, name), np.arange(300) % 5
    repeating = 4 * name - 2 + random.normal(0, 0.5, name.shape)
    assert not tag_name_prior.is_added_evidence_better(repeating, name, y, np.ones(300), part, 2.0)


def test_a_name_that_the_text_could_not_learn_says_what_it_says_alone() -> None:
    alone, added = np.array([[-1.0, -1.0], [4.0, 4.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    blended = tag_name_prior.combine_evidence(alone, added, np.array([0.0, 4.0]), shrinkage=2.0)
    np.testing.assert_allclose(blended, [[-1.0, -1 / 17], [4.0, 1 + 3 / 17]])


def test_if_no_text_contains_a_name_nothing_is_added() -> None:
    rows = planted(1)
    assert (tag_name_prior.fit_added_evidence(rows.y, np.zeros_like(rows.y), rows.y, rows.weight, 2.0) == 0).all()


def test_names_that_lie_count_against_their_tags() -> None:
    random = np.random.default_rng(0)
    y = (random.random((200, 2)) < 0.5).astype(float)
    _, with_name = tag_name_prior.fit_name_evidence(1 - y, y, np.ones(200), shrinkage=2.0)
    assert (with_name < -2).all()


@FEW
@given(seed=st.integers(0, 999), shrinkage=st.floats(0.1, 50))
def test_the_rates_are_those_of_rows_counted_by_hand(seed: int, shrinkage: float) -> None:
    random = np.random.default_rng(seed)
    y, name = ((random.random((25, 3)) < share).astype(float) for share in (0.4, 0.3))
    weight = random.integers(1, 4, 25)
    rows = [(y[n], name[n]) for n in range(25) for _ in range(weight[n])]
    hits = sum((one * two).sum() for one, two in rows)
    rate = (hits + 1) / (sum(two.sum() for _, two in rows) + 2)
    learned = tag_name_prior.fit_name_evidence(name, y, weight.astype(float), shrinkage)
    for tag in range(3):
        base = (sum(one[tag] for one, _ in rows) + 0.5) / (len(rows) + 1)
        for mention, toward in ((0, base), (1, rate)):
            some = [one[tag] for one, two in rows if two[tag] == mention]
            p = np.clip((sum(some) + shrinkage * toward) / (len(some) + shrinkage), 0.003, 0.997)
            expected = np.log(p / (1 - p)) - np.log(base / (1 - base))
            assert learned[mention, tag] == pytest.approx(expected)


def test_if_no_text_contains_a_name_nothing_is_learned() -> None:
    rows = planted(1)
    assert (tag_name_prior.fit_name_evidence(np.zeros_like(rows.y), rows.y, rows.weight, 2.0) == 0).all()


def test_importance_is_shared_by_the_text_and_the_names_that_are_inputs() -> None:
    rows = planted(1).select_inputs(["words", "text", "says:yoga"])
    assert tag_name_prior.compute_tag_importance(rows, 3.0, np.array([5.0, 1.0, 5.0, 5.0])) == {
        "words": 0.0, "text": 0.75, "says:yoga": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize("rows", [tagged([], np.zeros((0, 4))), tagged(["a"], np.zeros((1, 0)), ())])
def test_rows_without_rows_or_tags_are_rejected(rows: FoldData) -> None:
    with pytest.raises(UserError, match=r"^someone needs rows with tags, but got [01] rows with [04] tags"):
        tag_name_prior.require_tagged_rows(rows, "someone")
    tag_name_prior.require_tagged_rows(tagged(["a"], np.zeros((1, 4)), TAGS), "someone")
