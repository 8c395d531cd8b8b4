"""Calibrators: from raw scores to calibrated probabilities."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import expit, logit

from stages.calibrate import isotonic, none, platt, race_softmax, temperature
from trueline.core.errors import UserError
from trueline.core.racing.race_losses import compute_race_losses
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.stats.group_ops import compute_group_softmax, normalize_by_group

Floats = npt.NDArray[np.float64]
Sample = tuple[Floats, Floats, npt.NDArray[np.int64]]
FEW = settings(deadline=None, max_examples=30)
SHARED = [none, platt, isotonic, temperature]
ALL = [*SHARED, race_softmax]
LEARNING = [platt, isotonic, temperature, race_softmax]


def make_settings(calibrator: Any, within_group: bool = False) -> Any:
    return (
        calibrator.Settings(paid_places={})
        if calibrator is race_softmax
        else calibrator.Settings(within_group=within_group)
    )


def rows(seed: int, a: float = 1.0, b: float = 0.0, n: int = 400) -> Sample:
    """Return scores, outcomes that are 1 with probability sigmoid(a·score + b), and groups of four."""
    random = np.random.default_rng(seed)
    score = random.normal(-1, 1.5, n)
    return score, (random.random(n) < expit(a * score + b)).astype(float), np.arange(n) // 4


def races(seed: int, b: float, count: int, runners: int = 8) -> Sample:
    """Return scores, one winner per race drawn with softmax(b·score), and the races."""
    random = np.random.default_rng(seed)
    score = random.normal(0, 1, (count, runners))
    first = (b * score + random.gumbel(size=score.shape)).argmax(axis=1)
    won = (np.arange(runners) == first[:, None]).astype(float)
    return score.ravel(), won.ravel(), np.repeat(np.arange(count), runners)


@pytest.mark.parametrize("calibrator", ALL)
@pytest.mark.parametrize("within", [True, False])
@FEW
@given(seed=st.integers(0, 9999), spread=st.floats(0.01, 30))
def test_a_probability_is_between_0_and_1_and_finite(calibrator: Any, within: bool, seed: int, spread: float) -> None:
    score, won, group = rows(seed, n=80)
    state = calibrator.fit(spread * score, won, group, make_settings(calibrator, within))
    p = calibrator.apply(state, np.append(3 * spread * score, [40.0, -40.0]), np.append(group, [20, 20]))
    assert ((p >= 0) & (p <= 1)).all()


@pytest.mark.parametrize("calibrator", ALL)
@FEW
@given(seed=st.integers(0, 9999))
def test_one_share_of_success_is_divided_within_each_group(calibrator: Any, seed: int) -> None:
    score, won, _ = rows(seed, n=80)
    group = np.sort(np.random.default_rng(seed).integers(0, 20, 80))
    group = np.unique(group, return_inverse=True)[1]
    p = calibrator.apply(calibrator.fit(score, won, group, make_settings(calibrator, within_group=True)), score, group)
    np.testing.assert_allclose(np.bincount(group, weights=p), 1)


@pytest.mark.parametrize("calibrator", SHARED)
def test_division_comes_after_calibration_and_changes_nothing_learned(calibrator: Any) -> None:
    score, won, group = rows(1)
    apart, within = (calibrator.fit(score, won, group, make_settings(calibrator, divided)) for divided in (False, True))
    assert apart == {**within, "within_group": False}
    np.testing.assert_array_equal(
        calibrator.apply(within, score, group), normalize_by_group(calibrator.apply(apart, score, group), group)
    )


@pytest.mark.parametrize("calibrator", ALL)
def test_what_was_learned_survives_json(calibrator: Any, tmp_path: Path) -> None:
    score, won, group = rows(2)
    state = calibrator.fit(score, won, group, make_settings(calibrator))
    write_json(state, tmp_path / "calibrator.json", digits=12)
    again = json.loads((tmp_path / "calibrator.json").read_text())
    np.testing.assert_allclose(calibrator.apply(again, score, group), calibrator.apply(state, score, group), rtol=1e-9)


@pytest.mark.parametrize("calibrator", ALL)
@FEW
@given(seed=st.integers(0, 9999))
def test_the_order_of_scores_is_kept(calibrator: Any, seed: int) -> None:
    score, won, group = rows(seed, a=2.0)
    p = calibrator.apply(
        calibrator.fit(score, won, group, make_settings(calibrator)), np.sort(score), np.zeros(400, dtype=np.int64)
    )
    assert (np.diff(p) >= 0).all()


@pytest.mark.parametrize("calibrator", ALL)
def test_no_rows_to_apply_to_is_no_error(calibrator: Any) -> None:
    score, won, group = rows(3)
    state = calibrator.fit(score, won, group, make_settings(calibrator, within_group=True))
    assert calibrator.apply(state, np.empty(0), np.empty(0, dtype=np.int64)).shape == (0,)


@pytest.mark.parametrize("calibrator", LEARNING)
@pytest.mark.parametrize(
    ("score", "target", "why"),
    [
        ([], [], "was given no rows"),
        ([0.1, np.nan], [0, 1], "1 of 2 scores missing or infinite"),
        ([0.1, np.inf], [0, 1], "1 of 2 scores missing or infinite"),
        ([0.1, 0.2], [0, 27], "share of a win.*from 0 to 27"),
        ([0.1, 0.2], [0, np.nan], "share of a win"),
    ],
)
def test_what_nothing_can_be_learned_from_is_rejected(
    calibrator: Any, score: list[float], target: list[float], why: str
) -> None:
    with pytest.raises(UserError, match=why):
        calibrator.fit(
            np.array(score, float),
            np.array(target, float),
            np.zeros(len(score), dtype=np.int64),
            make_settings(calibrator),
        )


@pytest.mark.parametrize("calibrator", LEARNING)
@pytest.mark.parametrize("constant", [0.0, -2.0, 1e6])
def test_equal_scores_give_equal_chances(calibrator: Any, constant: float) -> None:
    _, won, group = rows(4)
    score = np.full(400, constant)
    p = calibrator.apply(calibrator.fit(score, won, group, make_settings(calibrator)), score, group)
    assert np.ptp(p) < 1e-12
    assert np.isfinite(p).all()


def test_equal_scores_teach_platt_and_isotonic_the_base_rate() -> None:
    _, won, group = rows(4)
    for calibrator in (platt, isotonic):
        p = calibrator.apply(
            calibrator.fit(np.full(400, 3.0), won, group, make_settings(calibrator)),
            np.array([-9.0, 3.0, 9.0]),
            group[:3],
        )
        np.testing.assert_allclose(p, won.mean(), atol=0.002)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_rows_of_one_outcome_make_no_certainty(outcome: float) -> None:
    score, _, group = rows(5)
    target = np.full(400, outcome)
    for calibrator in (platt, isotonic):
        p = calibrator.apply(calibrator.fit(score, target, group, make_settings(calibrator)), score, group)
        assert ((p > 0) & (p < 1)).all()
        np.testing.assert_allclose(p, outcome, atol=0.005)
    with pytest.raises(UserError, match="all 400 calibrate rows"):
        temperature.fit(score, target, group, make_settings(temperature))


def test_races_without_a_winner_teach_no_temperature() -> None:
    score, _, group = rows(5)
    with pytest.raises(UserError, match="no winner among 400"):
        race_softmax.fit(score, np.zeros(400), group, make_settings(race_softmax))


def test_none_takes_scores_as_log_odds() -> None:
    score, won, group = rows(6)
    np.testing.assert_allclose(none.apply(none.fit(score, won, group, make_settings(none)), score, group), expit(score))


@settings(deadline=None, max_examples=8)
@given(a=st.floats(0.2, 3), b=st.floats(-2, 2), unit=st.sampled_from([0.01, 1.0, 1000.0]))
def test_platt_recovers_a_planted_line(a: float, b: float, unit: float) -> None:
    score, won, group = rows(7, a, b, n=40_000)
    state = platt.fit(score * unit, won, group, make_settings(platt))
    p, x = expit(a * score + b), np.column_stack([score, np.ones(len(score))])
    error = np.sqrt(np.diag(np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)))
    assert (np.abs([state["a"] * unit - a, state["b"] - b]) < 4.5 * error).all()
    assert (error < 0.06).all()  # otherwise the sample could not detect a wrong line


@FEW
@given(seed=st.integers(0, 9999), n=st.integers(2, 60), heats=st.booleans())
def test_no_line_is_likelier_than_platts(seed: int, n: int, heats: bool) -> None:
    random = np.random.default_rng(seed)
    score, target = random.normal(0, 2, n), random.choice([0.0, 0.5, 1.0] if heats else [0.0, 1.0], n)
    state = platt.fit(score, target, np.zeros(n, dtype=np.int64), make_settings(platt))
    won = target.sum()
    smooth = target * (won + 1) / (won + 2) + (1 - target) / (n - won + 2)

    def loss(line: Floats) -> float:
        return float(np.mean(np.logaddexp(0, line[0] * score + line[1]) - smooth * (line[0] * score + line[1])))

    slope = approx_fprime(np.array([state["a"], state["b"]]), loss, 1e-6)
    np.testing.assert_allclose(slope, 0, atol=1e-5)


def test_platt_stays_finite_where_the_score_tells_all() -> None:
    score = np.linspace(-3, 3, 50)
    state = platt.fit(score, (score > 0).astype(float), np.zeros(50, dtype=np.int64), make_settings(platt))
    p = platt.apply(state, score, np.zeros(50, dtype=np.int64))
    assert ((p > 0) & (p < 1)).all()


@FEW
@given(seed=st.integers(0, 9999), n=st.integers(1, 40))
def test_isotonic_is_the_least_squares_monotone_curve(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    score, target = random.permutation(n).astype(float), random.choice([0.0, 0.5, 1.0], n)
    p = isotonic.apply(
        isotonic.fit(score, target, np.arange(n), make_settings(isotonic)), np.arange(n, dtype=float), np.arange(n)
    )
    by_score = target[np.argsort(score)]
    # max-min formula of isotonic regression: the largest over starts of the smallest mean over ends
    best = [max(min(by_score[i : j + 1].mean() for j in range(k, n)) for i in range(k + 1)) for k in range(n)]
    np.testing.assert_allclose(p, np.clip(best, 1 / (2 * n + 2), 1 - 1 / (2 * n + 2)), atol=1e-9)


def test_isotonic_never_says_never() -> None:
    score = np.linspace(-3, 3, 50)
    state = isotonic.fit(score, (score > 0).astype(float), np.arange(50), make_settings(isotonic))
    p = isotonic.apply(state, np.array([-99.0, 99.0]), np.arange(2))
    np.testing.assert_allclose(p, [1 / 102, 101 / 102])


@settings(deadline=None, max_examples=8)
@given(planted=st.floats(0.1, 8))
def test_temperature_recovers_a_planted_one(planted: float) -> None:
    score, won, group = rows(8, n=40_000)
    state = temperature.fit(score * planted, won, group, make_settings(temperature))
    assert state["temperature"] == pytest.approx(planted, rel=0.05)


@settings(deadline=None, max_examples=8)
@given(planted=st.floats(0.1, 8))
def test_race_softmax_recovers_a_planted_temperature(planted: float) -> None:
    score, won, group = races(9, planted, 4000)
    state = race_softmax.fit(score, won, group, make_settings(race_softmax))
    p, scores = compute_group_softmax(planted * score, group), score.reshape(4000, 8)
    middle = np.bincount(group, weights=p * score)[:, None]
    error = 1 / np.sqrt((p.reshape(4000, 8) * (scores - middle) ** 2).sum())
    assert abs(state["b"] - planted) < 4.5 * error
    assert error < 0.03 * (1 + planted)


@FEW
@given(seed=st.integers(0, 9999), planted=st.floats(0.2, 5))
def test_no_factor_gives_races_a_lower_loss_than_the_best_of_race_softmax(seed: int, planted: float) -> None:
    score, won, group = races(seed, planted, 150)
    b = race_softmax.fit(score, won, group, make_settings(race_softmax))["best"]
    tried = [
        compute_race_losses(compute_group_softmax(factor * score, group), won, group).mean()
        for factor in np.geomspace(0.05, 20, 60)
    ]
    assert compute_race_losses(compute_group_softmax(b * score, group), won, group).mean() <= min(tried) + 1e-9


@FEW
@given(seed=st.integers(0, 9999), planted=st.floats(0.2, 5))
def test_race_softmax_shrinks_its_factor_toward_1_and_never_past_it(seed: int, planted: float) -> None:
    state = race_softmax.fit(*races(seed, planted, 150), make_settings(race_softmax))
    assert 0 <= np.log(state["b"]) / np.log(state["best"]) <= 1


@pytest.mark.parametrize(("planted", "gain"), [(1.0, 0.0005), (2.0, -0.0005)])
def test_a_shrunk_factor_costs_less_where_scores_were_right_and_next_to_nothing_where_they_were_not(
    planted: float, gain: float
) -> None:
    later = races(999, planted, 4000)
    costs = np.zeros((60, 2))
    for seed in range(60):
        state = race_softmax.fit(*races(seed, planted, 300), make_settings(race_softmax))
        for place, b in enumerate((state["best"], state["b"])):
            costs[seed, place] = compute_race_losses(
                compute_group_softmax(b * later[0], later[2]), later[1], later[2]
            ).mean()
    best, shrunk = costs.mean(axis=0)
    assert best - shrunk > gain


@pytest.mark.parametrize("calibrator", LEARNING)
def test_calibration_lowers_the_loss_of_overconfident_scores(calibrator: Any) -> None:
    score, won, group = races(10, 1.0, 3000)
    score = 4 * (score - 2)
    earlier, later = group < 2000, group >= 2000
    state = calibrator.fit(score[earlier], won[earlier], group[earlier], make_settings(calibrator, within_group=True))
    raw = none.apply({"within_group": True}, score[later], group[later] - 2000)
    p = calibrator.apply(state, score[later], group[later] - 2000)
    assert (
        compute_race_losses(p, won[later], group[later] - 2000).mean()
        < compute_race_losses(raw, won[later], group[later] - 2000).mean()
    )


def test_isotonic_and_platt_repair_a_shifted_base_rate() -> None:
    score, won, group = rows(11, b=-1.5, n=20_000)
    for calibrator in (platt, isotonic):
        p = calibrator.apply(calibrator.fit(score, won, group, make_settings(calibrator)), score, group)
        assert p.mean() == pytest.approx(won.mean(), abs=0.002)
        for low in (0.05, 0.2, 0.4):
            near = (p > low) & (p < low + 0.1)
            assert won[near].mean() == pytest.approx(p[near].mean(), abs=0.03)
    assert logit(won.mean()) < logit(expit(score).mean())
