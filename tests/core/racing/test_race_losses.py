"""Races against oracles that go group by group in plain Python."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.racing import race_losses
from trueline.core.stats import group_ops

Floats = npt.NDArray[np.float64]
Field = tuple[Floats, npt.NDArray[np.int64]]
FEW = settings(deadline=None, max_examples=60)


@st.composite
def fields(draw: st.DrawFn, low: float = -30, high: float = 30, missing: bool = False) -> Field:
    """Draw values of runners in a few groups, rows of a group not always together."""
    names = draw(st.lists(st.integers(0, 5), min_size=1, max_size=20))
    value = st.floats(low, high, allow_subnormal=False) | st.sampled_from([0.0, 1.0, high])
    if missing:
        value |= st.just(math.nan)
    values = draw(st.lists(value, min_size=len(names), max_size=len(names)))
    return np.array(values), group_ops.encode_groups(pd.Series(names))


def by_group(field: Field, answer: Callable[[list[float]], list[float]]) -> list[float]:
    """Return the answer of each group's values, each at the row it belongs to."""
    values, code = field
    found = dict.fromkeys(range(len(values)), math.nan)
    for group in set(code.tolist()):
        at = [row for row in range(len(values)) if code[row] == group]
        found.update(zip(at, answer([float(values[row]) for row in at]), strict=True))
    return list(found.values())


def shares(values: list[float]) -> list[float]:
    whole = math.fsum(values)
    return [value / whole if whole > 0 else 1 / len(values) for value in values]


def ranks(values: list[float]) -> list[float]:
    def of(value: float) -> float:
        above = sum(other > value for other in values)
        tied = sum(other == value for other in values)
        return above + (tied + 1) / 2 if value == value else math.nan

    return [of(value) for value in values]


def leads(values: list[float]) -> list[float]:
    present = [value for value in values if value == value]
    return [value - math.fsum(present) / len(present) if value == value else math.nan for value in values]


@FEW
@given(st.lists(st.sampled_from("abcde"), max_size=15))
def test_codes_count_up_from_0_in_order_of_appearance(names: list[str]) -> None:
    order = list(dict.fromkeys(names))
    assert group_ops.encode_groups(pd.Series(names, dtype=object)).tolist() == [order.index(name) for name in names]


@FEW
@given(fields())
def test_a_total_is_the_sum_over_the_group(field: Field) -> None:
    np.testing.assert_allclose(
        group_ops.sum_by_group(*field), by_group(field, lambda v: [math.fsum(v)] * len(v)), atol=1e-9
    )


@FEW
@given(fields(low=0, high=50))
def test_normalised_values_are_shares_of_their_group_and_zeros_share_evenly(field: Field) -> None:
    np.testing.assert_allclose(group_ops.normalize_by_group(*field), by_group(field, shares))
    np.testing.assert_allclose(np.bincount(field[1], weights=group_ops.normalize_by_group(*field)), 1)


@FEW
@given(fields())
def test_softmax_is_the_share_of_the_exponential(field: Field) -> None:
    np.testing.assert_allclose(
        group_ops.compute_group_softmax(*field), by_group(field, lambda v: shares([math.exp(x) for x in v]))
    )


@FEW
@given(fields(), st.sampled_from([-1e6, 0.0, 1e6]))
def test_softmax_of_a_group_does_not_depend_on_its_level(field: Field, level: float) -> None:
    shifted = group_ops.compute_group_softmax(field[0] + level * (field[1] + 1), field[1])
    np.testing.assert_allclose(shifted, group_ops.compute_group_softmax(*field), rtol=1e-6, atol=1e-12)


def test_softmax_of_huge_scores_is_finite_and_of_no_rows_empty() -> None:
    code = np.array([0, 0, 1, 1])
    assert group_ops.compute_group_softmax(np.array([1e300, -1e300, -1e300, -1e300]), code).tolist() == [1, 0, 0.5, 0.5]
    assert group_ops.compute_group_softmax(np.empty(0), np.empty(0, dtype=np.int64)).shape == (0,)


@FEW
@given(fields(), st.integers(0, 99))
def test_a_loss_is_the_logarithm_of_the_winners_chance_and_a_dead_heat_shares_it(field: Field, seed: int) -> None:
    score, code = field
    p, count = group_ops.compute_group_softmax(score, code), int(code.max()) + 1
    random, won, expected = np.random.default_rng(seed), np.zeros(len(score)), []
    for group in range(count):
        runners = np.flatnonzero(code == group)
        winners = random.choice(runners, size=random.integers(1, min(2, len(runners)) + 1), replace=False)
        won[winners] = 1 / len(winners)
        expected.append(-math.fsum(math.log(max(float(p[row]), 1e-12)) for row in winners) / len(winners))
    np.testing.assert_allclose(race_losses.compute_race_losses(p, won, code), expected, atol=1e-12)


def test_an_impossible_winner_costs_much_but_not_infinitely() -> None:
    assert race_losses.compute_race_losses(
        np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0, 0])
    ) == pytest.approx(-math.log(1e-12))


@FEW
@given(fields())
def test_knowing_nothing_costs_the_logarithm_of_the_field(field: Field) -> None:
    code = field[1]
    assert race_losses.compute_uniform_losses(code).tolist() == pytest.approx(
        np.log(pd.Series(code).value_counts().sort_index())
    )
    won = np.zeros(len(code))
    won[np.unique(code, return_index=True)[1]] = 1
    np.testing.assert_allclose(
        race_losses.compute_race_losses(group_ops.compute_group_softmax(0 * field[0], code), won, code),
        race_losses.compute_uniform_losses(code),
    )


@FEW
@given(fields(missing=True))
def test_ranks_count_from_the_largest_ties_share_and_missing_have_none(field: Field) -> None:
    np.testing.assert_allclose(group_ops.rank_within_group(*field), by_group(field, ranks))


@given(fields(missing=True), fields(missing=True))
@FEW
def test_a_lead_is_to_the_last_bit_a_matter_of_its_own_group(one: Field, other: Field) -> None:
    together = np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1] + one[1].max() + 1])
    np.testing.assert_array_equal(
        group_ops.subtract_group_mean(*together),
        np.concatenate([group_ops.subtract_group_mean(*one), group_ops.subtract_group_mean(*other)]),
    )


@FEW
@given(fields(missing=True))
def test_a_lead_is_the_distance_from_the_mean_of_the_present(field: Field) -> None:
    np.testing.assert_allclose(group_ops.subtract_group_mean(*field), by_group(field, leads), atol=1e-9)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.1, 8), st.integers(0, 9999))
def test_no_factor_of_a_fine_grid_beats_the_temperature(planted: float, seed: int) -> None:
    random, code = np.random.default_rng(seed), np.repeat(np.arange(200), 6)
    score = random.normal(size=(200, 6))
    first = (planted * score + random.gumbel(size=score.shape)).argmax(axis=1)
    won = (np.arange(6) == first[:, None]).ravel().astype(float)

    def loss(b: float) -> float:
        return float(
            race_losses.compute_race_losses(group_ops.compute_group_softmax(b * score.ravel(), code), won, code).mean()
        )

    found = group_ops.fit_temperature(score.ravel(), won, code)
    assert loss(found) <= min(loss(b) for b in np.geomspace(0.02, 50, 120)) + 1e-9


@pytest.mark.parametrize(
    ("won", "score", "why"),
    [
        ([], None, "this was given no rows"),
        ([0, 2], None, "from 0 to 2"),
        ([0, np.nan], None, "share of a win"),
        ([0, 1], [0, np.inf], "1 of 2 scores"),
    ],
)
def test_rows_without_valid_targets_are_rejected(won: list[float], score: list[float] | None, why: str) -> None:
    with pytest.raises(UserError, match=why):
        group_ops.require_valid_targets(np.array(won, float), "this", None if score is None else np.array(score, float))


def test_winners_losers_and_dead_heats_are_valid_targets() -> None:
    group_ops.require_valid_targets(np.array([0, 0.5, 1]), "this", np.array([-3.0, 0.0, 3.0]))
