"""Walk-forward folds: no row is predicted from data that were not known at its time."""

from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.splits.walk_forward import (
    WalkForwardSettings,
    check_folds,
    explain_moving_folds,
    list_folds,
    walk_forward,
)

DAY = np.timedelta64(1, "D")
START = np.datetime64("2024-01-01")
DEFAULTS: dict[str, Any] = {
    "first_day": None,
    "first_test": 0.6,
    "last_test": None,
    "test_days": 10,
    "calibrate_days": 8,
    "calibrate_rows": None,
    "tune_folds": 2,
    "tune_days": 7,
    "window_days": None,
    "embargo_days": 0,
    "label_delay_days": 0,
    "shorten": False,
    "sealed_days": None,
    "final": "newest",
}
POOL = 16
MANY = settings(deadline=None, max_examples=POOL)
FEW = settings(deadline=None, max_examples=4)
seeds = st.integers(0, POOL - 1)


def make_settings(**changed: Any) -> WalkForwardSettings:
    return WalkForwardSettings(**{**DEFAULTS, **changed})


def calendar(days: int = 100, groups: int = 3, rows: int = 2) -> tuple[pd.Series, pd.Series]:
    """Return times and groups: so many days, groups a day, rows a group."""
    at = np.repeat(np.arange(days * groups), rows)
    time = pd.Series(START.astype("datetime64[us]") + (at // groups) * DAY + (at % groups) * np.timedelta64(5, "h"))
    return time, pd.Series([f"g{number:04}" for number in at])


@lru_cache
def history(seed: int) -> tuple[pd.Series, pd.Series, WalkForwardSettings, pd.DataFrame]:
    """Return rows, settings and folds: gaps and ties in time, groups of up to three days, rows in any order.

    Draws again if the rows are too few for the settings.
    """
    random = np.random.default_rng(seed)
    for _ in range(1000):
        time, group, walk = _draw_history(random)
        try:
            return time, group, walk, walk_forward(time, group, walk)
        except UserError as error:
            if "too few for these folds" not in str(error):
                raise
    raise AssertionError("no history was long enough")


def _draw_history(random: np.random.Generator) -> tuple[pd.Series, pd.Series, WalkForwardSettings]:
    length, count = random.integers(70, 140), random.integers(80, 160)
    group = np.repeat(np.arange(count), random.integers(1, 4, count))
    stretch = random.integers(0, random.integers(1, 4), len(group))
    hours = (np.sort(random.choice(length, count))[group] + stretch) * 24 + random.integers(0, 24, len(group))
    walk = make_settings(
        first_test=float(random.uniform(0.5, 0.8)),
        test_days=int(random.integers(5, 15)),
        calibrate_days=int(random.integers(3, 12)),
        calibrate_rows=[None, 10, 20][random.integers(3)],
        tune_folds=int(random.integers(1, 4)),
        tune_days=int(random.integers(3, 8)),
        window_days=[None, 10, 40][random.integers(3)],
        embargo_days=int(random.integers(0, 5)),
        label_delay_days=int(random.integers(0, 4)),
        sealed_days=None,
    )
    shuffled = random.permutation(len(group))
    moments = START.astype("datetime64[us]") + hours[shuffled] * np.timedelta64(1, "h")
    return pd.Series(moments), pd.Series(group[shuffled]), walk


def day(moment: Any) -> int:
    return int((np.datetime64(moment, "D") - START) / DAY)


def first_calibrated(days: pd.Series, until: int, walk: WalkForwardSettings) -> int:
    """Return the first calibrate day by trying all days: few enough days, or the newest that hold enough rows."""
    days_before = [int(day) for day in sorted(set(days)) if day < until]
    with_enough_rows = [
        day for day in days_before if walk.calibrate_rows and days.between(day, until - 1).sum() >= walk.calibrate_rows
    ]
    return max([days_before[-walk.calibrate_days], *with_enough_rows])


def first_tested(days: pd.Series, walk: WalkForwardSettings) -> int:
    assert isinstance(walk.first_test, float)
    return int(days.min() + int((days.max() + 1 - days.min()) * walk.first_test))


@MANY
@given(seeds)
def test_what_is_fitted_is_earlier_than_what_calibrates_and_that_than_what_is_scored(seed: int) -> None:
    time, _, walk, folds = history(seed)
    gap = walk.embargo_days + walk.label_delay_days
    for name in list_folds(folds):
        spans = [time[folds[name] == role] for role in ("fit", "calibrate", "score") if (folds[name] == role).any()]
        for before, after in pairwise(spans):
            assert before.max() < after.min()
            assert day(after.min()) - day(before.max()) > gap, "a label must be known, and the embargo over"


@MANY
@given(seeds)
def test_a_group_is_never_cut(seed: int) -> None:
    _, group, _, folds = history(seed)
    for name in list_folds(folds):
        assert folds[name].fillna("none").groupby(group).nunique().max() == 1


@MANY
@given(seeds)
def test_tuning_never_sees_the_test_period(seed: int) -> None:
    time, _, walk, folds = history(seed)
    tested = time[(folds[list_folds(folds, "test")] == "score").any(axis=1)].min()
    tuned = time[folds[list_folds(folds, "tune")].notna().any(axis=1)].max()
    assert tuned < tested
    assert day(tested) - day(tuned) > walk.embargo_days + walk.label_delay_days


@MANY
@given(seeds)
def test_a_row_is_scored_by_one_test_fold_at_most_and_every_whole_group_of_the_test_period_by_one(seed: int) -> None:
    time, group, walk, folds = history(seed)
    scored = (folds[list_folds(folds, "test")] == "score").sum(axis=1)
    assert scored.max() == 1
    first = pd.Series([day(moment) for moment in time])
    start = first_tested(first, walk)
    block = (first - start) // walk.test_days
    whole = block.groupby(group).transform("nunique") == 1
    assert (scored[whole & (block >= 0)] == 1).all()
    assert (scored[block < 0] == 0).all()


@MANY
@given(seeds)
def test_a_rolling_window_forgets_and_an_expanding_one_does_not(seed: int) -> None:
    time, group, walk, folds = history(seed)
    days = pd.Series([day(moment) for moment in time])
    first, last = days.groupby(group).transform("min"), days.groupby(group).transform("max")
    for name in list_folds(folds):
        fitted = folds[name] == "fit"
        assert ((first >= first[fitted].min()) & (last <= last[fitted].max())).equals(fitted)
        if walk.window_days is None:
            assert first[fitted].min() == first.min()
        else:
            assert days[fitted].max() - days[fitted].min() < walk.window_days


@MANY
@given(seeds)
def test_roles_are_those_that_counting_days_gives(seed: int) -> None:
    time, group, walk, folds = history(seed)
    days = pd.Series([day(moment) for moment in time])
    first, last = days.groupby(group).transform("min"), days.groupby(group).transform("max")
    gap, end = walk.embargo_days + walk.label_delay_days, days.max() + 1
    test = first_tested(days, walk)
    blocks = [
        start
        for start in range(test, end, walk.test_days)
        if ((first >= start) & (last < min(start + walk.test_days, end))).any()
    ]
    assert len(blocks) == len(list_folds(folds, "test"))
    for start, name in zip(blocks, list_folds(folds, "test"), strict=True):
        calibrated = first_calibrated(days, start - gap, walk)
        until = calibrated - gap
        since = days.min() if walk.window_days is None else until - walk.window_days
        assert (folds[name] == "score").equals((first >= start) & (last < min(start + walk.test_days, end)))
        assert (folds[name] == "calibrate").equals((first >= calibrated) & (last < start - gap))
        assert (folds[name] == "fit").equals((first >= since) & (last < until))


@MANY
@given(seeds)
def test_tuning_scores_the_newest_days_with_rows_before_the_first_test_day_block_by_block(seed: int) -> None:
    time, group, walk, folds = history(seed)
    days = pd.Series([day(moment) for moment in time])
    first, last = days.groupby(group).transform("min"), days.groupby(group).transform("max")
    stop = first_tested(days, walk) - walk.embargo_days - walk.label_delay_days
    for name in reversed(list_folds(folds, "tune")):
        start = [day for day in sorted(set(days)) if day < stop][-walk.tune_days]
        assert (folds[name] == "score").equals((first >= start) & (last < stop))
        stop = start


@MANY
@given(seeds)
def test_the_final_fold_uses_the_newest_days_and_scores_nothing(seed: int) -> None:
    time, group, walk, folds = history(seed)
    newest = time.groupby(group).transform("max") == time.max()
    days = pd.Series([day(moment) for moment in time])
    short = days.groupby(group).transform("min") >= first_calibrated(days, days.max() + 1, walk)
    assert (folds.loc[newest & short, "final"] == "calibrate").all()
    assert "score" not in set(folds["final"].dropna())


@FEW
@given(seeds)
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    time, group, walk, folds = history(seed)
    turned = walk_forward(time[::-1].reset_index(drop=True), group[::-1].reset_index(drop=True), walk)
    pd.testing.assert_frame_equal(turned[::-1].reset_index(drop=True), folds)


@FEW
@given(seeds)
def test_days_still_to_come_change_no_fold_that_is_past(seed: int) -> None:
    time, group, walk, _ = history(seed)
    start = START + first_tested(pd.Series([day(moment) for moment in time]), walk) * DAY
    fixed = walk.model_copy(update={"first_test": start.item()})
    folds = walk_forward(time, group, fixed)
    known = list_folds(folds, "t")[:-1]  # the last test block may still be growing
    later = pd.concat([time, pd.Series([time.max() + k * DAY for k in range(1, 30)])], ignore_index=True)
    grown = pd.concat([group, pd.Series(range(10_000, 10_029))], ignore_index=True)
    again = walk_forward(later, grown, fixed)
    pd.testing.assert_frame_equal(again.loc[: len(time) - 1, known], folds[known])


@MANY
@given(seeds, st.integers(0, 1_000))
def test_the_final_fold_of_a_schedule_is_fitted_as_the_test_fold_that_scores_the_next_day_will_be(
    seed: int, draw: int
) -> None:
    time, group, walk, _ = history(seed)
    start = START + first_tested(pd.Series([day(moment) for moment in time]), walk) * DAY
    fixed = walk.model_copy(update={"first_test": start.item()})
    last_days = time.groupby(group).transform("max").dt.normalize()
    candidates = time.dt.normalize()[(time >= start) & (time.dt.normalize() < time.max().normalize())].unique()
    newest = pd.Timestamp(sorted(candidates)[draw % len(candidates)])
    # of a group that goes on, nobody knows that morning that it will
    is_kept = (last_days <= newest) | (time.groupby(group).transform("min").dt.normalize() > newest)
    time, group = (values[is_kept].reset_index(drop=True) for values in (time, group))
    folds, is_known = walk_forward(time, group, fixed), time.dt.normalize() <= newest
    next_day = time[~is_known].min()
    scoring = next(
        (name for name in list_folds(folds, "test") if folds.loc[time == next_day, name].eq("score").any()), ""
    )
    # else all groups of the next day, or all before it, are cut by the end of a block
    assume(scoring and folds.loc[is_known, list_folds(folds, "test")].eq("score").any(axis=None))
    known_time, known_group = (values[is_known].reset_index(drop=True) for values in (time, group))
    newest_known = known_time.max().normalize()  # earlier than the newest day if all its groups go on
    is_next_block = (next_day.normalize() - start) // walk.test_days != (newest_known + DAY - start) // walk.test_days
    final = next_day.date() if is_next_block else "schedule"
    known_folds = walk_forward(known_time, known_group, fixed.model_copy(update={"final": final}))
    expected = folds.loc[is_known, scoring].where(folds[scoring] != "score").reset_index(drop=True)
    pd.testing.assert_series_equal(known_folds["final"], expected, check_names=False)
    newest_folds = walk_forward(known_time, known_group, fixed)
    pd.testing.assert_frame_equal(known_folds.drop(columns="final"), newest_folds.drop(columns="final"))


def test_between_two_retrainings_the_final_fold_of_a_schedule_does_not_change_and_a_day_may_be_named() -> None:
    time, group = calendar()
    scheduled = make_settings(first_test=date(2024, 3, 1), final="schedule")
    fits = {}
    for newest in pd.date_range("2024-03-01", "2024-03-24"):
        known = time.dt.normalize() <= newest
        role = walk_forward(time[known], group[known], scheduled)["final"].dropna()
        fits[newest] = tuple(role.items())
    assert [newest.day for newest in fits if fits[newest] != fits.get(newest - DAY)] == [1, 10, 20]
    named = walk_forward(time, group, scheduled.model_copy(update={"final": date(2024, 3, 12)}))["final"].dropna()
    assert tuple(named.items()) == fits[pd.Timestamp("2024-03-11")]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"final": "schedule"}, r"a share \(0.6\) of a history that grows, .* a date, now 2024-03-01"),
        (
            {"final": date(2024, 2, 29), "first_test": date(2024, 3, 1)},
            "names 2024-02-29, .* first test day is 2024-03-01",
        ),
    ],
)
def test_a_final_fold_that_no_schedule_has_is_rejected(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(UserError, match=why):
        walk_forward(*calendar(), make_settings(**changed))


def test_folds_are_named_in_the_order_they_are_walked() -> None:
    folds = walk_forward(*calendar(), make_settings())
    assert list(folds) == ["tune_0", "tune_1", "test_0", "test_1", "test_2", "test_3", "final"]
    assert list_folds(folds, "tune") == ["tune_0", "tune_1"]
    assert list_folds(folds.assign(row_id="r", target=1.0)) == list(folds)


def test_the_first_test_day_may_be_a_date_or_a_share() -> None:
    by_share, by_date = (walk_forward(*calendar(), make_settings(first_test=day)) for day in (0.6, date(2024, 3, 1)))
    pd.testing.assert_frame_equal(by_share, by_date)


def test_a_share_moves_the_folds_when_days_are_added_and_the_date_that_is_named_does_not() -> None:
    days, group = calendar()
    is_early = days < days.max() - DAY * 4
    settings = make_settings(first_test=0.6)
    note = explain_moving_folds(days[is_early], settings)
    first_day = next(word for word in note.split() if word.startswith("2024-"))
    fixed = make_settings(first_test=first_day)
    assert explain_moving_folds(days, fixed) == ""
    early = walk_forward(days[is_early], group[is_early], settings)
    pd.testing.assert_frame_equal(early, walk_forward(days[is_early], group[is_early], fixed))
    assert not walk_forward(days, group, settings)["test_0"][is_early].equals(early["test_0"])
    assert walk_forward(days, group, fixed)["test_0"][is_early].equals(early["test_0"])


@pytest.mark.parametrize("first_test", [date(2030, 1, 1), date(2023, 12, 31), 0.0, 1.0, 1.5])
def test_a_first_test_day_outside_the_data_is_rejected(first_test: float | date) -> None:
    with pytest.raises(UserError, match="outside the data, which run from 2024-01-01 to 2024-04-09"):
        walk_forward(*calendar(), make_settings(first_test=first_test))


def test_too_little_history_is_rejected_with_the_fold_and_the_settings() -> None:
    with pytest.raises(UserError, match=r"fold tune_0 has no fit rows: the 20 days .*tune_folds"):
        walk_forward(*calendar(days=20), make_settings())


def test_a_summer_without_rows_is_no_fold_and_the_season_before_it_calibrates_the_next() -> None:
    time, group = calendar()
    kept = ~time.between("2024-03-05", "2024-04-01")
    time, group = time[kept].reset_index(drop=True), group[kept].reset_index(drop=True)
    folds = walk_forward(time, group, make_settings())
    scored = [time[folds[name] == "score"].dt.strftime("%m-%d") for name in list_folds(folds, "test")]
    assert [(part.min(), part.max()) for part in scored] == [("03-01", "03-04"), ("04-01", "04-09")]
    calibrated = time[folds["test_1"] == "calibrate"].dt.strftime("%m-%d")
    assert (calibrated.min(), calibrated.max(), calibrated.nunique()) == ("02-26", "03-04", 8)


@pytest.mark.parametrize(
    ("fold", "rows", "role", "why"),
    [
        ("test_0", slice(-1, None), "fit", "not earlier"),
        ("test_0", slice(-1, None), "calibrate", "not earlier"),
        ("final", slice(-1, None), "fit", "not earlier"),
        ("test_1", slice(0, 1), None, "cuts a group"),
        ("tune_1", slice(-2, None), "score", "rows of the test period"),
        ("test_2", slice(None), "fit", "no calibrate and no score"),
    ],
)
def test_folds_that_were_tampered_with_are_rejected(fold: str, rows: slice, role: str | None, why: str) -> None:
    time, group = calendar()
    folds = walk_forward(time, group, make_settings())
    folds.loc[folds.index[rows], fold] = role
    with pytest.raises(UserError, match=why):
        check_folds(folds, time, group)


@pytest.mark.parametrize("changed", [{"test_days": 0}, {"embargo_days": -1}, {"window_days": 0}, {"shuffle": True}])
def test_settings_out_of_range_are_rejected(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        make_settings(**changed)


def test_rows_outside_the_first_day_and_the_last_test_day_play_no_role() -> None:
    time, group = calendar()
    first, last = date(2024, 1, 15), date(2024, 3, 20)
    folds = walk_forward(time, group, make_settings(first_day=first, first_test=date(2024, 3, 1), last_test=last))
    days = time.dt.date
    assert folds[(days < first) | (days > last)].isna().all(axis=None)
    assert folds[(days >= first) & (days <= last)].notna().any(axis=1).all()
    assert days[(folds["test_0"] == "fit")].min() == first
    assert days[folds["final"].notna()].max() == last
    assert days[(folds.filter(like="test_") == "score").any(axis=1)].max() == last


def test_cutting_the_table_at_both_ends_gives_the_folds_that_the_settings_give() -> None:
    time, group = calendar()
    first, last = date(2024, 1, 15), date(2024, 3, 20)
    kept = (time.dt.date >= first) & (time.dt.date <= last)
    walk = make_settings(first_test=date(2024, 3, 1))
    cut = walk_forward(time[kept].reset_index(drop=True), group[kept].reset_index(drop=True), walk)
    named = walk_forward(time, group, walk.model_copy(update={"first_day": first, "last_test": last}))
    pd.testing.assert_frame_equal(named[kept].reset_index(drop=True), cut.reset_index(drop=True))


def test_a_period_without_rows_is_rejected() -> None:
    with pytest.raises(UserError, match="have no rows"):
        walk_forward(*calendar(), make_settings(first_day=date(2031, 1, 1)))


def test_a_day_written_as_text_is_a_day() -> None:
    assert make_settings(first_test="2024-03-01").first_test == date(2024, 3, 1)
