"""Lines that do not say what they are about are refused if their size is that of another quantity."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.prepare.props import Settings, columns
from stages.prepare.props.line_scale import reject_other_scale
from tests.stages.prepare.test_prepare_props_forms import PARAMS, Tables, changed, prepared, season, truth
from trueline.core.errors import UserError
from trueline.core.tables.intake_report import IntakeError, refuse_large_loss

quick = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SETTINGS = Settings(**PARAMS | {"quantity": "points", "sport": "basketball"})
KEY = ["player_id", "date"]


def about(stat: str, share: float = 1.0) -> pd.DataFrame:
    """Return the lines of the season as if they were about another statistic, and did not say so."""
    lines, games = season()["lines"], season()["games"]
    usual = games.groupby("player_id")[stat].mean()
    line = (lines["player_id"].map(usual) * share).round() + 0.5
    return lines.assign(line=line, open_line=np.nan).drop(columns="stat", errors="ignore")


@pytest.mark.parametrize("stat", ["rebounds", "assists"])
def test_lines_of_another_size_are_refused_until_they_say_what_they_are_about(stat: str) -> None:
    raw: Tables = changed(lines=lambda _: about(stat))
    with pytest.raises(UserError, match=rf"no column says what they are about.*; give them a column stat with {stat},"):
        prepared(raw)
    rows, _ = prepared(raw | {"lines": raw["lines"].assign(stat=stat)})
    graded = rows[rows["line_type"] == "actual"]
    assert len(graded) == (truth()["line_type"] == "actual").sum()
    assert abs(graded["target"].mean() - graded["line"].mean()) < 1


@quick
@given(st.floats(0.75, 1.3))
def test_lines_near_the_results_need_no_name(share: float) -> None:
    rows, _ = prepared(changed(lines=lambda _: about("points", share)))
    assert (rows["line_type"] == "actual").any()


@given(st.floats(8, 60), st.sampled_from([0.2, 0.6, 0.7, 0.9, 1.4, 1.6, 5.0]), st.integers(0, 60))
def test_only_enough_lines_far_from_the_results_are_refused(line: float, ratio: float, count: int) -> None:
    games = pd.DataFrame({"points": np.full(60, line * ratio), "rebounds": 0.5})
    lines = pd.Series(line, range(count))
    is_far = not 1 / 1.5 < ratio < 1.5
    expectation = pytest.raises(UserError) if count >= 30 and is_far else nullcontext()
    with expectation:
        reject_other_scale(lines, games, pd.DataFrame(index=games.index), SETTINGS)


@pytest.mark.parametrize("name", ["rec yards in all", "made"])
def test_a_column_of_an_unknown_name_with_the_size_of_the_lines_is_proposed(name: str) -> None:
    raw = changed(
        games=lambda games: games[[*KEY, "player", "game_id", "season", "team", "opponent", "home"]].assign(
            receptions=games["rebounds"], targets=games["rebounds"], **{name: games["points"]}
        ),
        lines=lambda lines: lines[lines["line"] > 8],
    )
    with pytest.raises(UserError, match=rf"the column '{name}' is .*columns: {{{name}: receiving_yards}}"):
        prepared(raw)
    rows, _ = prepared(raw, columns={name: "receiving_yards"})
    assert rows["target"].tolist() == truth()["target"].tolist()


def test_a_statistic_of_ones_own_may_exceed_that_of_a_sport_with_its_name() -> None:
    raw = changed(
        games=lambda games: games.assign(points=games["points"] * 10, fgm=np.nan), lines=lambda lines: lines[:0]
    )
    rows, _ = prepared(raw, quantity="points", own_stats={"points": [-30, 900]})
    assert rows["target"].max() > 150
    (declared,) = (column for column in columns(rows) if column.name == "points")
    assert (declared.low, declared.high) == (None, None)


def test_minutes_that_are_seconds_are_named() -> None:
    raw = changed(games=lambda games: games.assign(minutes=games["minutes"] * 60))
    with pytest.raises(IntakeError, match="minutes may be seconds; if so, divide them by 60"):
        refuse_large_loss(prepared(raw)[1], 0.2, "props")
