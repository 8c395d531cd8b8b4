"""Market gain: what predictions add to the market is what a fit on other groups says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from stages.diagnose.units.array_types import Floats
from stages.diagnose.units.market_gain import PART_COUNT, RIDGE_PENALTY, compute_market_gains
from stages.diagnose.units.scored_units import ScoredPredictions
from trueline.core.stats.group_ops import compute_group_softmax

GROUPS, SIZE = 80, 6


def quantities(random: np.random.Generator, known: float) -> ScoredPredictions:
    """Return quantities whose predictions contain a share of what the market missed."""
    group = np.repeat(np.arange(GROUPS), SIZE)
    market = random.uniform(5, 25, len(group))
    surprise = random.normal(0, 3, len(group))
    p = market + random.normal(0, 1, len(group)) + known * surprise
    return build(p, market + surprise, market, group, "quantity")


def races(random: np.random.Generator, known: float) -> ScoredPredictions:
    """Return races whose market is true, and of which the predictions know the winner in part."""
    group = np.repeat(np.arange(GROUPS), SIZE)
    strength = random.normal(0, 1, len(group))
    drawn = (strength + random.gumbel(size=len(group))).reshape(GROUPS, SIZE)
    won = (drawn == drawn.max(axis=1, keepdims=True)).ravel().astype(float)
    p = compute_group_softmax(0.3 * strength + random.normal(0, 0.5, len(group)) + known * won, group)
    return build(p, won, compute_group_softmax(strength, group), group, "share")


def build(p: Floats, y: Floats, market: Floats, group: np.ndarray, kind: str) -> ScoredPredictions:
    rows = pd.DataFrame({"group": group})
    return ScoredPredictions(rows, kind, p, y, market, group, np.zeros(len(group), np.int64))  # type: ignore[arg-type]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 0.5))
def test_the_gain_of_quantities_is_that_of_regressions_fitted_by_hand_on_the_other_parts(
    seed: int, known: float
) -> None:
    scored = quantities(np.random.default_rng(seed), known)
    part = scored.group * PART_COUNT // GROUPS
    by_hand = np.empty(len(scored.y))
    for held_out in range(PART_COUNT):
        inside, outside = part == held_out, part != held_out
        errors = []
        for columns in ([scored.market], [scored.market, scored.p]):
            design = np.column_stack([np.ones(len(part)), *columns])
            moments = design[outside].T @ design[outside]
            weights = np.linalg.solve(moments, design[outside].T @ scored.y[outside])
            errors.append((scored.y[inside] - design[inside] @ weights) ** 2)
        by_hand[inside] = errors[0] - errors[1]
    assert compute_market_gains(scored) == pytest.approx(by_hand, abs=1e-6)


def compute_logit_loss(weights: Floats, terms: Floats, y: Floats, group: np.ndarray) -> float:
    return float(-y @ np.log(compute_group_softmax(terms @ weights, group)) + RIDGE_PENALTY * weights @ weights / 2)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 1.0, 9.0]))
def test_the_gain_of_shares_is_that_of_logits_fitted_by_scipy_on_the_other_parts(seed: int, known: float) -> None:
    scored = races(np.random.default_rng(seed), known)
    part, by_hand = np.arange(GROUPS) * PART_COUNT // GROUPS, np.empty(GROUPS)
    logs = np.log(np.column_stack([scored.market, scored.p]))
    for held_out in range(PART_COUNT):
        rows = part[scored.group] != held_out
        other_group, losses = np.unique(scored.group[rows], return_inverse=True)[1], []
        for terms in (logs[:, :1], logs):
            data = terms[rows], scored.y[rows], other_group
            weights = minimize(compute_logit_loss, np.zeros(terms.shape[1]), data, "BFGS").x
            p = compute_group_softmax(terms @ weights, scored.group)
            losses.append(-np.log(p[scored.y > 0]))  # by group: each has one winner
        by_hand[part == held_out] = (losses[0] - losses[1])[part == held_out]
    assert compute_market_gains(scored) == pytest.approx(by_hand, abs=1e-3)


@pytest.mark.parametrize("kind", [quantities, races])
def test_the_order_of_the_rows_does_not_matter(kind: object) -> None:
    random = np.random.default_rng(3)
    scored = kind(random, 0.3)  # type: ignore[operator]
    order = random.permutation(len(scored.y))
    apart = build(scored.p[order], scored.y[order], scored.market[order], scored.group[order], scored.kind)
    gains = compute_market_gains(scored)
    expected = gains if scored.kind == "share" else gains[order]
    assert compute_market_gains(apart) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", [quantities, races])
def test_predictions_that_add_nothing_gain_nothing_and_those_that_know_the_outcome_gain_much(kind: object) -> None:
    gains = [[compute_market_gains(kind(np.random.default_rng(s), known)).mean() for s in range(8)] for known in (0, 1)]  # type: ignore[operator]
    assert -0.1 < np.mean(gains[0]) < 0.02
    assert min(gains[1]) > 0.2


def test_a_copy_of_the_market_adds_nothing_to_it() -> None:
    for scored in (quantities(np.random.default_rng(0), 0.0), races(np.random.default_rng(0), 0.0)):
        copied = build(scored.market, scored.y, scored.market, scored.group, scored.kind)
        assert compute_market_gains(copied) == pytest.approx(0, abs=1e-3)


def test_a_gain_does_not_depend_on_how_bold_the_predictions_are() -> None:
    races_scored, scored = races(np.random.default_rng(1), 0.4), quantities(np.random.default_rng(1), 0.2)
    bolder = compute_group_softmax(2 * np.log(races_scored.p), races_scored.group)
    timid = 0.1 * scored.p + 3
    for original, p in ((races_scored, bolder), (scored, timid)):
        changed = build(p, original.y, original.market, original.group, original.kind)
        assert compute_market_gains(changed) == pytest.approx(compute_market_gains(original), abs=1e-3)
