"""Downloads in the shapes of public sources go in unedited and give the rows of the same tables in our form."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.prepare.box_scores import nba_api, read
from stages.prepare.props import Settings, prepare
from tests.download_makers import write_corrected_download
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params
from trueline.core.tables.source_settings import PLAIN_SOURCE

SETTINGS = Settings(**expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))["prepare"]["props"])
KEY = ["player_id", "date"]
LINES = ["target", "minutes", "home", "line", "over_price", "under_price", "n_books", "line_type"]


@pytest.fixture(scope="module")
def weeks() -> dict[str, pd.DataFrame]:
    """Some weeks of the sample, without what was planted in it: box scores, and main lines of the last time."""
    raw = read(str(ROOT / "data/sample/props"))
    games = raw["games"][raw["games"]["date"] < "2022-11-20"].drop_duplicates(KEY)
    games = games[games["minutes"].between(1, 60) & games["points"].ge(0)]
    games = games[2 * games["fgm"] + games["fg3m"] + games["ftm"] == games["points"]].reset_index(drop=True)
    lines = raw["lines"].merge(games[[*KEY, "player", "start_time"]], on=KEY)
    lines = lines[(lines["line_type"] == "actual") & (lines["quoted_at"] <= lines["start_time"])]
    lines = lines.sort_values("quoted_at").drop_duplicates([*KEY, "book"], keep="last").drop(columns="open_line")
    return {"games": games, "lines": lines}


def as_nba_api(games: pd.DataFrame) -> pd.DataFrame:
    """Return box scores as the client of the statistics service gives a season of player logs."""
    short = {team: team[:3].upper() for team in games["team"].unique()}
    teams, opponents = games["team"].map(short), games["opponent"].map(short)
    return pd.DataFrame(
        {
            "SEASON_YEAR": games["season"],
            "PLAYER_ID": games["player_id"],
            "PLAYER_NAME": games["player"],
            "TEAM_ID": 1610612737,
            "TEAM_ABBREVIATION": teams,
            "TEAM_NAME": games["team"],
            "GAME_ID": [f"00222{number:05d}" for number in games["game_id"].factorize(sort=True)[0]],
            "GAME_DATE": games["date"].dt.strftime("%Y-%m-%dT00:00:00"),
            "MATCHUP": teams + np.where(games["home"], " vs. ", " @ ") + opponents,
            "MIN": games["minutes"],
            **{
                name.upper(): games[name]
                for name in ("fgm", "fga", "fg_pct", "fg3m", "fg3a", "ftm", "fta", "plus_minus")
            },
            "REB": games["rebounds"],
            "AST": games["assists"],
            "TOV": games["turnovers"],
            "STL": games["steals"],
            "BLK": games["blocks"],
            "PTS": games["points"],
        }
    )


def list_rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples())


def as_events(lines: pd.DataFrame) -> list[dict[str, Any]]:
    """Return lines as an odds API's events: bookmakers, their markets, and over and under as outcomes."""
    events = []
    keys: Any
    for keys, quotes in lines.groupby(["start_time", "book"]):
        start, book = keys
        markets = [
            {
                "key": "player_points",
                "last_update": f"{row.quoted_at:%Y-%m-%dT%H:%M:%SZ}",
                "outcomes": [
                    {"name": side, "description": row.player, "price": price, "point": row.line}
                    for side, price in (("Over", row.over_price), ("Under", row.under_price))
                ],
            }
            for row in list_rows(quotes)
        ]
        bookmaker = {"key": book.lower(), "title": book, "markets": markets}
        events.append(
            {
                "id": f"{start}",
                "sport_key": "x",
                "commence_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "bookmakers": [bookmaker],
            }
        )
    return events


def assert_same_lines(folder: Path, weeks: dict[str, pd.DataFrame], columns: list[str] = LINES) -> None:
    names = weeks["games"].set_index("player_id")["player"].to_dict()
    expected = prepare(weeks, SETTINGS)[0]
    expected = expected.assign(player=expected["player"].fillna(expected["entity"].map(names)))
    rows = prepare(read(str(folder)), SETTINGS)[0]
    found, wanted = (
        table.sort_values(["player", "time"])[["player", "time", *columns]].reset_index(drop=True)
        for table in (rows, expected)
    )
    pd.testing.assert_frame_equal(found, wanted, rtol=1e-9, check_dtype=False)


def flatten_outcomes(events: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "commence_time": event["commence_time"],
                "bookmaker": bookmaker["title"],
                "last_update": market["last_update"],
                "market": market["key"],
                "label": outcome["name"],
                **{name: outcome[name] for name in ("description", "price", "point")},
            }
            for event in events
            for bookmaker in event["bookmakers"]
            for market in bookmaker["markets"]
            for outcome in market["outcomes"]
        ]
    )


@pytest.mark.parametrize("form", ["events", "an event a file", "a snapshot", "csv"])
def test_a_season_of_box_scores_and_an_odds_feed_go_in_unedited(
    weeks: dict[str, pd.DataFrame], tmp_path: Path, form: str
) -> None:
    games = as_nba_api(weeks["games"])
    games.head(300).to_csv(tmp_path / "player_logs_1.csv", index=False)
    games.iloc[300:].to_csv(tmp_path / "player_logs_2.csv", index=False)
    events = as_events(weeks["lines"])
    if form == "csv":
        flatten_outcomes(events).to_csv(tmp_path / "odds.csv", index=False)
    elif form == "an event a file":
        for number, event in enumerate(events):
            (tmp_path / f"event_{number}.json").write_text(json.dumps(event))
    else:
        snapshot = {"timestamp": "2022-11-20T00:00:00Z", "previous_timestamp": None, "data": events}
        (tmp_path / "odds.json").write_text(json.dumps(events if form == "events" else snapshot))
    assert_same_lines(tmp_path, weeks)


def test_a_pickem_board_gives_lines_without_prices_and_leaves_other_multiples_out(
    weeks: dict[str, pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = weeks["lines"].drop_duplicates(KEY)
    board = {
        "data": [
            {
                "type": "projection",
                "id": f"{number}{odds_type}",
                "attributes": {
                    "line_score": row.line + step,
                    "stat_type": "Points",
                    "odds_type": odds_type,
                    "start_time": f"{row.start_time:%Y-%m-%dT%H:%M:%S}+00:00",
                },
                "relationships": {"new_player": {"data": {"type": "new_player", "id": str(row.player_id)}}},
            }
            for number, row in enumerate(list_rows(lines))
            for odds_type, step in (("standard", 0), ("demon", 4))
        ],
        "included": [
            {"type": "new_player", "id": str(row.player_id), "attributes": {"name": row.player}}
            for row in list_rows(lines.drop_duplicates("player_id"))
        ],
    }
    (tmp_path / "projections.json").write_text(json.dumps(board))
    as_nba_api(weeks["games"]).to_csv(tmp_path / "logs.csv", index=False)
    bare = lines.assign(over_price=np.nan, under_price=np.nan)
    assert_same_lines(tmp_path, weeks | {"lines": bare}, ["target", "line", "over_price", "line_type"])
    assert f"{len(lines)} pick'em lines" in capsys.readouterr().out


def test_a_match_up_that_names_no_two_teams_is_rejected() -> None:
    table = pd.DataFrame({"PLAYER_ID": [1, 2], "MATCHUP": ["BOS @ NYK", "BOS at NYK"]})
    with pytest.raises(UserError, match=r"MATCHUP is 'BOS at NYK' in row 2; it should read like 'BOS @ NYK'"):
        nba_api.convert(table, PLAIN_SOURCE)


@pytest.mark.parametrize(("season_id", "part"), [("22022", "Regular Season"), ("42022", "Playoffs")])
def test_game_logs_without_season_and_team_take_them_from_their_codes(season_id: str, part: str) -> None:
    table = pd.DataFrame({"SEASON_ID": [season_id], "Player_ID": [1], "MATCHUP": ["BOS vs. NYK"]})
    row = nba_api.convert(table, PLAIN_SOURCE).iloc[0]
    assert row[["team", "opponent", "home", "season", "season_type"]].tolist() == ["BOS", "NYK", 1, "2022", part]


@pytest.mark.parametrize("says_so", ["an added part", "updated_at"])
def test_a_corrected_box_score_of_a_download_replaces_the_row(
    weeks: dict[str, pd.DataFrame], tmp_path: Path, says_so: str
) -> None:
    right = as_nba_api(weeks["games"])
    is_wrong = pd.Series(right.index < 40)
    wrong = right.assign(AST=right["AST"].mask(is_wrong, right["AST"] + 1))
    write_corrected_download(tmp_path, "logs", wrong, right[is_wrong], says_so)
    rows, report = prepare(read(str(tmp_path)), SETTINGS)
    (tmp_path / "right").mkdir()
    right.to_csv(tmp_path / "right/logs.csv", index=False)
    expected, _ = prepare(read(str(tmp_path / "right")), SETTINGS)
    pd.testing.assert_frame_equal(rows, expected)
    if says_so == "updated_at":
        assert report["set_aside"]["games"] == {"older version of the row": 40}
    else:
        assert "games: rows that an added part corrects: 40" in report["intake"]["notes"]
