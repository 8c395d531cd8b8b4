"""Learners: every plugin keeps the contract of stages/train, and does what its parameters say."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from stages.tune import tuning_losses
from tests import learner_cases
from tests.learner_cases import (
    ARMS,
    QUANTITIES,
    SEED,
    SHARES,
    dead_heats,
    draw_in_another_thread,
    load_arm_settings,
    part,
    quantities,
    races,
    rows_for,
)
from trueline.core.errors import UserError
from trueline.core.models.model_json import Monitor
from trueline.core.models.tabular import conditional_logit_loss
from trueline.core.models.tabular.objectives import GRADIENTS, OBJECTIVE_LOSSES, BoostingTarget
from trueline.core.racing.race_losses import compute_uniform_losses
from trueline.core.runtime import plugins
from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.stats.group_ops import compute_group_softmax

ROOT = Path(__file__).parents[3]
ROUNDS = [arm for arm in ARMS if arm[0] in ("catboost_trees", "xgboost_trees", "gradient_boosting")]
TAUGHT = [("catboost_trees", "QuerySoftMax"), ("catboost_trees", "CrossEntropy"), ("xgboost_trees", "race_softmax")]
COPIES = [
    ("conditional_logit", ""),
    *(("logistic", kind) for kind in ("share", "quantity")),
    ("xgboost_trees", "squared"),
]

each_arm = pytest.mark.parametrize("arm", ARMS, ids="-".join)
each_share = pytest.mark.parametrize("arm", SHARES, ids="-".join)
BESIDE = [
    arm for arm in QUANTITIES if arm[0] in ("forest", "gradient_boosting", "logistic")
]  # these take the offset beside the model
each_with_rounds = pytest.mark.parametrize("arm", ROUNDS, ids="-".join)
Arm = tuple[str, str]


def race_log_loss(score: Floats, rows: FoldData) -> float:
    return tuning_losses.race_log_loss(score, rows).mean


def absolute_error(score: Floats, rows: FoldData) -> float:
    return tuning_losses.absolute_error(score, rows).mean


def fitted(arm: Arm, rows: FoldData, changed: dict[str, Any] | None = None, **options: Any) -> Any:
    return plugins.load_plugin("train", arm[0]).fit(
        rows, load_arm_settings(arm, **(changed or {})), SEED, Monitor(**options)
    )


@cache
def plain(arm: Arm) -> Any:
    """Return the model that an arm's own settings give on its own problem."""
    return fitted(arm, rows_for(arm, 1))


def scored(arm: Arm, model: Any, x: pd.DataFrame) -> Floats:
    scores: Floats = plugins.load_plugin("train", arm[0]).score(model, x)
    return scores


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fit and save every arm in another process."""
    folder = tmp_path_factory.mktemp("elsewhere")
    code = "import sys; from pathlib import Path; from tests.learner_cases import save_all; save_all(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True)
    return folder


def test_every_learner_is_held_to_this_contract() -> None:
    assert set(plugins.list_plugins("train")) - learner_cases.OTHERS == {word for word, _ in ARMS}


@pytest.mark.parametrize("word", sorted({word for word, _ in ARMS}))
def test_no_parameter_has_a_default_in_code(word: str) -> None:
    assert all(field.is_required() for field in plugins.load_plugin("train", word).Settings.model_fields.values())


@each_share
def test_a_learner_of_shares_finds_the_planted_strengths(arm: Arm) -> None:
    later = races(2)
    score = scored(arm, plain(arm), later.x)
    assert score.shape == later.y.shape
    assert race_log_loss(score, later) < compute_uniform_losses(later.group).mean() - 0.25


@pytest.mark.parametrize("arm", QUANTITIES, ids="-".join)
def test_a_learner_of_quantities_finds_the_planted_strengths(arm: Arm) -> None:
    rows, later = rows_for(arm, 1), rows_for(arm, 2)
    guess = absolute_error(np.full(len(later.y), np.median(rows.y)), later)
    assert absolute_error(scored(arm, plain(arm), later.x), later) < 0.4 * guess


@each_arm
def test_a_model_on_disk_is_the_same_from_another_process_and_scores_the_same(
    arm: Arm, elsewhere: Path, tmp_path: Path
) -> None:
    learner, rows = plugins.load_plugin("train", arm[0]), rows_for(arm, 1)
    model = plain(arm)
    learner.save(model, tmp_path / "model")
    assert files(tmp_path / "model") == files(elsewhere / "-".join(arm))
    loaded = learner.load(elsewhere / "-".join(arm))
    np.testing.assert_array_equal(scored(arm, loaded, rows.x), scored(arm, model, rows.x))
    assert (loaded.settled, loaded.importance) == (model.settled, model.importance)
    learner.save(loaded, tmp_path / "again")
    assert files(tmp_path / "again").keys() == files(tmp_path / "model").keys()


@each_arm
def test_a_model_does_not_depend_on_what_other_threads_draw(arm: Arm, tmp_path: Path) -> None:
    learner = plugins.load_plugin("train", arm[0])
    with draw_in_another_thread():
        model = fitted(arm, rows_for(arm, 1))
    learner.save(model, tmp_path / "beside")
    learner.save(plain(arm), tmp_path / "alone")
    assert files(tmp_path / "beside") == files(tmp_path / "alone")


@each_arm
def test_importance_is_a_share_for_each_input_and_little_for_one_without_effect(arm: Arm) -> None:
    rows = rows_for(arm, 1)
    importance = plain(arm).importance
    assert set(importance) == set(rows.x.columns)
    assert sum(importance.values()) == pytest.approx(1)
    assert importance["form"] > 1.5 * importance["starts"]
    assert importance["always"] == pytest.approx(0)


@each_arm
def test_unseen_levels_missing_values_and_reordered_inputs_are_scored(arm: Arm) -> None:
    rows = rows_for(arm, 1)
    x = rows.x.head(12).assign(box=pd.Categorical(["never seen"] * 6 + [None] * 6), starts=np.nan, form=np.nan)
    model = plain(arm)
    assert np.isfinite(scored(arm, model, x)).all()
    np.testing.assert_array_equal(scored(arm, model, x[x.columns[::-1]]), scored(arm, model, x))
    np.testing.assert_array_equal(scored(arm, model, rows.x.tail(3)), scored(arm, model, rows.x)[-3:])


@each_arm
def test_later_rows_change_nothing_without_patience(arm: Arm, tmp_path: Path) -> None:
    learner, rows = plugins.load_plugin("train", arm[0]), rows_for(arm, 1)
    seen: list[int] = []
    watched = fitted(arm, rows, later=rows_for(arm, 2), watch=lambda step, losses: seen.append(step))
    assert watched.settled == {}
    learner.save(watched, tmp_path / "watched")
    learner.save(plain(arm), tmp_path / "alone")
    assert files(tmp_path / "watched") == files(tmp_path / "alone")
    assert seen == ([10, 20, 30, 40, 50, 60] if arm in ROUNDS else [])


@each_with_rounds
def test_watched_losses_fall_and_are_those_of_both_sets(arm: Arm) -> None:
    seen: list[dict[str, float]] = []
    fitted(
        arm, rows_for(arm, 1), {"iterations": 25}, later=rows_for(arm, 2), watch=lambda _, losses: seen.append(losses)
    )
    assert [set(losses) for losses in seen] == [{"fit", "later"}] * 3
    assert seen[-1]["fit"] < seen[0]["fit"]


@each_with_rounds
def test_patience_settles_on_the_rounds_that_lose_least_later(arm: Arm) -> None:
    rows, later = rows_for(arm, 1, count=40), rows_for(arm, 2)
    hasty = {"iterations": 100, "learning_rate": 0.5, "depth": 5}
    model = fitted(arm, rows, hasty, later=later, patience=15)
    assert 1 <= model.settled["iterations"] < 100
    alone = fitted(arm, rows, hasty | model.settled)
    np.testing.assert_array_equal(scored(arm, model, later.x), scored(arm, alone, later.x))


@pytest.mark.parametrize("arm", TAUGHT, ids="-".join)
def test_patience_watches_the_label_that_is_fitted_and_not_a_races_one_winner(arm: Arm) -> None:
    rows, later = races(1), races(2)
    later = replace(later, soft_label=np.nan_to_num(later.soft_label, nan=0.1))
    least_likely = pd.Series(later.soft_label).groupby(later.group).transform("min").to_numpy()
    upset = replace(later, y=(later.soft_label == least_likely).astype(float))
    for soft_label, is_moved in ((1.0, False), (0.0, True)):
        changed = {"iterations": 100, "learning_rate": 0.3, "soft_label": soft_label}
        settled = [fitted(arm, rows, changed, later=watched, patience=15).settled for watched in (later, upset)]
        assert (settled[0] != settled[1]) is is_moved


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm not in ROUNDS], ids="-".join)
def test_a_learner_without_rounds_settles_nothing(arm: Arm) -> None:
    assert fitted(arm, rows_for(arm, 1), later=rows_for(arm, 2), patience=5).settled == {}


@pytest.mark.parametrize("arm", COPIES, ids="-".join)
def test_weight_two_is_every_runner_twice(arm: Arm) -> None:
    rows = rows_for(arm, 1)
    whole = {"subsample": 1.0, "columns": 1.0} if arm[0] == "xgboost_trees" else {}
    heavy = fitted(arm, replace(rows, weight=np.full(len(rows.y), 2.0)), whole)
    doubled = fitted(arm, part(rows, np.repeat(np.arange(len(rows.y)), 2)), whole)
    np.testing.assert_allclose(scored(arm, heavy, rows.x), scored(arm, doubled, rows.x), atol=2e-3)


@each_arm
def test_weights_pull_towards_the_heavier_rows(arm: Arm) -> None:
    rows = rows_for(arm, 1)
    odd = rows.group % 2 == 1
    form = rows.x["form"].fillna(0).to_numpy()
    split = replace(rows, x=rows.x.assign(form=np.where(odd, -form, form)), weight=np.where(odd, 0.25, 4.0))
    assert np.corrcoef(scored(arm, fitted(arm, split), rows.x), form)[0, 1] > 0.5


@each_share
def test_dead_heats_synthetic_winners_and_missing_losers_are_taken(arm: Arm) -> None:
    rows = dead_heats(races(1))
    kept = (rows.y > 0) | (np.random.default_rng(0).random(len(rows.y)) < 0.6)
    score = scored(arm, fitted(arm, part(rows, np.flatnonzero(kept))), rows.x)
    assert race_log_loss(score, races(1)) < compute_uniform_losses(rows.group).mean() - 0.2


@each_share
def test_a_single_race_is_learnt_or_rejected_in_one_sentence(arm: Arm) -> None:
    rows = races(1, count=1)
    if arm[0] == "ensemble":
        with pytest.raises(
            UserError, match=r"^an ensemble with 2 inner folds needs rows at 3 different times, but got 1; [^.]*\.$"
        ):
            fitted(arm, rows)
    else:
        assert np.isfinite(scored(arm, fitted(arm, rows), rows.x)).all()


@each_share
def test_rows_without_a_winner_are_rejected(arm: Arm) -> None:
    rows = races(1, count=20)
    with pytest.raises(UserError, match=r"winner|equal"):
        fitted(arm, replace(rows, y=np.zeros(len(rows.y))))


@pytest.mark.parametrize("arm", [*TAUGHT, ("conditional_logit", "")], ids="-".join)
def test_a_soft_label_helps_where_the_recorded_winners_are_noisy(arm: Arm) -> None:
    rows, truth = races(1, noise=0.7), races(2, count=400)
    alone, taught = (
        race_log_loss(scored(arm, fitted(arm, rows, {"soft_label": share}), truth.x), truth) for share in (0.0, 0.8)
    )
    assert taught < alone - 0.02


@pytest.mark.parametrize("arm", [("catboost_trees", "QuerySoftMax"), ("xgboost_trees", "race_softmax")], ids="-".join)
def test_scores_start_from_the_offset_and_trees_learn_only_what_it_lacks(arm: Arm, tmp_path: Path) -> None:
    learner, rows, later = plugins.load_plugin("train", arm[0]), races(1), races(2)
    slow = fitted(arm, rows, {"offset": "form", "iterations": 1, "learning_rate": 0.001})
    np.testing.assert_allclose(scored(arm, slow, later.x), later.x["form"].fillna(0.0), atol=0.01)
    model = fitted(arm, rows, {"offset": "form"})
    assert race_log_loss(scored(arm, model, later.x), later) < race_log_loss(scored(arm, slow, later.x), later)
    learner.save(model, tmp_path / "model")
    loaded = learner.load(tmp_path / "model")
    np.testing.assert_array_equal(scored(arm, loaded, later.x), scored(arm, model, later.x))


def far_apart(seed: int) -> tuple[FoldData, Floats]:
    """Return quantities that lie as far apart as an input says, which some rows lack, and what that input adds."""
    rows = quantities(seed)
    start = np.random.default_rng(seed).normal(0, 1000, len(rows.y))
    known = np.arange(len(start)) % 7 > 0
    far = np.where(known, start, 0.0)
    return replace(rows, x=rows.x.assign(usual=np.where(known, start, np.nan)), y=rows.y + far), far


@pytest.mark.parametrize("arm", [("catboost_trees", "RMSE"), ("xgboost_trees", "squared"), *BESIDE], ids="-".join)
def test_a_quantity_starts_from_the_offset_and_only_what_it_lacks_is_learnt(arm: Arm, tmp_path: Path) -> None:
    learner, (rows, _), (later, _) = plugins.load_plugin("train", arm[0]), far_apart(1), far_apart(2)
    model = fitted(arm, rows, {"offset": "usual"})
    near = absolute_error(scored(arm, plain(arm), later.x.drop(columns="usual")), quantities(2))
    assert absolute_error(scored(arm, model, later.x), later) < 1.3 * near
    assert absolute_error(scored(arm, fitted(arm, rows), later.x), later) > 5 * near or arm[0] == "logistic"
    learner.save(model, tmp_path / "model")
    np.testing.assert_array_equal(scored(arm, learner.load(tmp_path / "model"), later.x), scored(arm, model, later.x))


@pytest.mark.parametrize("arm", BESIDE, ids="-".join)
def test_a_fit_from_an_offset_is_the_fit_to_what_lies_beyond_it(arm: Arm) -> None:
    (rows, far), (later, ahead) = far_apart(1), far_apart(2)
    beyond = fitted(arm, replace(rows, y=rows.y - far))
    seen: list[dict[str, float]] = []
    options: dict[str, Any] = {"later": later, "watch": lambda _, losses: seen.append(losses)}
    model = fitted(arm, rows, {"offset": "usual"}, **options)
    np.testing.assert_array_equal(scored(arm, model, later.x), scored(arm, beyond, later.x) + ahead)
    assert model.importance == beyond.importance
    assert all(losses["later"] < 100 for losses in seen), "later rows are watched from their offset too"
    assert bool(seen) == (arm in ROUNDS)


@pytest.mark.parametrize("arm", [arm for arm in ARMS if "offset" in {**SHARES, **QUANTITIES}[arm]], ids="-".join)
def test_an_offset_that_the_inputs_do_not_have_changes_nothing(arm: Arm) -> None:
    rows = rows_for(arm, 1)
    model = fitted(arm, rows, {"offset": "price"})
    np.testing.assert_array_equal(scored(arm, model, rows.x), scored(arm, plain(arm), rows.x))
    assert model.importance == plain(arm).importance


@pytest.mark.parametrize(
    "arm", [("forest", "share"), ("gradient_boosting", "logistic"), ("logistic", "share")], ids="-".join
)
def test_shares_cannot_start_from_an_offset_where_log_odds_cannot(arm: Arm) -> None:
    with pytest.raises(UserError, match=r"^offset is 'form' with .*, but .*; set offset to null, or use [^.]*\.$"):
        fitted(arm, races(1), {"offset": "form"})


@pytest.mark.parametrize(
    ("arm", "changed"),
    [
        (("catboost_trees", "Logloss"), {"soft_label": 0.5}),
        (("catboost_trees", "RMSE"), {"positive_weight": 2.0}),
        (("xgboost_trees", "logistic"), {"soft_label": 0.5}),
        (("xgboost_trees", "race_softmax"), {"positive_weight": 2.0}),
    ],
)
def test_a_parameter_that_would_do_nothing_is_rejected(arm: Arm, changed: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(changed))):
        fitted(arm, rows_for(arm, 1), changed)


@pytest.mark.parametrize(
    "arm",
    [
        a
        for a in SHARES
        if "positive_weight" in SHARES[a] and a[1] not in ("QuerySoftMax", "CrossEntropy", "race_softmax")
    ],
    ids="-".join,
)
def test_a_weight_on_winners_raises_every_chance(arm: Arm) -> None:
    rows = races(1)
    usual, raised = (scored(arm, fitted(arm, rows, {"positive_weight": w}), rows.x).mean() for w in (1.0, 5.0))
    assert raised > usual + 0.3


def test_catboost_scores_inputs_with_categories_last_as_it_does_in_any_other_order() -> None:
    arm = ("catboost_trees", "QuerySoftMax")
    rows, plugin = rows_for(arm, 1), plugins.load_plugin("train", arm[0])
    draw = np.random.default_rng(0)
    categories = pd.Categorical(np.array(["7", "Ardley", "élan", None], object)[draw.integers(0, 4, len(rows.y))])
    numbers = rows.x.select_dtypes("number").assign(fraction=draw.normal(size=len(rows.y)) / 3)
    last, first = numbers.assign(venue=categories), pd.concat([pd.DataFrame({"venue": categories}), numbers], axis=1)
    model = plugin.fit(replace(rows, x=last), load_arm_settings(arm), SEED)
    assert model.cats == ["venue"]
    frame_pool = plugin.Pool(plugin._convert_inputs(last, ["venue"]), cat_features=["venue"])
    expected = model.trees.predict(frame_pool, prediction_type="RawFormulaVal", thread_count=1)
    assert plugin.score(model, last).tobytes() == expected.tobytes()
    assert plugin.score(model, first).tobytes() == expected.tobytes()
    assert plugin.score(model, last[:3]).tobytes() == expected[:3].tobytes()
    other_order = plugin.fit(replace(rows, x=first), load_arm_settings(arm), SEED)
    assert np.isfinite(plugin.score(other_order, first)).all()


def test_catboost_within_races_minimises_cross_entropy_to_soft_targets() -> None:
    """Three runners that differ in one input only: the best shares are the weighted mean of the targets."""
    random = np.random.default_rng(0)
    targets = np.abs(np.array([0.5, 0.3, 0.2]) + random.normal(0, 0.1, (100, 3)))
    weight = random.uniform(0.2, 5, 100)
    base = part(races(1, runners=3), np.arange(300))
    rows = replace(
        base, x=pd.DataFrame({"who": np.tile([0.0, 1.0, 2.0], 100)}), y=targets.ravel(), weight=np.repeat(weight, 3)
    )
    rows = replace(rows, soft_label=np.full(300, np.nan))
    exact = {"iterations": 300, "learning_rate": 0.3, "l2": 0.0, "random_strength": 0.0, "rsm": 1.0, "subsample": 1.0}
    arm = ("catboost_trees", "QuerySoftMax")
    shares = compute_group_softmax(scored(arm, fitted(arm, rows, exact), rows.x[:3]), np.zeros(3, np.int64))
    np.testing.assert_allclose(shares, weight @ targets / (weight @ targets).sum(), atol=1e-4)


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_gradient_of_each_objective_is_the_slope_of_its_loss(name: str) -> None:
    random = np.random.default_rng(1)
    score, group = random.normal(0, 2, 24), np.repeat(np.arange(6), 4)
    target = (random.random(24) < 0.4).astype(float)
    labels = BoostingTarget(target, random.uniform(0.5, 2, 24), group, alpha=0.3, gamma=2.0)
    whole = {"race_softmax": labels.weight @ target, "squared": labels.weight.sum() / 2}.get(name, labels.weight.sum())

    def gradient(at: Any) -> Any:
        return GRADIENTS[name](at, labels)[0]

    def loss(at: Any) -> Any:
        return OBJECTIVE_LOSSES[name](at, labels) * whole

    np.testing.assert_allclose(gradient(score), approx_fprime(score, loss, 1e-7), atol=1e-5)
    curvature = np.diag(approx_fprime(score, gradient, 1e-7))
    np.testing.assert_allclose(GRADIENTS[name](score, labels)[1], curvature, atol=1e-5)


def test_the_gradient_of_the_conditional_logit_is_the_slope_of_its_loss() -> None:
    random = np.random.default_rng(2)
    terms, group = random.normal(size=(40, 5)), np.repeat(np.arange(8), 5)
    share, weight, at = random.random(40), random.uniform(0.5, 2, 40), random.normal(size=5)

    def loss(coefficient: Any) -> Any:
        return conditional_logit_loss.compute_penalised_loss(coefficient, terms, share, weight, group, 0.7)[0]

    gradient = conditional_logit_loss.compute_penalised_loss(at, terms, share, weight, group, 0.7)[1]
    np.testing.assert_allclose(gradient, approx_fprime(at, loss, 1e-7), rtol=1e-4)


def test_losers_left_out_at_random_leave_the_coefficients_as_they_were() -> None:
    rows = races(1, count=800, runners=12)
    kept = (rows.y > 0) | (np.random.default_rng(0).random(len(rows.y)) < 1 / 3)
    arm = ("conditional_logit", "")
    whole = scored(arm, fitted(arm, rows), rows.x)
    thinned = scored(arm, fitted(arm, part(rows, np.flatnonzero(kept))), rows.x)
    assert np.polyfit(whole, thinned, 1)[0] == pytest.approx(1, abs=0.12)


def test_an_ensemble_gives_no_part_to_a_member_that_knows_nothing() -> None:
    arm = ("ensemble", "share")
    blind = learner_cases.FOREST | {"target": "share", "depth": 1, "trees": 1, "columns": 0.01, "draw": 0.02}
    settings = SHARES[arm]["member_settings"] | {"forest": blind}
    logit, forest = fitted(arm, races(1), {"member_settings": settings}).coefficients
    assert forest < 0.2 * logit


def test_an_ensemble_never_gives_a_member_a_negative_part() -> None:
    rows = races(1)
    assert min(fitted(("ensemble", "share"), rows).coefficients) >= 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"members": ["forest", "oracle"]}, "stages/train has no plugin 'oracle'"),
        (
            {"member_settings": {"forest": learner_cases.FOREST | {"target": "share"}}},
            "conditional_logit has no settings",
        ),
        ({"member_settings": {"conditional_logit": {"l2": 1.0}}}, "conditional_logit.soft_label"),
        ({"inner_folds": 150}, "needs rows at 151 different times, but got 150"),
    ],
)
def test_an_ensemble_that_cannot_be_built_is_rejected(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        fitted(("ensemble", "share"), races(1), changed)
