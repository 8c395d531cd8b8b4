"""Stratified folds: no cluster is split, every row is scored once per repeat, and every fold has its share of tags."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.splits.iterative_stratification import assign_units_to_parts
from trueline.core.splits.stratified import StratifiedSettings, check_stratified_folds, split_stratified
from trueline.core.splits.walk_forward import list_folds

MANY = settings(deadline=None, max_examples=20)
DEFAULTS: dict[str, Any] = {
    "repeats": 2, "repeat_below": 10_000, "folds": 4, "calibrate_share": 0.25, "tune_folds": 3,
    "sealed_days": None, "dated": None,
}  # fmt: skip
seeds = st.integers(0, 10_000)
Rows = tuple[pd.DataFrame, pd.Series]


def make_settings(**changed: Any) -> StratifiedSettings:
    return StratifiedSettings(**{**DEFAULTS, **changed})


def rows(seed: int, least: int = 40) -> Rows:
    """Return rows with tags from nearly always to hardly ever, some in clusters of up to five."""
    random = np.random.default_rng(seed)
    size = random.choice([1, 1, 1, 2, 3, 5], random.integers(least, 3 * least))
    group = random.permutation(np.repeat([f"c{number:03}" for number in range(len(size))], size))
    chance = np.array([0.95, 0.6, 0.3, 0.1, 0.02])
    tagged = (random.random((len(group), len(chance))) < chance).astype(float)
    return pd.DataFrame(tagged, columns=[f"target:{tag}" for tag in "abcde"]), pd.Series(group)


def scored(folds: pd.DataFrame, kind: str) -> pd.DataFrame:
    return folds[list_folds(folds, kind)] == "score"


@MANY
@given(seeds)
def test_a_cluster_is_never_cut(seed: int) -> None:
    targets, group = rows(seed)
    folds = split_stratified(targets, group, make_settings(), seed)
    for name in list_folds(folds):
        assert folds[name].groupby(group).nunique().max() == 1


@MANY
@given(seeds, st.integers(1, 3), st.integers(2, 5), st.integers(2, 4))
def test_every_row_plays_a_role_in_every_fold_and_is_scored_once_a_repeat(
    seed: int, repeats: int, count: int, tune: int
) -> None:
    targets, group = rows(seed)
    folds = split_stratified(targets, group, make_settings(repeats=repeats, folds=count, tune_folds=tune), seed)
    tests = [f"test_{number}" for number in range(repeats * count)]
    assert list(folds) == [*(f"tune_{number}" for number in range(tune)), *tests, "final"] == list_folds(folds)
    assert folds.notna().all(axis=None)
    for start in range(0, len(tests), count):
        assert (scored(folds, "test")[tests[start : start + count]].sum(axis=1) == 1).all()
    assert (scored(folds, "tune").sum(axis=1) == 1).all()
    for name in tests:
        assert set(folds[name]) == {"fit", "calibrate", "score"}
    assert set(folds[list_folds(folds, "tune")].stack()) == {"fit", "score"}
    assert set(folds["final"]) == {"fit", "calibrate"}


@MANY
@given(seeds)
def test_the_order_of_rows_and_tags_leaves_no_trace(seed: int) -> None:
    targets, group = rows(seed)
    folds = split_stratified(targets, group, make_settings(), seed)
    order = np.random.default_rng(seed).permutation(len(group))
    turned = split_stratified(
        targets.iloc[order, ::-1].reset_index(drop=True), group[order].reset_index(drop=True), make_settings(), seed
    )
    pd.testing.assert_frame_equal(turned, folds.iloc[order].reset_index(drop=True))


@MANY
@given(seeds, st.integers(2, 6), st.integers(20, 80))
def test_rows_of_one_tag_each_are_shared_out_to_within_one(seed: int, count: int, size: int) -> None:
    tag = np.random.default_rng(seed).integers(4, size=size)
    counts = np.column_stack([np.ones(size), np.eye(4)[tag]])
    part = assign_units_to_parts(counts, [1 / count] * count, np.random.default_rng(seed))
    for number in range(4):
        held = np.bincount(part[tag == number], minlength=count)
        assert held.max() - held.min() <= 1
        assert held.sum() == (tag == number).sum()


@MANY
@given(seeds, st.floats(0.1, 0.9))
def test_rows_without_tags_are_shared_out_by_the_shares(seed: int, share: float) -> None:
    part = assign_units_to_parts(np.ones((97, 1)), [1 - share, share], np.random.default_rng(seed))
    assert abs((part == 1).sum() - 97 * share) <= 1


def distance(targets: pd.DataFrame, chosen: pd.Series) -> float:
    """Return how far the tags' shares among the chosen rows are from those among all, on average."""
    return float((targets[chosen.to_numpy()].mean() - targets.mean()).abs().mean())


def test_tags_are_balanced_far_better_than_by_chance() -> None:
    ours, chance, sizes = [], [], []
    for seed in range(12):
        targets, group = rows(seed, least=60)
        folds = split_stratified(targets, group, make_settings(), seed)
        part = np.random.default_rng(seed).permutation(np.arange(group.nunique()) % 4)[pd.factorize(group)[0]]
        for number in range(4):
            ours.append(distance(targets, folds[f"test_{number}"] == "score"))
            ours.append(distance(targets, folds[f"test_{number}"] == "calibrate"))
            chance.append(distance(targets, pd.Series(part == number)))
            sizes.append((folds[f"test_{number}"] == "score").mean())
    assert np.mean(ours) < 0.6 * np.mean(chance)
    assert max(ours) < 0.05
    assert 0.22 < min(sizes) <= max(sizes) < 0.28


def test_a_tag_of_a_few_rows_is_in_as_many_folds() -> None:
    targets, group = rows(3)
    group = pd.Series([f"r{number:03}" for number in range(len(targets))])
    targets["target:rare"] = [1.0] * 4 + [0.0] * (len(targets) - 4)
    folds = split_stratified(targets, group, make_settings(), 1)
    held = scored(folds, "test").to_numpy()[:4].sum(axis=0)
    assert held.tolist() == [1] * 8


def test_another_seed_gives_other_folds_and_every_partition_has_its_own_seed() -> None:
    targets, group = rows(5)
    one, other = (split_stratified(targets, group, make_settings(), seed) for seed in (1, 2))
    assert not one["test_0"].equals(other["test_0"])
    assert not scored(one, "test")["test_0"].equals(scored(one, "test")["test_4"])
    more = split_stratified(targets, group, make_settings(repeats=3), 1)
    pd.testing.assert_frame_equal(more[list(one)], one)


def test_too_few_clusters_are_rejected_with_the_fold_and_the_settings() -> None:
    targets, _ = rows(0)
    group = pd.Series(np.where(np.arange(len(targets)) % 2, "odd", "even"))
    with pytest.raises(UserError, match=r"fold tune_\d has no score rows: 2 clusters of rows are too few.*tune_folds"):
        split_stratified(targets, group, make_settings(), 1)


@pytest.mark.parametrize(
    ("fold", "was", "rows_changed", "role", "why"),
    [
        ("test_0", "score", 1, "calibrate", "cuts a cluster"),
        ("test_2", "fit", 2, None, "test_2 gives rows the role 'none'"),
        ("final", "fit", 2, "score", "final gives rows the role 'score'"),
        ("tune_0", "score", 2, "fit", "tune_0 to tune_2 do not score every row once"),
        ("test_4", "fit", 2, "score", "test_4 to test_7 do not score every row once"),
        ("test_1", "score", 1000, "fit", "test_1 has no score rows"),
    ],
)
def test_folds_that_were_tampered_with_are_rejected(
    fold: str, was: str, rows_changed: int, role: str | None, why: str
) -> None:
    targets, _ = rows(7)
    group = pd.Series([f"p{number // 2:03}" for number in range(len(targets))])
    folds = split_stratified(targets, group, make_settings(), 7)
    folds.loc[folds.index[folds[fold] == was][:rows_changed], fold] = role
    with pytest.raises(UserError, match=why):
        check_stratified_folds(folds, group, make_settings())


@pytest.mark.parametrize("changed", [{"folds": 1}, {"tune_folds": 1}, {"calibrate_share": 1.0}, {"repeats": 0}])
def test_settings_out_of_range_are_rejected(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        make_settings(**changed)


def test_a_large_table_is_partitioned_once_as_a_small_one_is_the_first_time() -> None:
    targets, group = rows(3)
    count = len(targets)
    once, twice = (split_stratified(targets, group, make_settings(repeat_below=at), 3) for at in (count, count + 1))
    assert (len(list_folds(once, "test")), len(list_folds(twice, "test"))) == (4, 8)
    pd.testing.assert_frame_equal(once, twice[list(once)])
