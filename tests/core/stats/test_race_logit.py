"""Race logit: the weights are those that SciPy finds, from any start and with any curvature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from trueline.core.stats.group_ops import Floats
from trueline.core.stats.race_logit import Prior, RaceRows, fit_race_logit

RACES = 40


def draw_races(random: np.random.Generator, terms: int) -> tuple[Floats, Floats, RaceRows]:
    """Return terms, wins and races; the first race is a dead heat, the second has no winner, the third one runner."""
    races = RaceRows(np.array([4, 3, 1, *random.integers(2, 8, RACES - 3)]))
    columns = random.normal(0, 1, (races.size.sum(), terms))
    score = columns @ random.normal(0, 1, terms) + random.gumbel(size=len(columns))
    won = (score == np.repeat(np.maximum.reduceat(score, races.first_row), races.size)).astype(float)
    won[:4], won[4:7] = [0.5, 0.5, 0.0, 0.0], 0.0
    return columns, won, races


def compute_loss_by_hand(weights: Floats, columns: Floats, won: Floats, races: RaceRows, prior: Prior) -> float:
    total = 0.0
    for first, size in zip(races.first_row, races.size, strict=True):
        score = columns[first : first + size] @ weights
        total -= float(won[first : first + size] @ (score - np.log(np.exp(score).sum())))
    return total + float((weights - prior.mean) @ prior.precision @ (weights - prior.mean)) / 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(0.01, 30), st.booleans())
def test_the_weights_are_those_of_scipy(seed: int, terms: int, precision: float, is_wrong: bool) -> None:
    random = np.random.default_rng(seed)
    columns, won, races = draw_races(random, terms)
    root = random.normal(0, 1, (terms, terms))
    prior = Prior(random.normal(0, 1, terms), precision * (root @ root.T + np.eye(terms)))
    by_scipy = minimize(
        compute_loss_by_hand, prior.mean, (columns, won, races, prior), "BFGS", options={"gtol": 1e-7}
    ).x
    far_curvature = 0.01 * np.eye(terms) if is_wrong else None
    start = random.normal(0, 3, terms)
    assert fit_race_logit(columns, won, races, prior, start, far_curvature) == pytest.approx(by_scipy, abs=2e-3)


@pytest.mark.parametrize("lead", [2.0, 20.0])
def test_the_weights_are_those_of_scipy_where_a_term_knows_every_winner(lead: float) -> None:
    columns, won, races = draw_races(np.random.default_rng(0), 2)
    columns[:, 0] = lead * won
    prior = Prior(np.zeros(2), 1e-3 * np.eye(2))
    by_scipy = minimize(
        compute_loss_by_hand, prior.mean, (columns, won, races, prior), "BFGS", options={"gtol": 1e-7}
    ).x
    weights = fit_race_logit(columns, won, races, prior, np.zeros(2), tolerance=1e-12)
    assert weights == pytest.approx(by_scipy, abs=1e-3)
    assert fit_race_logit(columns, won, races, prior, np.zeros(2)) == pytest.approx(weights, abs=0.05)
