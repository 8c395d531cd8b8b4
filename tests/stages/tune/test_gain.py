"""The gain of tuning: paired by groups, and no parameters are chosen by what could be chance."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.tune.gain import Gain, compute_paired_gain


def answers(losses: np.ndarray, groups: list[np.ndarray], units: np.ndarray) -> list[dict[str, Any]]:
    """Return one result per fold from losses by group."""
    return [{"total": losses[own].tolist(), "units": units[own].tolist(), "groups": own.tolist()} for own in groups]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_gain_and_error_are_those_of_a_mean_of_differences_where_groups_are_of_one_size(seed: int) -> None:
    random = np.random.default_rng(seed)
    number = int(random.integers(10, 60)) * 2
    before, after = random.gamma(2, 1, number), random.gamma(2, 1, number)
    folds = [np.arange(number // 2), np.arange(number // 2, number)]
    gain = compute_paired_gain(*(answers(losses, folds, np.ones(number)) for losses in (before, after)))
    difference = before - after
    apart = [difference[fold] - difference[fold].mean() for fold in folds]
    assert gain.value == pytest.approx(difference.mean())
    assert gain.standard_error == pytest.approx(np.sqrt(np.square(np.concatenate(apart)).sum() / number / (number - 1)))


def test_a_group_that_three_repeats_score_counts_once() -> None:
    random = np.random.default_rng(1)
    before, after = random.gamma(2, 1, 40), random.gamma(2, 1, 40)
    once = compute_paired_gain(*(answers(losses, [np.arange(40)], np.ones(40)) for losses in (before, after)))
    thrice = compute_paired_gain(*(answers(losses, [np.arange(40)] * 3, np.ones(40)) for losses in (before, after)))
    assert thrice == pytest.approx(once)


def test_the_error_covers_what_whole_groups_have_in_common() -> None:
    """The rows of a group share a shift, so the error must be that of groups, several times that of rows."""
    found, estimated = [], []
    for seed in range(300):
        random = np.random.default_rng(seed)
        size = random.integers(5, 40, 60).astype(float)
        total = size * random.normal(0, 1, 60) + np.sqrt(size) * random.normal(0, 1, 60)
        gain = compute_paired_gain(*(answers(losses, [np.arange(60)], size) for losses in (total, np.zeros(60))))
        found.append(gain.value)
        estimated.append(gain.standard_error)
    assert np.mean(estimated) == pytest.approx(np.std(found), rel=0.15)


def test_noise_around_the_default_seldom_proves_a_gain_and_a_real_one_does() -> None:
    random = np.random.default_rng(0)
    fold = [np.arange(400)]
    proved = {0.0: 0, 0.2: 0}
    for _ in range(200):
        before = random.gamma(2, 1, 400)
        for gain in proved:
            after = before + random.normal(-gain, 1, 400)
            proved[gain] += compute_paired_gain(
                *(answers(losses, fold, np.ones(400)) for losses in (before, after))
            ).is_proved(1.0)
    assert proved[0.0] < 0.25 * 200  # one-sided, one standard error: 16 %
    assert proved[0.2] > 0.98 * 200


def test_equal_answers_gain_nothing_and_one_group_proves_nothing() -> None:
    fold = answers(np.array([1.0, 2.0]), [np.array([0, 1])], np.ones(2))
    assert compute_paired_gain(fold, fold) == Gain(0.0, 0.0)
    assert not compute_paired_gain(fold, fold).is_proved(0.0)
    alone = [answers(np.array([loss]), [np.array([0])], np.ones(1)) for loss in (2.0, 1.0)]
    assert not compute_paired_gain(*alone).is_proved(1.0)


def test_answers_about_other_groups_are_no_pair() -> None:
    one, other = (answers(np.ones(3), [np.array(own)], np.ones(3)) for own in ([0, 1], [1, 2]))
    with pytest.raises(ValueError, match="same groups"):
        compute_paired_gain(one, other)


def test_a_gain_is_lost_where_the_default_leads_beyond_chance() -> None:
    assert Gain(-0.3, 0.2).is_lost(1.0)
    assert not Gain(-0.3, 0.2).is_lost(2.0)
    assert not Gain(0.3, 0.2).is_lost(1.0)
    assert not Gain(0.0, 0.0).is_lost(1.0)
