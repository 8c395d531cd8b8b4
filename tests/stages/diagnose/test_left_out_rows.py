"""Lines that are missing where form was wrong, and players missing from the totals of their teams, break a promise."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.left_out_rows import compare_team_totals, compare_unlined_rows
from tests.stages.diagnose.test_diagnose import SEEDS
from tests.stages.diagnose.test_market_promises import SETTINGS, ask, keep, lines


def streaks(seed: int) -> Evidence:
    """Evidence of forty players in two teams, each with streaks of form, whose points sum to the team's."""
    random, days, players = np.random.default_rng(seed), 120, 40
    form = np.zeros((days, players))
    for day in range(1, days):
        form[day] = 0.9 * form[day - 1] + random.normal(size=players)
    points = np.round(20 + form + 4 * random.normal(size=(days, players)))
    rows = pd.DataFrame({"target": points.ravel(), "points": points.ravel()})
    rows["entity"], rows["team"] = np.tile(np.arange(players), days), np.tile(np.arange(players) % 2, days)
    rows["group"] = np.repeat(np.arange(days), players)
    rows["row_id"], rows["time"] = (
        rows.index.astype(str),
        pd.Timestamp("2024-01-01") + pd.to_timedelta(rows["group"], "D"),
    )
    rows["soft_label"] = np.where(random.random(len(rows)) < 0.7, np.floor(20 + form.ravel()) + 0.5, np.nan)
    rows["team_points"] = rows.groupby(["group", "team"])["points"].transform("sum")
    return replace(lines(seed), prepared=rows)


def find_form_misses(rows: pd.DataFrame) -> pd.Series:
    """Return where the result lay on the other side of the line than the last five."""
    form = rows.groupby("entity")["target"].transform(lambda points: points.shift().rolling(5).mean())
    return (form - rows["soft_label"]) * (rows["target"] - rows["soft_label"]) < 0


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_that_are_missing_by_chance_break_no_promise(seed: int) -> None:
    assert ask(streaks(seed))["status"] == "ok"


def test_lines_left_out_where_form_was_wrong_are_named() -> None:
    evidence = streaks(1)
    is_left_out = find_form_misses(evidence.prepared) & (np.random.default_rng(1).random(len(evidence.prepared)) < 0.7)
    lined = evidence.prepared.assign(soft_label=evidence.prepared["soft_label"].mask(is_left_out))
    found = ask(replace(evidence, prepared=lined))
    assert found["status"] == "warning"
    assert "results that go on as form did, on rows without a line" in found["details"]["broken"]


def test_players_left_out_of_teams_that_are_usually_complete_are_named() -> None:
    evidence = streaks(1)
    is_left_out = find_form_misses(evidence.prepared) & (np.random.default_rng(1).random(len(evidence.prepared)) < 0.1)
    found = ask(keep(evidence, ~is_left_out))
    assert found["details"]["broken"] == ["teams whose players' points sum to less than the team's"]
    set_aside = {"intake": {"set_aside": {"points that are not the sum": {"share": is_left_out.mean()}}}}
    assert ask(replace(keep(evidence, ~is_left_out), quality=set_aside))["details"]["broken"] == []
    partial = evidence.prepared[evidence.prepared["entity"] > 9].reset_index(drop=True)  # a source of some players
    assert ask(replace(evidence, prepared=partial))["status"] == "ok"


def test_without_a_choice_of_lines_or_complete_teams_nothing_is_promised() -> None:
    evidence = streaks(1)
    rows = evidence.prepared
    for soft_label in (np.nan, rows["target"] + 0.5):  # no row has a line, or every row has one
        same_lines = replace(evidence, prepared=rows.assign(soft_label=soft_label))
        assert compare_unlined_rows(same_lines, SETTINGS.form_gain) == []
    assert compare_team_totals(replace(evidence, prepared=rows.drop(columns="team_points")), SETTINGS.short_share) == []
    assert compare_team_totals(keep(evidence, rows["entity"] > 9), SETTINGS.short_share) == []


def test_the_share_of_short_teams_is_that_of_the_teams_counted_one_by_one() -> None:
    evidence = streaks(1)
    kept = keep(evidence, pd.Series(np.random.default_rng(1).random(len(evidence.prepared)) > 0.02))
    teams = [team for _, team in kept.prepared.groupby(["group", "team"])]
    is_short = [team["points"].sum() < 0.95 * team["team_points"].iloc[0] for team in teams]
    (promise,) = compare_team_totals(kept, SETTINGS.short_share)
    assert 0.1 < promise.paid < 0.9
    assert promise.paid == pytest.approx(np.mean(is_short))
