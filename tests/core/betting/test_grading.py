"""Grading against a known season, calculations by hand, and plain loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.betting.american_odds import (
    compute_average_odds,
    compute_implied_probability,
    convert_to_american_odds,
    remove_margin,
)
from trueline.core.betting.grading import (
    Picks,
    PostedOdds,
    grade_picks,
    pick_by_edge,
    pick_by_probability,
    summarise_at_posted_odds,
    summarise_picks,
)
from trueline.core.stats.block_bootstrap import BlockBootstrap

FEW = settings(deadline=None, max_examples=60)
GAPS = st.lists(st.integers(-12, 12), min_size=1, max_size=40)  # halves of a point
NOTHING = float("nan")


def days(rows: int) -> BlockBootstrap:
    """Return rows spread over two days."""
    return BlockBootstrap(pd.Series(np.arange(rows) % 2), 0, draws=10)


def test_the_known_season_of_1064_wins_1054_losses_and_2_pushes() -> None:
    actual = np.repeat([21.0, 19.0, 20.0], [1064, 1054, 2])
    found = summarise_picks(grade_picks(np.ones(2120), np.full(2120, 20.0), actual), days(2120))
    assert (found["bets"], found["wins"], found["pushes"]) == (2120, 1064, 2)
    assert round(100 * found["hit_rate"]["value"], 2) == 50.24
    assert round(100 * found["roi"]["value"], 2) == -4.09


@FEW
@given(GAPS, GAPS, st.sampled_from([0.5, 1.0, 3.0]))
def test_bets_are_graded_as_in_a_plain_loop(gaps: list[int], results: list[int], edge: float) -> None:
    size = min(len(gaps), len(results))
    line = np.arange(size) / 2 + 10
    predicted, actual = line + np.array(gaps[:size]) / 2, line + np.array(results[:size]) / 2
    picks = grade_picks(pick_by_edge(predicted, line, edge), line, actual)
    wins = losses = pushes = 0
    for gap, result in zip(gaps, results, strict=False):
        side = 1 if gap / 2 >= edge else -1 if gap / 2 <= -edge else 0
        wins += side * result > 0
        losses += side * result < 0
        pushes += side != 0 and result == 0
    found = summarise_picks(picks, days(size))
    assert (found["wins"], found["pushes"], found["bets"]) == (wins, pushes, wins + losses + pushes)
    assert found["hit_rate"]["value"] == (pytest.approx(wins / (wins + losses)) if wins + losses else None)
    staked = wins + losses + pushes
    assert found["roi"]["value"] == (pytest.approx((wins / 1.1 - losses) / staked) if staked else None)


def test_no_line_no_forecast_and_no_outcome_are_no_bets_and_no_losses() -> None:
    line, predicted = np.array([NOTHING, 10, 10, 10]), np.array([15, NOTHING, 15, 15.0])
    picks = grade_picks(pick_by_edge(predicted, line, 1), line, np.array([20, 20, NOTHING, 20]))
    assert picks.direction.tolist() == [0, 0, 0, 1]
    assert picks.result.tolist() == [0, 0, 0, 1]


def test_the_edge_itself_is_a_bet_and_less_is_none() -> None:
    line = np.full(5, 10.0)
    assert pick_by_edge(np.array([11, 10.99, 10, 9.01, 9]), line, 1).tolist() == [1, 0, 0, 0, -1]


def test_the_chance_of_a_side_leaves_the_push_out() -> None:
    over, under = np.array([0.5, 0.45, 0.2, 0.0, NOTHING]), np.array([0.3, 0.45, 0.6, 0.0, NOTHING])
    assert pick_by_probability(over, under, 0.6).tolist() == [1, 0, -1, 0, 0]
    assert pick_by_probability(over, under, 0.63).tolist() == [0, 0, -1, 0, 0]


def test_only_keeps_some_bets_and_forgets_the_others() -> None:
    picks = Picks(np.array([1, -1, 0]), np.array([1, -1, 0])).select_rows(np.array([True, False, True]))
    assert picks.direction.tolist() == [1, 0, 0]
    assert picks.result.tolist() == [1, 0, 0]


def test_posted_odds_pay_what_they_say_where_both_are_known() -> None:
    over, under = np.array([150.0, -200, -110, NOTHING]), np.array([-180.0, 170, -110, -120])
    picks = grade_picks(np.array([1, -1, 1, -1]), np.full(4, 10.0), np.array([12, 8, 10, 8.0]))
    found = summarise_at_posted_odds(picks, PostedOdds.from_odds(over, under, "proportional"), days(4))
    assert found["bets"] == 3
    assert found["coverage"] == 0.75
    assert found["roi"]["value"] == pytest.approx((1.5 + 1.7 + 0) / 3)
    assert found["break_even"] == pytest.approx((100 / 250 + 100 / 270 + 110 / 210) / 3)
    sides = remove_margin(150, -180, "proportional")[0] + remove_margin(-200, 170, "proportional")[1] + 0.5
    assert found["fair_chance"] == pytest.approx(sides / 3)


def test_no_bets_have_no_figures() -> None:
    picks = grade_picks(np.zeros(2), np.full(2, 10.0), np.full(2, 12.0))
    found = summarise_picks(picks, days(2)) | summarise_at_posted_odds(
        picks, PostedOdds.from_odds(np.full(2, -110.0), np.full(2, -110.0), "power"), days(2)
    )
    assert (found["bets"], found["coverage"], found["break_even"], found["fair_chance"]) == (0, None, None, None)
    assert found["hit_rate"]["value"] is found["roi"]["value"] is None


def test_always_over_on_averaged_books_is_paid_by_their_mean_chance() -> None:
    books = np.array([[-110.0, -105.0, 120.0], [110.0, -115.0, -130.0]])
    consensus, line = compute_average_odds(*books), np.full(3, 10.0)
    picks = grade_picks(np.ones(3), line, np.array([11.0, 12.0, 13.0]))
    found = summarise_at_posted_odds(picks, PostedOdds.from_odds(consensus, np.full(3, -110.0), "power"), days(3))
    asked = [(compute_implied_probability(one) + compute_implied_probability(other)) / 2 for one, other in books.T]
    assert found["coverage"] == 1
    assert found["roi"]["value"] == pytest.approx(np.mean([1 / chance - 1 for chance in asked]))
    assert found["break_even"] == pytest.approx(np.mean(asked))
    # the plain means of the odds, 0, −110 and −5, would leave one bet of three with a price
    wrong = summarise_at_posted_odds(
        picks, PostedOdds.from_odds(books.mean(axis=0), np.full(3, -110.0), "power"), days(3)
    )
    assert wrong["coverage"] == pytest.approx(1 / 3)
    assert convert_to_american_odds(asked) == pytest.approx(consensus)
