"""Exchanged outcomes: only rows that teach a fold nothing get others, and a race keeps one winner."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.score_audit.exchanged_outcomes import (
    draw_test_folds,
    exchange_outcomes,
    find_score_rows,
    find_unseen_rows,
    is_tuned_on,
)

FEW = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 1000)


def build_races(seed: int) -> pd.DataFrame:
    """Return races of 2 to 6 runners in any order, with one winner each and the chance that the market gave it."""
    random = np.random.default_rng(seed)
    race = np.repeat(np.arange(15), random.integers(2, 7, 15))
    table = pd.DataFrame({"row_id": [f"r{number}" for number in range(len(race))], "group": race.astype(str)})
    table["time"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(race, "D")
    winners = table.groupby("group")["row_id"].sample(1, random_state=seed)
    table["target"] = table["row_id"].isin(winners).astype(float)
    table["soft_label"] = random.random(len(table)) + table["target"]
    roles = {"tune_0": (4, 4, 6), "test_0": (6, 9, 12), "test_1": (9, 12, 15)}
    for fold, (fit, calibrate, score) in roles.items():
        role = np.select([race < fit, race < calibrate, race < score], ["fit", "calibrate", "score"], "")
        table[fold] = pd.Series(role).replace("", None)
    return table.sample(frac=1.0, random_state=seed).reset_index(drop=True)


def build_scores(folds: pd.DataFrame) -> pd.DataFrame:
    """Return the keys of the scores of both test folds, as train writes them."""
    tables = [folds.assign(fold=fold, role=folds[fold]) for fold in ("test_0", "test_1")]
    scores = pd.concat(tables, ignore_index=True).drop(columns=["tune_0", "test_0", "test_1", "soft_label"])
    return scores[scores["role"].isin(["calibrate", "score"])].reset_index(drop=True)


@FEW
@given(seeds)
def test_a_race_keeps_one_winner_who_is_another_and_carries_the_markets_chance_along(seed: int) -> None:
    folds = build_races(seed)
    is_unseen = find_unseen_rows(folds, "test_0")
    exchanged = exchange_outcomes(folds, is_unseen, seed)
    assert exchanged[~is_unseen].equals(folds[~is_unseen])
    assert exchanged.drop(columns=["target", "soft_label"]).equals(folds.drop(columns=["target", "soft_label"]))
    before, after = (table[is_unseen] for table in (folds, exchanged))
    assert after.groupby("group")["target"].sum().eq(1).all()
    assert not (before["target"].eq(1) & after["target"].eq(1)).any()
    assert (after["soft_label"] > 1).equals(after["target"] == 1)
    for table in (before, after):
        assert sorted(table["soft_label"]) == sorted(before["soft_label"])


@FEW
@given(seeds)
def test_quantities_and_tags_move_as_they_are_and_their_totals_with_them(seed: int) -> None:
    random, folds = np.random.default_rng(seed), build_races(seed)
    quantities = folds.assign(target=random.normal(20, 5, len(folds)), late=np.arange(len(folds)).astype(str))
    is_unseen = find_unseen_rows(folds, "test_0")
    exchanged = exchange_outcomes(quantities, is_unseen, seed, ["late"])
    assert exchanged.loc[is_unseen, "target"].isin(quantities.loc[is_unseen, "target"]).all()
    assert exchanged["target"].sum() != quantities["target"].sum()
    assert (quantities["target"].to_numpy()[exchanged["late"].astype(int)] == exchanged["target"]).all()
    tags = folds.drop(columns="target").assign(**{f"target:{tag}": random.integers(0, 2, len(folds)) for tag in "ab"})
    tag_sets = exchange_outcomes(tags, is_unseen, seed).loc[is_unseen, ["target:a", "target:b"]]
    assert set(map(tuple, tag_sets.to_numpy())) <= set(
        map(tuple, tags.loc[is_unseen, ["target:a", "target:b"]].to_numpy())
    )


@FEW
@given(seeds)
def test_folds_and_the_scores_made_with_them_draw_the_same_folds_in_any_order_and_the_data_decide(seed: int) -> None:
    folds = build_races(seed)
    scores = build_scores(folds)
    drawn = draw_test_folds(folds, 1, seed)
    assert drawn == draw_test_folds(scores.sample(frac=1.0, random_state=1), 1, seed)
    assert draw_test_folds(folds, 5, seed) == ["test_0", "test_1"]
    assert draw_test_folds(folds, 0, seed) == []


def test_every_fold_is_drawn_by_some_data() -> None:
    assert {draw_test_folds(build_races(seed), 1, 0)[0] for seed in range(20)} == {"test_0", "test_1"}


def test_rows_that_fit_calibrate_or_tune_are_left_alone() -> None:
    folds = build_races(1)
    race = folds["group"].astype(int)
    assert race[find_unseen_rows(folds, "test_0")].min() == 9  # those that it scores, and the later ones
    assert race[find_unseen_rows(folds, "test_1")].min() == 12
    window = folds.assign(test_1=folds["test_1"].where(race >= 5))
    assert sorted(set(race[find_unseen_rows(window, "test_1")])) == [12, 13, 14]  # the older ones tune
    scores = build_scores(folds)
    unseen = scores[find_unseen_rows(scores, "test_0")]
    assert set(unseen["role"]) == {"score"}
    assert set(unseen["fold"]) == {"test_0"}


@pytest.mark.parametrize(("tuned", "expected"), [("score", True), ("fit", True), (None, False)])
def test_tuning_may_see_score_rows_only_where_a_tune_fold_has_them(tuned: str | None, expected: bool) -> None:
    folds = build_races(2)
    is_scored = folds["test_1"] == "score"
    assert is_tuned_on(folds.assign(tune_0=folds["tune_0"].mask(is_scored, tuned)), "test_1") == expected


@FEW
@given(seeds)
def test_another_day_changes_neither_the_drawn_fold_nor_what_its_score_rows_get(seed: int) -> None:
    folds = build_races(seed)
    later = folds["group"].astype(int) >= 14
    for table in (folds, folds.assign(target=np.arange(len(folds)) / 7)):  # a race has one winner, a quantity has any
        before = table[~later].reset_index(drop=True)
        assert draw_test_folds(table, 1, seed) == draw_test_folds(before, 1, seed)
        outcomes = []
        for rows in (table, before):
            scored = find_score_rows(rows, "test_0")
            exchanged = exchange_outcomes(rows, find_unseen_rows(rows, "test_0"), seed, pool=scored)
            outcomes.append(exchanged.loc[scored].set_index("row_id")["target"].sort_index())
            assert not outcomes[-1].equals(rows[scored].set_index("row_id")["target"].sort_index())
            assert set(outcomes[-1]) <= set(rows.loc[scored, "target"])
        assert outcomes[0].equals(outcomes[1])
