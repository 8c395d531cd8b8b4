"""thresholds: calibrated probabilities per tag, and tags given where that serves the aim."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import approx_fprime
from scipy.special import expit, logit

from stages.calibrate import thresholds
from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import write_json

Floats = npt.NDArray[np.float64]
FEW = settings(deadline=None, max_examples=25)
PLAIN: dict[str, Any] = {
    "shrinkage": 10.0, "thresholds": "global", "threshold_shrinkage": 20.0, "aim": "f1", "precision": None,
}  # fmt: skip


def fitted(score: Floats, target: Floats, **changed: Any) -> dict[str, Any]:
    group = np.arange(len(score))
    return thresholds.fit(score, target, group, thresholds.Settings(**(PLAIN | changed)))


def applied(state: dict[str, Any], score: Floats) -> tuple[Floats, Floats]:
    found = thresholds.apply(state, score, np.arange(len(score)))
    return found[""], found["given"]


def make_sample(seed: int, rows: int, a: Any = 1.0, b: Any = 0.0, tags: int = 5) -> tuple[Floats, Floats]:
    """Return scores and tags that are 1 with probability sigmoid(a·score + b); later tags are rarer."""
    random = np.random.default_rng(seed)
    score = random.normal(0, 1.5, (rows, tags)) - np.linspace(0, 3, tags)
    return score, (random.random(score.shape) < expit(np.asarray(a) * score + np.asarray(b))).astype(float)


def f1(given: Floats, target: Floats) -> float:
    return float(2 * (given * target).sum() / (given.sum() + target.sum()))


@FEW
@given(seed=st.integers(0, 9999), rows=st.integers(1, 30), tags=st.integers(1, 4), unit=st.floats(0.01, 30))
def test_chances_are_finite_and_inside_0_and_1_and_keep_the_order_of_scores(
    seed: int, rows: int, tags: int, unit: float
) -> None:
    score, target = make_sample(seed, rows, tags=tags)
    state = fitted(unit * score, target)
    p, chosen = applied(state, np.sort(unit * score, axis=0))
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p, axis=0) >= 0).all()
    assert set(np.unique(chosen)) <= {0.0, 1.0}
    assert (np.diff(chosen, axis=0) >= 0).all()


def test_planted_lines_of_frequent_tags_are_recovered() -> None:
    a, b = np.array([0.5, 1.0, 1.5, 2.0, 0.8]), np.array([0.5, -1.0, 0.0, 1.0, 0.3])
    state = fitted(*make_sample(1, 40_000, a, b))
    np.testing.assert_allclose(state["slope"], a, atol=0.08)
    np.testing.assert_allclose(state["intercept"], b, atol=0.08)


@FEW
@given(seed=st.integers(0, 9999), rows=st.integers(2, 40), shrinkage=st.floats(0.1, 100))
def test_no_line_of_a_tag_does_better_against_its_rows_and_the_pull_of_all_tags(
    seed: int, rows: int, shrinkage: float
) -> None:
    score, target = make_sample(seed, rows, tags=3)
    state = fitted(score, target, shrinkage=shrinkage)
    frequency = logit((target.sum(axis=0) + 0.5) / (rows + 1))
    every = state["all"]
    for tag in range(3):
        own, won = score[:, tag], target[:, tag]
        centre = np.array([every["score"], every["frequency"] * frequency[tag] + every["intercept"]])

        def loss(line: Floats, own: Floats = own, won: Floats = won, centre: Floats = centre) -> float:
            z = line[0] * own + line[1]
            return float(np.logaddexp(0, z).sum() - won @ z + shrinkage / 2 * ((line - centre) ** 2).sum())

        found = np.array([state["slope"][tag], state["intercept"][tag]])
        slope = approx_fprime(found, loss, 1e-6)
        assert abs(slope[1]) < 2e-3
        assert abs(slope[0]) < 2e-3 or (found[0] == 0 and slope[0] > 0)


def test_a_rare_tag_keeps_nearer_to_the_line_of_all_than_a_frequent_one() -> None:
    score, target = make_sample(2, 400, a=1.0, b=np.array([2.0, 0.0, 0.0, 0.0, 2.0]))
    target[:, 4] *= np.arange(400) < 12
    state = fitted(score, target)
    loose = fitted(score, target, shrinkage=1e-4)
    frequency = logit((target.sum(axis=0) + 0.5) / 401)
    line = state["all"]["frequency"] * frequency + state["all"]["intercept"]
    kept = np.abs(np.array(state["intercept"]) - line) / np.abs(np.array(loose["intercept"]) - line)
    assert kept[4] < 0.7 * kept[0]
    tight = fitted(score, target, shrinkage=1e9)
    np.testing.assert_allclose(tight["slope"], tight["all"]["score"])
    np.testing.assert_allclose(tight["intercept"], line, atol=1e-4)


def test_shrinkage_lowers_the_loss_of_rare_tags_and_calibration_that_of_overconfident_scores() -> None:
    loss = dict.fromkeys((1e-4, 10.0), 0.0)
    raw = 0.0
    for seed in range(20):
        score, target = make_sample(seed, 40, a=0.4, b=-0.5)
        later, truth = make_sample(1000 + seed, 2000, a=0.4, b=-0.5)
        raw += float((np.logaddexp(0, later) - truth * later).mean())
        for strength in loss:
            p = applied(fitted(score, target, shrinkage=strength), later)[0].clip(1e-9, 1 - 1e-9)
            loss[strength] -= float((truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean())
    assert loss[10.0] < loss[1e-4]
    assert loss[10.0] < raw


@FEW
@given(seed=st.integers(0, 9999), rows=st.integers(2, 60))
def test_no_global_threshold_has_a_higher_expected_f1(seed: int, rows: int) -> None:
    score, target = make_sample(seed, rows, tags=3)
    state = fitted(score, target)
    p, chosen = applied(state, score)

    def expected(given: Any) -> float:
        return float(2 * (p * given).sum() / (given.sum() + p.sum()))

    assert len(set(state["threshold"])) == 1
    assert expected(chosen) >= max(expected((p >= cut).astype(float)) for cut in p.ravel()) - 1e-12
    assert state["threshold"][0] == pytest.approx(expected(chosen) / 2)


def test_the_threshold_is_nearly_the_best_of_later_rows() -> None:
    score, target = make_sample(3, 2000)
    later, truth = make_sample(4, 20_000)
    p, chosen = applied(fitted(score, target), later)
    best = max(f1((p >= cut).astype(float), truth) for cut in np.linspace(0.05, 0.9, 60))
    assert f1(chosen, truth) > best - 0.003
    assert f1((p >= 0.5).astype(float), truth) < best - 0.01  # otherwise any threshold would do


def test_thresholds_per_tag_raise_the_mean_f1_of_tags() -> None:
    score, target = make_sample(5, 4000)
    later, truth = make_sample(6, 20_000)
    common, own = (applied(fitted(score, target, thresholds=kind), later)[1] for kind in ("global", "per_tag"))
    macro = [np.mean([f1(chosen[:, tag], truth[:, tag]) for tag in range(5)]) for chosen in (common, own)]
    assert macro[1] > macro[0] + 0.005


def test_a_tag_s_own_threshold_is_shrunk_toward_the_global_one_by_its_rarity() -> None:
    score, target = make_sample(7, 300)
    common = logit(fitted(score, target)["threshold"][0])
    free, shrunk = (
        logit(fitted(score, target, thresholds="per_tag", threshold_shrinkage=rows)["threshold"]) - common
        for rows in (0.0, 20.0)
    )
    number = target.sum(axis=0)
    np.testing.assert_allclose(shrunk / free, number / (number + 20), rtol=1e-6)


@pytest.mark.parametrize("asked", [0.7, 0.85, 0.95])
def test_the_precision_asked_for_is_reached_on_later_rows_and_no_tag_is_kept_back_for_nothing(asked: float) -> None:
    score, target = make_sample(8, 4000, a=1.5)
    later, truth = make_sample(9, 40_000, a=1.5)
    p, chosen = applied(fitted(score, target, aim="precision", precision=asked), later)
    assert (chosen * truth).sum() / chosen.sum() == pytest.approx(asked, abs=0.02)
    assert p[chosen > 0].mean() == pytest.approx(asked, abs=0.02)


def test_where_no_chance_reaches_the_precision_nothing_is_given() -> None:
    random = np.random.default_rng(0)
    score = random.normal(size=(200, 3))
    target = (random.random((200, 3)) < 0.1).astype(float)
    state = fitted(score, target, aim="precision", precision=0.9)
    assert applied(state, score)[1].sum() == 0
    assert 0 < state["threshold"][0] < 1


@pytest.mark.parametrize("kind", ["global", "per_tag"])
@pytest.mark.parametrize(("aim", "precision"), [("f1", None), ("precision", 0.9)])
def test_what_was_learned_survives_json_and_gives_the_same_tags(
    kind: str, aim: str, precision: float | None, tmp_path: Path
) -> None:
    score, target = make_sample(10, 60)
    state = fitted(score, target, thresholds=kind, aim=aim, precision=precision)
    write_json(state, tmp_path / "calibrator.json", digits=12)
    again = json.loads((tmp_path / "calibrator.json").read_text())
    for one, two in zip(applied(again, score), applied(state, score), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9)


def test_tags_on_no_row_or_on_every_row_and_scores_that_tell_all_make_no_certainty() -> None:
    score, target = make_sample(11, 50)
    target[:, 0], target[:, 4] = 1, 0
    p, chosen = applied(fitted(score, target, thresholds="per_tag", threshold_shrinkage=0.0), score)
    assert ((p > 0) & (p < 1)).all()
    assert chosen[:, 0].mean() > 0.9
    p, chosen = applied(fitted(score, (score > 0).astype(float)), score)
    assert np.isfinite(p).all()
    assert (chosen == (score > 0)).mean() > 0.98


def test_equal_scores_tell_each_tag_s_frequency() -> None:
    target = (np.random.default_rng(0).random((2000, 3)) < np.array([0.1, 0.4, 0.9])).astype(float)
    p, _ = applied(fitted(np.zeros((2000, 3)), target), np.zeros((2, 3)))
    np.testing.assert_allclose(p[0], target.mean(axis=0), atol=0.01)


def test_a_score_that_points_the_wrong_way_is_left_out_not_turned_round() -> None:
    score, target = make_sample(12, 500)
    state = fitted(-score, target)
    assert min(state["slope"]) >= 0
    assert max(state["slope"]) < 0.05


def test_no_rows_to_apply_to_is_no_error() -> None:
    p, chosen = applied(fitted(*make_sample(13, 30)), np.empty((0, 5)))
    assert p.shape == chosen.shape == (0, 5)


@pytest.mark.parametrize(
    ("score", "target", "why"),
    [
        (np.empty((0, 3)), np.empty((0, 3)), "no rows or no tags"),
        (np.empty((3, 0)), np.empty((3, 0)), "no rows or no tags"),
        (np.array([[0.1, np.nan], [0, 0]]), np.ones((2, 2)), "1 of 2 rows with scores missing or infinite"),
        (np.zeros((2, 1)), np.array([[0.5], [1]]), "targets of 0 or 1"),
        (np.zeros((2, 1)), np.array([[np.nan], [1]]), "targets of 0 or 1"),
    ],
)
def test_what_nothing_can_be_learned_from_is_rejected(score: Floats, target: Floats, why: str) -> None:
    with pytest.raises(UserError, match=why):
        fitted(score, target)


@pytest.mark.parametrize(("aim", "precision"), [("f1", 0.8), ("precision", None), ("precision", 0.0)])
def test_an_aim_without_its_number_is_rejected(aim: str, precision: float | None) -> None:
    with pytest.raises(ValidationError):
        thresholds.Settings(**(PLAIN | {"aim": aim, "precision": precision}))
