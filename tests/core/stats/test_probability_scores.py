"""Calibration curve: predicted probability and observed rate, bin by bin; AUC as scikit-learn has it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from trueline.core.stats.confidence_intervals import compute_wilson_interval
from trueline.core.stats.probability_scores import compute_auc, compute_calibration_curve, compute_calibration_error


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 999))
def test_bins_hold_equal_numbers_of_rows_from_the_least_chance_to_the_greatest(rows: int, bins: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    chance = random.random(rows)
    happened = random.random(rows) < chance
    table = compute_calibration_curve(chance, happened, bins)
    assert table["n"].sum() == rows
    assert table["n"].max() - table["n"].min() <= 1
    start = 0
    order = sorted(range(rows), key=lambda row: chance[row])
    for _, one in table.iterrows():
        part = order[start : start + int(one["n"])]
        rate = compute_wilson_interval(sum(happened[row] for row in part), len(part))
        assert one["predicted"] == pytest.approx(np.mean([chance[row] for row in part]))
        assert [one["observed"], one["low"], one["high"]] == [rate["value"], rate["low"], rate["high"]]
        start += len(part)


def test_the_error_is_the_mean_distance_over_rows() -> None:
    table = compute_calibration_curve(np.array([0.2, 0.2, 0.9]), [0, 1, 1], 2)
    assert compute_calibration_error(table) == pytest.approx((2 * 0.3 + 1 * 0.1) / 3)


def test_no_rows_have_no_bins_and_no_error() -> None:
    table = compute_calibration_curve(np.empty(0), [], 5)
    assert table.columns.tolist() == ["predicted", "observed", "low", "high", "n"]
    assert compute_calibration_error(table) is None


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), max_size=40))
def test_the_auc_is_that_of_scikit_learn_ties_included(rows: list[tuple[bool, int]]) -> None:
    is_positive = np.array([True, False, *(positive for positive, _ in rows)])
    score = np.array([4.0, 4.0, *(float(number) for _, number in rows)])
    assert compute_auc(is_positive, score) == pytest.approx(roc_auc_score(is_positive, score), abs=1e-12)
