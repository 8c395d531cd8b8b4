"""Paired picks of two arms: McNemar's test against scipy's binomial test, and the sentence on whether it is noise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from stages.evaluate.market.paired_picks import compare_paired_picks, run_mcnemar_test
from trueline.core.betting.grading import Picks, grade_picks
from trueline.core.stats.block_bootstrap import BlockBootstrap

ROWS, DAYS = 3000, 100
SIDE = st.sampled_from([-1, 0, 1])


def picks(sides: list[int], beyond: list[int]) -> Picks:
    """Return bets on lines of 0 with outcomes below, on or above them."""
    return grade_picks(np.array(sides), np.zeros(len(sides)), np.array(beyond, dtype=float))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(SIDE, SIDE, SIDE), min_size=1, max_size=40))
def test_mcnemar_counts_rows_that_both_decided_and_tosses_a_coin_for_the_discordant(
    rows: list[tuple[int, int, int]],
) -> None:
    one, other, beyond = ([row[part] for row in rows] for part in range(3))
    first = sum(a * y > 0 and b * y < 0 for a, b, y in zip(one, other, beyond, strict=True))
    second = sum(a * y < 0 and b * y > 0 for a, b, y in zip(one, other, beyond, strict=True))
    found = run_mcnemar_test(picks(one, beyond), picks(other, beyond))
    assert (found["only_first_won"], found["only_second_won"]) == (first, second)
    assert found["both_decided"] == sum(a * b * y != 0 for a, b, y in zip(one, other, beyond, strict=True))
    assert found["p"] == pytest.approx(binomtest(first, first + second).pvalue if first + second else 1)


def skilled(seed: int, chance: float, beyond: np.ndarray) -> Picks:
    """Return a bet on every row that wins with the given probability."""
    right = np.random.default_rng(seed).random(len(beyond)) < chance
    return picks(list(np.where(right, beyond, -beyond)), list(beyond))


@pytest.mark.parametrize(("chance", "conclusion"), [(0.6, "more than noise"), (0.5, "the difference is noise")])
def test_a_lead_is_called_noise_unless_it_is_beyond_its_interval(chance: float, conclusion: str) -> None:
    beyond = np.random.default_rng(0).choice([-1, 1], ROWS)
    blocks = BlockBootstrap(pd.Series(np.arange(ROWS) % DAYS), 0)
    found = compare_paired_picks(skilled(1, chance, beyond), skilled(2, 0.5, beyond), ("tuned", "default"), blocks)
    one, other = (found["hit_rate"][name]["value"] for name in ("tuned", "default"))
    assert found["difference_points"]["value"] == pytest.approx(100 * (one - other))
    assert found["sentence"].startswith(f"The tuned picks hit {100 * one:.1f} % (")
    assert found["sentence"].endswith(f": {conclusion}.")
    assert (found["mcnemar"]["p"] < 0.05) == (conclusion == "more than noise")


def test_a_few_days_are_not_compared() -> None:
    one = picks([1, 1, -1], [1, 1, 1])
    found = compare_paired_picks(one, one, ("tuned", "default"), BlockBootstrap(pd.Series([0, 1, 2]), 0))
    assert found["sentence"] == "The tuned picks hit 66.7 % and the default ones 66.7 %: too few days to compare them."
