"""Calibration curve: predicted probability and observed rate, bin by bin; AUC and slope as scikit-learn has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from trueline.core.stats.confidence_intervals import compute_wilson_interval
from trueline.core.stats.probability_scores import (
    compute_auc,
    compute_calibration_curve,
    compute_calibration_error,
    estimate_calibration_slope,
)


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


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999), st.floats(0.5, 2), st.floats(-0.5, 0.5))
def test_the_slope_is_that_of_a_logistic_regression_on_the_log_odds(seed: int, slope: float, shift: float) -> None:
    random = np.random.default_rng(seed)
    log_odds, group = random.normal(-1, 1, 900), np.repeat(np.arange(90), 10)
    y = (random.random(900) < 1 / (1 + np.exp(-shift - slope * log_odds))).astype(float)
    found = estimate_calibration_slope(1 / (1 + np.exp(-log_odds)), y, group, seed)
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds[:, None], y)
    assert found is not None
    assert found["slope"]["value"] == pytest.approx(fitted.coef_[0, 0], abs=1e-5)
    assert found["intercept"]["value"] == pytest.approx(fitted.intercept_[0], abs=1e-5)
    low, high = found["slope"]["low"], found["slope"]["high"]
    assert low is not None
    assert high is not None
    assert 0.15 < high - low < 0.9
    assert found["slope"]["n"] == 90


def test_there_is_no_slope_of_equal_or_of_errorless_chances() -> None:
    group, y = np.arange(40), np.tile([0.0, 1.0], 20)
    assert estimate_calibration_slope(np.full(40, 0.3), y, group, 0) is None
    assert estimate_calibration_slope(np.where(y > 0, 0.9, 0.1), y, group, 0) is None
