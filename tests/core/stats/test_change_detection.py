"""Change detection: no alarm if nothing changes, and a prompt one if something does."""

import numpy as np
import pytest

from trueline.core.errors import UserError
from trueline.core.stats.change_detection import (
    _compute_shift_statistic,
    compute_cusum,
    compute_log_likelihood_ratios,
    detect_shifts,
    draw_block_indices,
    fit_cusum_alarm,
)

RATES = (0.55, 0.57)
SEASON, DROP = 170, 0.07


def _plain(known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Return the statistic of one column by a loop over every window."""
    best = np.zeros(len(ahead))
    for end in range(1, len(ahead) + 1):
        for width in (1, 2, 4, 8, 16, 32):
            if width <= end:
                shift = abs(ahead[end - width : end].mean() - known.mean())
                size = shift / (known.std(ddof=1) * np.sqrt(1 / width + 1 / len(known)))
                best[end - 1] = max(best[end - 1], size)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_statistic_is_that_of_a_loop_over_windows(seed: int) -> None:
    random = np.random.default_rng(seed)
    known, ahead = random.normal(3, 2, (50, 2)), random.normal(4, 2, (40, 2))
    found, _ = _compute_shift_statistic(known[None], ahead[None])
    for column in range(2):
        np.testing.assert_allclose(found[0, :, column], _plain(known[:, column], ahead[:, column]))


def test_series_without_change_alarm_as_rarely_as_asked_though_neighbours_are_correlated() -> None:
    alarms = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        noise = random.normal(size=(260, 3))
        values = noise[10:] + sum(0.7**lag * noise[10 - lag : -lag] for lag in range(1, 10))
        alarms += any(step is not None for step in detect_shifts(values, 150, 0.05, 15, 100, seed).first_alarms)
    assert alarms <= 9  # 5 % are asked for, but each limit is resampled from one reference; ten of 60 would be 17 %


def test_a_shift_is_seen_soon_after_it_began_and_named_by_its_column() -> None:
    others = 0
    for seed in range(10):
        values = np.random.default_rng(seed).normal(size=(300, 4))
        values[200:, 2] += 1.5
        found = detect_shifts(values, 120, 0.05, 5, 100, seed)
        others += sum(
            step is not None for step in (found.first_alarms[0], found.first_alarms[1], found.first_alarms[3])
        )
        first, onset = found.first_alarms[2], found.onsets[2]
        assert first is not None
        assert onset is not None
        assert 80 <= first <= 105
        assert abs(onset - 80) <= 20
    assert others <= 2


def test_a_column_that_never_varied_alarms_at_its_first_other_value() -> None:
    values = np.random.default_rng(0).normal(size=(100, 2))
    values[:, 1] = 0.4249
    values[77:, 1] += 1e-4
    found = detect_shifts(values, 50, 0.05, 5, 100, 0)
    assert found.first_alarms[1] == 27
    assert found.onsets[1] == 27


def test_missing_steps_are_no_change_and_too_short_a_reference_is_rejected() -> None:
    values = np.random.default_rng(1).normal(size=(100, 1))
    values[60:] = np.nan
    assert detect_shifts(values, 50, 0.05, 5, 100, 0).first_alarms == [None]
    with pytest.raises(UserError, match="add days"):
        detect_shifts(values, 9, 0.05, 5, 100, 0)
    with pytest.raises(UserError, match="add days"):
        fit_cusum_alarm(np.ones(9), np.ones(9), DROP, SEASON, 1.0, 5, 20, 0)


def test_blocks_are_runs_of_neighbours_that_wrap_around() -> None:
    rows = draw_block_indices(10, 100, 4, np.random.default_rng(0))
    assert len(rows) == 100
    steps = np.diff(rows.reshape(-1, 4), axis=1) % 10
    assert (steps == 1).all()


def test_evidence_is_page_s_recursion_and_begins_afresh_after_an_alarm() -> None:
    random = np.random.default_rng(2)
    wins = random.binomial(5, 0.5, 80).astype(float)
    gain = compute_log_likelihood_ratios(wins, np.full(80, 5.0), np.array(0.55), DROP)
    evidence, alarms = compute_cusum(gain[None], 1.0)
    held, expected = 0.0, []
    for one in wins:
        step = one * np.log(0.48 / 0.55) + (5 - one) * np.log(0.52 / 0.45)
        held = max(held + step, 0.0)
        expected.append(held)
        held = 0.0 if held > 1.0 else held
    np.testing.assert_allclose(evidence[0], expected)
    assert (alarms[0] == (np.array(expected) > 1.0)).all()
    assert alarms.any()


@pytest.mark.parametrize("daily", [5, 10, 20])
@pytest.mark.parametrize("rate", RATES)
def test_a_healthy_bettor_is_let_alone_and_a_fall_to_48_percent_is_found(daily: int, rate: float) -> None:
    shares, bets = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        decided = np.full(365, float(daily))
        watch_on = fit_cusum_alarm(
            random.binomial(daily, rate, 365).astype(float), decided, DROP, SEASON, 1.0, 3, 100, seed
        )
        assert watch_on.false_alarms <= 1.0
        healthy = random.binomial(daily, rate, 5 * SEASON).astype(float)
        shares.append(watch_on.evaluate_days(healthy, np.full(len(healthy), float(daily)))[1].mean())
        fallen = random.binomial(daily, 0.48, 5 * SEASON).astype(float)
        alarms = watch_on.evaluate_days(fallen, np.full(len(fallen), float(daily)))[1]
        assert alarms.any()
        bets.append(daily * (int(alarms.argmax()) + 1))
    assert np.mean(shares) <= 0.01
    assert np.median(bets) <= 350
    assert np.quantile(bets, 0.9) <= 700
