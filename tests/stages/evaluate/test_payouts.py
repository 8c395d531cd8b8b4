"""Payouts: break-even by hand, and a hit rate at break-even neither gains nor loses, whatever pays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.evaluate.market.payouts import build_payout, compute_leg_break_even, find_flat_odds
from trueline.core.betting.american_odds import STANDARD_ODDS, compute_win_profit
from trueline.core.betting.grading import grade_picks


@pytest.mark.parametrize(
    ("legs", "multiple", "rate"), [(2, 3.0, 0.577350269), (3, 6.0, 0.550321208), (2, 4.0, 0.5), (4, 10.0, 0.562341325)]
)
def test_a_leg_breaks_even_at_the_root_of_the_multiple(legs: int, multiple: float, rate: float) -> None:
    assert compute_leg_break_even(legs, multiple) == pytest.approx(rate)


@given(st.dictionaries(st.integers(2, 6), st.floats(1.5, 60), min_size=1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_at_its_break_even_an_entry_returns_its_stake_and_the_best_entry_counts(
    multiples: dict[int, float], seed: int
) -> None:
    rates = {legs: compute_leg_break_even(legs, multiple) for legs, multiple in multiples.items()}
    for legs, multiple in multiples.items():
        assert multiple * rates[legs] ** legs == pytest.approx(1)
    odds = find_flat_odds("pickem", multiples)
    assert odds is not None
    best = min(rates.values())
    assert best * (1 + float(compute_win_profit(odds))) == pytest.approx(1)
    assert build_payout(odds, np.zeros(1), np.zeros(1)).compute_break_even()[0][0] == pytest.approx(best)
    # brute force: entries of independent legs at the best rate neither gain nor lose
    best_legs = min(rates, key=lambda legs: rates[legs])
    wins = np.random.default_rng(seed).random((4000, best_legs)) < best
    gains = np.asarray(multiples[best_legs] * wins.all(axis=1) - 1)
    assert abs(gains.mean()) < 5 * gains.std() / np.sqrt(gains.size) + 0.05


def test_standard_pays_110_and_posted_prices_pay_by_side() -> None:
    over, under = np.array([100.0, -120.0, np.nan]), np.array([-130.0, 110.0, -110.0])
    assert find_flat_odds("standard", {}) == STANDARD_ODDS
    assert find_flat_odds("posted", {}) is None
    picks = grade_picks([1, -1, 1], np.full(3, 9.5), np.array([10.0, 9.0, 12.0]))
    posted = build_payout(None, over, under)
    assert picks.compute_gains(posted.find_odds(picks.direction)).tolist()[:2] == [1.0, 1.1]
    assert np.isnan(picks.compute_gains(posted.find_odds(picks.direction))[2])
    flat = build_payout(STANDARD_ODDS, over, under)
    assert picks.compute_gains(flat.find_odds(picks.direction)) == pytest.approx(100 / 110)
