"""Drift is near zero if predictions are distributed as before, and large if they moved."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.service.monitoring.prediction_drift import BINS, MIN_PREDICTIONS, PredictionDrift


def against(reference: list[float]) -> PredictionDrift:
    """Return the drift against a reference that is large enough."""
    found = PredictionDrift.from_reference(reference)
    assert found is not None
    return found


def test_the_same_predictions_do_not_drift_and_others_do() -> None:
    random = np.random.default_rng(0)
    reference = random.beta(1, 9, 20_000).tolist()
    same, moved = against(reference), against(reference)
    same.add_predictions(random.beta(1, 9, 5000).tolist())
    moved.add_predictions(random.beta(3, 9, 5000).tolist())
    assert (same.compute_index() or 1) < 0.02 < 0.25 < (moved.compute_index() or 0)


def test_the_index_is_that_of_the_textbook() -> None:
    drift = against([step / 1000 for step in range(1000)])
    drift.add_predictions([0.05] * 600 + [0.95] * 400)
    shares = [0.6, *[1e-4] * 8, 0.4]
    expected = sum((share - 0.1) * math.log(share / 0.1) for share in shares)
    assert drift.compute_index() == pytest.approx(expected, rel=1e-3)


def test_too_few_predictions_give_no_index() -> None:
    assert PredictionDrift.from_reference([0.5] * (MIN_PREDICTIONS - 1)) is None
    drift = against([0.1, 0.9] * MIN_PREDICTIONS)
    assert drift.compute_index() is None
    drift.add_predictions([0.5] * (MIN_PREDICTIONS - 1))
    assert drift.compute_index() is None


def test_old_predictions_are_forgotten() -> None:
    drift = against([step / 1000 for step in range(1000)])
    for value in [0.05] * 100 + [0.45] * 2000:
        drift.add_predictions([value] * 100)
    assert drift._counts[0] < drift._counts[4] / 100


@given(
    st.lists(st.integers(0, 2 * MIN_PREDICTIONS), min_size=4, max_size=4).filter(
        lambda counts: sum(counts) >= MIN_PREDICTIONS
    )
)
def test_a_reference_with_many_equal_numbers_does_not_drift_from_itself(counts: list[int]) -> None:
    reference = np.repeat([0.0, 0.1, 0.5, 1.0], counts).tolist()
    drift = against(reference)
    drift.add_predictions(reference)
    assert drift.compute_index() == pytest.approx(0, abs=1e-9)
    assert len(drift._counts) <= BINS


def test_what_is_not_finite_is_no_reference() -> None:
    assert against([math.nan, math.inf] + [0.5] * MIN_PREDICTIONS)._edges == [0.5]
