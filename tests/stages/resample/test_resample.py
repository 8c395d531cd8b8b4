"""Resamplers: the weight of each fit row, and the synthetic rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE, SMOTENC
from pydantic import ValidationError

from stages.resample import none, recency, smote_nc, undersample
from trueline.core.errors import UserError
from trueline.core.models.tabular.input_encoding import fit_encoding, list_categorical_inputs
from trueline.core.splits.fold_data import FoldData, FoldTables

HOURS = np.timedelta64(3, "h")
ARMS = [
    (none, none.Settings()),
    (recency, recency.Settings(half_life_days=5.0)),
    (undersample, undersample.Settings(losers_per_winner=2.0)),
    (smote_nc, smote_nc.Settings(winners_per_loser=0.6, neighbours=3)),
]
NUMBERS = ["weight", "price", "starts", "debut"]
FEW = settings(deadline=None, max_examples=12)


def races(seed: int, count: int = 40, runners: int = 6) -> FoldData:
    """Return races of a few runners, one winner each, inputs of every kind, some missing."""
    random, n = np.random.default_rng(seed), count * runners
    x = pd.DataFrame(
        {
            "weight": np.where(random.random(n) < 0.2, np.nan, random.normal(30, 2, n)),
            "trainer": pd.Categorical(random.choice(["ann", "bob", "cy"], n)),
            "price": random.lognormal(8, 1, n),
            "starts": random.integers(0, 50, n),
            "debut": random.random(n) < 0.3,
            "going": pd.Categorical.from_codes(random.integers(-1, 2, n), pd.Index(["soft", "good"]), ordered=True),
        }
    )
    group = np.repeat(np.arange(count), runners)
    won = (np.arange(n) % runners == random.integers(0, runners, count)[group]).astype(float)
    time = np.datetime64("2024-01-01", "us") + group * HOURS
    return FoldData(x, won, np.full(n, np.nan), group, time, np.ones(n), np.arange(n))


def with_target(rows: FoldData, target: list[float] | np.ndarray) -> FoldData:
    """Return the first rows with the given targets."""
    n = slice(len(target))
    y = np.array(target, float)
    return FoldData(
        rows.x[n], y, rows.soft_label[n], rows.group[n], rows.time[n], rows.weight[n], rows.table_position[n]
    )


@pytest.mark.parametrize(("resampler", "parameters"), ARMS)
def test_every_row_gets_a_weight_and_kept_rows_weigh_1_on_average(resampler: Any, parameters: Any) -> None:
    rows = races(0)
    weight, _ = resampler.resample(rows, parameters, 7)
    assert weight.shape == rows.y.shape
    assert (weight >= 0).all()
    assert weight[weight > 0].mean() == pytest.approx(1)


@pytest.mark.parametrize(("resampler", "parameters"), ARMS)
def test_one_seed_gives_one_answer(resampler: Any, parameters: Any) -> None:
    (weight, made), (again, remade) = (resampler.resample(races(0), parameters, 7) for _ in range(2))
    np.testing.assert_array_equal(weight, again)
    pd.testing.assert_frame_equal(made, remade)


@pytest.mark.parametrize(("resampler", "parameters"), ARMS)
def test_only_who_uses_inputs_needs_them(resampler: Any, parameters: Any) -> None:
    rows = races(0).select_inputs([])
    if getattr(resampler, "USES_INPUTS", True):
        with pytest.raises((UserError, ValueError)):
            resampler.resample(rows, parameters, 7)
    else:
        np.testing.assert_array_equal(
            resampler.resample(rows, parameters, 7)[0], resampler.resample(races(0), parameters, 7)[0]
        )


@pytest.mark.parametrize(("resampler", "parameters"), ARMS)
def test_the_rows_handed_in_are_left_as_they_were(resampler: Any, parameters: Any) -> None:
    rows, same = races(0), races(0)
    resampler.resample(rows, parameters, 7)
    pd.testing.assert_frame_equal(rows.x, same.x)
    np.testing.assert_array_equal(rows.y, same.y)


@pytest.mark.parametrize(("resampler", "parameters"), ARMS[2:])
def test_another_seed_draws_otherwise(resampler: Any, parameters: Any) -> None:
    (weight, made), (other, remade) = (resampler.resample(races(0), parameters, seed) for seed in (7, 8))
    assert not np.array_equal(weight, other) or not made.equals(remade)


@pytest.mark.parametrize(("resampler", "parameters"), ARMS[2:])
@pytest.mark.parametrize("target", [[20.0, 31.0], [0.0, np.nan], [-1.0, 1.0]])
def test_a_target_that_is_no_share_of_a_win_is_rejected(resampler: Any, parameters: Any, target: list[float]) -> None:
    with pytest.raises(UserError, match="share of a win"):
        resampler.resample(with_target(races(0), target), parameters, 7)


@pytest.mark.parametrize(
    ("resampler", "parameters"),
    [
        (recency, {"half_life_days": 0.0}),
        (recency, {}),
        (undersample, {"losers_per_winner": -1.0}),
        (undersample, {"losers_per_winner": float("inf")}),
        (smote_nc, {"winners_per_loser": 1.5, "neighbours": 3}),
        (smote_nc, {"winners_per_loser": 0.5, "neighbours": 0}),
    ],
)
def test_parameters_outside_their_range_are_rejected(resampler: Any, parameters: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        resampler.Settings.model_validate(parameters)


@FEW
@given(st.floats(0.5, 1000), st.integers(0, 99))
def test_a_row_one_half_life_older_counts_half(half_life: float, seed: int) -> None:
    rows = races(seed)
    weight, made = recency.resample(rows, recency.Settings(half_life_days=half_life), 0)
    age = [(rows.time.max() - time) / np.timedelta64(1, "D") for time in rows.time]
    np.testing.assert_allclose(weight / weight.max(), [0.5 ** (days / half_life) for days in age], rtol=1e-9)
    assert made.empty


def test_rows_too_old_for_a_float_are_dropped_and_the_rest_weigh_1_on_average() -> None:
    weight, _ = recency.resample(races(0), recency.Settings(half_life_days=0.001), 0)
    assert (weight == 0).any()
    assert weight[weight > 0].mean() == pytest.approx(1)


@FEW
@given(st.floats(0.1, 8), st.integers(0, 99))
def test_winners_stay_and_as_many_losers_as_asked_but_one_of_each_race(share: float, seed: int) -> None:
    rows = races(seed)
    weight, made = undersample.resample(rows, undersample.Settings(losers_per_winner=share), seed)
    lost = rows.y == 0
    assert (weight[~lost] == 1).all()
    assert set(weight) <= {0.0, 1.0}
    assert set(rows.group[lost & (weight > 0)]) == set(rows.group)
    assert (weight[lost] > 0).sum() == np.clip(round(share * 40), 40, lost.sum())
    assert made.empty


def test_every_loser_is_as_likely_to_stay_as_another() -> None:
    rows = races(0, count=10)
    kept = [undersample.resample(rows, undersample.Settings(losers_per_winner=2.0), seed)[0] for seed in range(600)]
    rate = np.mean(kept, axis=0)[rows.y == 0]
    assert np.abs(rate - 0.4).max() < 4 * np.sqrt(0.4 * 0.6 / 600)


def test_the_runners_of_a_dead_heat_count_as_winners() -> None:
    rows = with_target(races(0), [0.5, 0.5, 0, 0, 0, 0])
    weight, _ = undersample.resample(rows, undersample.Settings(losers_per_winner=0.5), 0)
    assert weight[:2].tolist() == [1, 1]
    assert weight.sum() == 3


def test_undersampling_rows_without_a_winner_is_rejected() -> None:
    with pytest.raises(UserError, match="no winner among 6"):
        undersample.resample(with_target(races(0), np.zeros(6)), undersample.Settings(losers_per_winner=1.0), 0)


@FEW
@given(st.integers(0, 9999), st.integers(1, 8), st.floats(0.3, 1), st.booleans())
def test_each_synthetic_number_lies_between_its_two_parents(seed: int, k: int, share: float, mixed: bool) -> None:
    rows = races(seed) if mixed else races(seed).select_inputs(NUMBERS)
    _, made = smote_nc.resample(rows, smote_nc.Settings(winners_per_loser=share, neighbours=k), seed)
    assert len(made) == round(share * 200) - 40
    assert (rows.y[made["parent"]] == 1).all()
    assert (rows.y[made["other"]] == 1).all()
    assert (made["target"] == 1.0).all()
    for name in NUMBERS:
        filled = rows.x[name].astype(float).fillna(rows.x[name].median()).to_numpy()
        ends = np.sort([filled[made["parent"]], filled[made["other"]]], axis=0)
        slack = 1e-9 * np.abs(filled).max()
        assert (made[name].to_numpy(float) >= ends[0] - slack).all(), name
        assert (made[name].to_numpy(float) <= ends[1] + slack).all(), name


@FEW
@given(st.integers(0, 9999))
def test_the_other_parent_is_among_the_nearest_winners(seed: int) -> None:
    rows = races(seed).select_inputs(["weight", "price"])
    _, made = smote_nc.resample(rows, smote_nc.Settings(winners_per_loser=0.6, neighbours=3), seed)
    known = fit_encoding(rows.x)
    scaled = (rows.x.fillna(rows.x.median()).to_numpy() - known["mean"]) / known["spread"]
    winners = np.flatnonzero(rows.y)
    for parent, other in zip(made["parent"], made["other"], strict=True):
        away = np.sort(np.linalg.norm(scaled[winners] - scaled[parent], axis=1))
        assert np.linalg.norm(scaled[other] - scaled[parent]) <= away[3] + 1e-9


@FEW
@given(st.integers(0, 9999), st.integers(1, 8))
def test_synthetic_rows_are_those_that_imbalanced_learn_makes_by_itself(seed: int, k: int) -> None:
    rows, mixed = (
        races(seed).select_inputs(["weight", "price"]),
        races(seed).select_inputs(["weight", "price", "trainer"]),
    )
    known = fit_encoding(rows.x)
    scaled = (rows.x.fillna(rows.x.median()) - known["mean"]) / known["spread"]
    parameters: dict[str, Any] = {"sampling_strategy": {1.0: 120}, "k_neighbors": k, "random_state": seed}
    for table, sampler, x in (
        (rows, SMOTE(**parameters), scaled),
        (mixed, SMOTENC(["trainer"], **parameters), scaled.assign(trainer=mixed.x["trainer"])),
    ):
        _, made = smote_nc.resample(table, smote_nc.Settings(winners_per_loser=0.6, neighbours=k), seed)
        expected = sampler.fit_resample(x, rows.y)[0][len(rows.y) :].reset_index(drop=True)
        np.testing.assert_allclose(
            (made[["weight", "price"]] - known["mean"]) / known["spread"], expected[["weight", "price"]]
        )
        assert "trainer" not in expected or made["trainer"].tolist() == expected["trainer"].tolist()


def test_the_unit_of_an_input_does_not_decide_who_is_near() -> None:
    rows, grams = races(0), races(0)
    grams.x["weight"] *= 1000
    parameters = smote_nc.Settings(winners_per_loser=0.6, neighbours=3)
    made, remade = (smote_nc.resample(table, parameters, 1)[1] for table in (rows, grams))
    assert made[["parent", "other"]].equals(remade[["parent", "other"]])
    np.testing.assert_allclose(made["weight"] * 1000, remade["weight"])


def test_a_synthetic_category_is_the_one_its_neighbours_have() -> None:
    rows = races(0, count=80)
    heavy = rows.y * np.where(rows.group % 2, 50.0, -50.0)
    rows.x["weight"] = heavy
    rows.x["trainer"] = pd.Categorical(np.select([heavy > 0, heavy < 0], ["ann", "bob"], "cy"))
    _, made = smote_nc.resample(rows, smote_nc.Settings(winners_per_loser=0.9, neighbours=5), 3)
    assert set(made["trainer"]) == {"ann", "bob"}
    assert ((made["weight"] > 0) == (made["trainer"] == "ann")).all()


def test_synthetic_rows_have_the_inputs_of_real_ones_in_kind_and_order() -> None:
    rows = races(0)
    _, made = smote_nc.resample(rows, smote_nc.Settings(winners_per_loser=0.6, neighbours=3), 0)
    assert made.columns.tolist() == [*rows.x.columns, "parent", "other", "target"]
    assert made[rows.x.columns].dtypes.equals(rows.x.dtypes)
    assert made.drop(columns=list_categorical_inputs(rows.x)).notna().all().all()
    assert made["parent"].dtype == made["other"].dtype == np.int64


def test_nothing_is_made_where_winners_are_already_as_frequent_as_asked() -> None:
    weight, made = smote_nc.resample(races(0), smote_nc.Settings(winners_per_loser=0.2, neighbours=3), 0)
    assert made.empty
    assert (weight == 1).all()


def test_too_few_winners_for_the_neighbours_are_rejected() -> None:
    with pytest.raises(UserError, match="found 3 winners where 3 neighbours need at least 4"):
        smote_nc.resample(races(0, count=3), smote_nc.Settings(winners_per_loser=0.9, neighbours=3), 0)


def test_inputs_without_a_number_are_rejected() -> None:
    with pytest.raises(UserError, match="only categorical inputs"):
        smote_nc.resample(
            races(0).select_inputs(["trainer"]), smote_nc.Settings(winners_per_loser=0.9, neighbours=3), 0
        )


def test_a_learner_gets_synthetic_rows_beside_their_parents_and_no_dropped_row() -> None:
    rows = races(0)
    keys = {"row_id": [f"r{n:03}" for n in rows.table_position], "group": rows.group, "time": rows.time}
    folds = pd.DataFrame({**keys, "target": rows.y, "soft_label": np.nan, "test_0": "fit"})
    features = pd.concat([folds[["row_id"]], rows.x], axis=1)
    weight, made = smote_nc.resample(rows, smote_nc.Settings(winners_per_loser=0.6, neighbours=3), 0)
    weight[0] = 0
    made[["parent", "other"]] = folds["row_id"].to_numpy()[made[["parent", "other"]]]
    weights = folds[["row_id"]].assign(test_0=weight)
    seen = FoldTables(features, folds, weights, made.assign(fold="test_0")).get_resampled_rows("test_0")
    assert len(seen.y) == len(rows.y) - 1 + len(made)
    assert seen.y.sum() == rows.y[1:].sum() + len(made)
    assert seen.x.dtypes.equals(rows.x.dtypes)
    assert (np.diff(seen.group) >= 0).all()
