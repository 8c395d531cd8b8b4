"""Market gain: what predictions add to the market is what a fit on other groups says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.diagnose.units.array_types import Floats
from stages.diagnose.units.market_gain import PART_COUNT, compute_market_gains
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
