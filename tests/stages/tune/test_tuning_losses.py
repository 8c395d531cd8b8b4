"""Losses that tuning minimises: what calibration will correct later costs nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from stages.tune.tuning_losses import TUNING_LOSSES
from tests.tag_fixtures import tagged
from trueline.core.splits.fold_data import FoldData

FEW = settings(deadline=None, max_examples=20)
TRIED = [(a, b) for a in np.linspace(0, 3, 31) for b in np.linspace(-3, 3, 31)]


def tag_log_loss(score: np.ndarray, rows: FoldData) -> float:
    return TUNING_LOSSES["tag_log_loss"](score, rows).mean


def entropy(p: np.ndarray, y: np.ndarray) -> float:
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


@FEW
@given(seed=st.integers(0, 999), a=st.floats(0.2, 5), b=st.floats(-3, 3))
def test_the_loss_of_tags_is_that_of_the_best_line_whatever_the_unit_of_scores(seed: int, a: float, b: float) -> None:
    random = np.random.default_rng(seed)
    score = random.normal(size=(40, 3))
    rows = tagged(["a"] * 40, random.random((40, 3)) < expit(score), ("p", "q", "r"))
    loss = tag_log_loss(score, rows)
    assert loss <= min(entropy(expit(one * score + two), rows.y) for one, two in TRIED) + 1e-6
    assert loss == pytest.approx(tag_log_loss(a * score + b, rows), abs=1e-5)


def test_a_score_that_knows_more_loses_less_and_one_that_lies_no_more_than_none() -> None:
    random = np.random.default_rng(0)
    score = random.normal(0, 2, (500, 3))
    rows = tagged(["a"] * 500, random.random((500, 3)) < expit(score), ("p", "q", "r"))
    noisy = score + random.normal(0, 2, score.shape)
    nothing = entropy(np.full_like(score, rows.y.mean()), rows.y)
    assert tag_log_loss(score, rows) < tag_log_loss(noisy, rows) - 0.03 < nothing
    assert tag_log_loss(-score, rows) == pytest.approx(nothing, abs=1e-4)
    assert np.isfinite(tag_log_loss(1e3 * (2 * rows.y - 1), rows))


def test_a_loss_is_called_by_the_name_of_its_function() -> None:
    assert set(TUNING_LOSSES) == {"race_log_loss", "tag_log_loss", "absolute_error", "squared_error"}
