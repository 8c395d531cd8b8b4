"""Props of other sports than basketball, and quantities that are sums."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from stages.features.props import Settings as FeatureSettings
from stages.features.props import build
from stages.prepare.box_scores import read
from stages.prepare.props import Settings, columns, prepare
from stages.prepare.props.sports import SPORTS
from tests.pipeline_copy import ROOT
from trueline.core.history.past import Past
from trueline.core.runtime.params import expand_params
from trueline.core.tables.table_schema import validate_table

PARAMS = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))
TEAMS = [f"T{number}" for number in range(8)]


def settings(**changed: Any) -> Settings:
    return Settings(**PARAMS["prepare"]["props"] | changed)


def weekly(seasons: int = 2) -> pd.DataFrame:
    """Return weekly statistics of American football as the open data set gives them: no day, no game, no home."""
    random = np.random.default_rng(4)
    rows = []
    for season in range(2021, 2021 + seasons):
        for week in range(1, 18):
            for pair in random.permutation(TEAMS).reshape(-1, 2):
                for team, opponent in (pair, pair[::-1]):
                    for seat in range(4):
                        yards = int(random.gamma(2.0, 18 - 4 * seat)) * 3 - 4
                        rows.append((f"00-{team}{seat}", f"P. {team}{seat}", team, opponent, season, week, yards))
    names = ["player_id", "player_display_name", "recent_team", "opponent_team", "season", "week", "receiving_yards"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(season_type="REG", receptions=table["receiving_yards"].clip(0) // 11, targets=12)


def inputs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the inputs as the stage builds them."""
    asked = FeatureSettings(**PARAMS["features"]["props"])
    usable = [column for column in columns(rows) if not column.evaluation_only]
    present = [column.name for column in usable if column.known in ("before", asked.decision)]
    return build(rows[present], Past(rows[[column.name for column in usable]]), asked)


def test_weeks_of_american_football_go_in_unedited_with_the_lines_of_their_days(tmp_path: Path) -> None:
    games = weekly()
    games.to_csv(tmp_path / "stats_player_week.csv", index=False)
    first_sundays = {2021: pd.Timestamp("2021-09-12"), 2022: pd.Timestamp("2022-09-11")}
    sundays = games["season"].map(first_sundays) + pd.to_timedelta(7 * (games["week"] - 1), unit="D")
    shift = pd.to_timedelta(np.resize([-3, 0, 1], len(games)), unit="D")  # Thursday, Sunday and Monday
    lines = games[["player_id"]].assign(date=sundays + shift, line=30.5, market="player_reception_yds", book="A")
    lines.to_csv(tmp_path / "lines.csv", index=False)
    asked = settings(sport="american_football", quantity="receiving_yards")
    rows, report = prepare(read(str(tmp_path), asked), asked)
    validate_table(rows, columns(rows), "props")
    assert len(rows) == len(games)
    assert sorted(rows["time"].unique()) == sorted(sundays.unique())
    assert rows["line_type"].eq("actual").all()
    assert rows["target"].min() < 0
    assert rows["target"].max() == games["receiving_yards"].max()
    assert not report["set_aside"]["games"]
    table = inputs(rows)
    assert {"mean_5", "receptions_10", "targets_10"} <= set(table)
    assert not {"rebounds_10", "fg_pct_40"} & set(table)
    assert not table.filter(regex="minutes|rate|role").columns.tolist(), "there are no snaps"
    assert "role" not in rows


def starters(sport_minutes: list[float], name: str, values: list[int]) -> pd.DataFrame:
    """Return two teams that meet on twelve days, each player with a playing time and a value of his own."""
    rows = [
        {
            "player_id": f"{team}{seat}",
            "date": pd.Timestamp("2023-04-01") + pd.Timedelta(days=3 * day),
            "game_id": str(day),
            "season": "2023",
            "team": team,
            "opponent": opponent,
            "home": int(team == "A"),
            "minutes": minutes,
            name: value,
        }
        for day in range(12)
        for team, opponent in (("A", "B"), ("B", "A"))
        for seat, (minutes, value) in enumerate(zip(sport_minutes, values, strict=True))
    ]
    return pd.DataFrame(rows)


def test_starters_of_soccer_play_ninety_minutes_and_are_kept_and_roles_are_learned() -> None:
    games = starters([90, 90, 90, 60, 10], "shots", [3, 2, 1, 1, 0])
    rows, report = prepare({"games": games}, settings(sport="soccer", quantity="shots"))
    assert len(rows) == len(games)
    assert report["set_aside"]["games"] == {}
    last = rows[rows["time"] == rows["time"].max()].set_index("entity")["role"]
    assert (last["A0"], last["A4"]) == ("starter", "bench")
    known = rows.groupby("entity")["role"].first()
    fewer, _ = prepare(
        {"games": games[games["date"] < games["date"].max()]}, settings(sport="soccer", quantity="shots")
    )
    pd.testing.assert_series_equal(fewer["role"], rows["role"].head(len(fewer)))
    assert known.notna().all()


@pytest.mark.parametrize(("innings", "thirds"), [(5.0, 15), (5.1, 16), (5.2, 17)])
def test_innings_are_counted_in_thirds(innings: float, thirds: int) -> None:
    games = starters([innings, 7.0], "strikeouts", [5, 8]).rename(columns={"minutes": "IP"})
    rows, _ = prepare({"games": games}, settings(sport="baseball", quantity="strikeouts"))
    assert rows.loc[rows["entity"] == "A0", "minutes"].to_numpy() == pytest.approx(thirds / 3)


def test_a_sport_of_ones_own_is_declared_in_the_parameters() -> None:
    games = starters([1, 1], "kicks", [5, 31]).drop(columns="minutes")
    rows, report = prepare({"games": games}, settings(sport="own", quantity="kicks", own_stats={"kicks": [0, 30]}))
    assert report["set_aside"]["games"] == {"impossible count": 24}
    assert rows["kicks"].eq(5).all()
    assert rows["minutes"].eq(1).all()


def test_a_sum_of_statistics_is_a_quantity_with_lines_of_its_own() -> None:
    games = starters([30, 20], "points", [10, 4]).assign(rebounds=3, assists=2)
    key = games.loc[[0], ["player_id", "date"]]
    lines = pd.concat([key.assign(line=13.5, stat="Pts+Rebs+Asts"), key.assign(line=9.5, stat="points")])
    rows, report = prepare({"games": games, "lines": lines}, settings(quantity="points+rebounds+assists"))
    assert rows.loc[rows["entity"] == "A0", "target"].eq(15).all()
    assert rows["line"].dropna().tolist() == [13.5]
    assert report["set_aside"]["lines"] == {"another quantity": 1}


@pytest.mark.parametrize("sport", SPORTS)
def test_a_quantity_that_the_sport_does_not_have_is_rejected_with_those_that_it_has(sport: Any) -> None:
    with pytest.raises(ValidationError, match=f"'kicks' is no quantity of {sport}; take one of"):
        settings(sport=sport, quantity="kicks")
