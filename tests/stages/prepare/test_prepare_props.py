"""What prepare keeps of box scores, lines and logs, what it sets aside and why, and what it knows of the past."""

import json
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.prepare.box_scores import read
from stages.prepare.props import (
    CLOCK_COLUMNS,
    COLUMNS,
    LINE_RULES,
    LOG_RULES,
    LOGGED_COLUMNS,
    REQUIRED_GAME_COLUMNS,
    ROLE_MIN_MINUTES,
    RULES,
    Settings,
    prepare,
)
from tests import pipeline_copy
from trueline.core.errors import UserError
from trueline.core.tables.table_schema import validate_table

SETTINGS = Settings(quantity="points", until=None, longest_game=70, line_high=80, estimate=False)
UNTIL = SETTINGS.model_copy(update={"until": date(2024, 6, 30)})
DAY = "2024-03-01"
BEFORE = [column.name for column in COLUMNS if column.known == "before"]
Tables = dict[str, pd.DataFrame]


def player(who: Any = "9", day: Any = "2024-03-02", points: Any = 12, **columns: Any) -> pd.DataFrame:
    """One player's sound row of a game of his own; `columns` replace or add columns."""
    twos, frees = (points // 2, points % 2) if isinstance(points, int) else (None, None)
    row = {
        "player_id": who,
        "player": "A. Ashby",
        "date": day,
        "start_time": f"{day}T23:00Z",
        "game_id": f"{day} CCC",
        "season": "2023-24",
        "season_type": "Regular Season",
        "team": "CCC",
        "opponent": "DDD",
        "home": True,
        "minutes": 30,
        "points": points,
        "rebounds": 4,
        "assists": 3,
        "fgm": twos,
        "fg3m": 0,
        "ftm": frees,
        "fg_pct": 0.5,
        "plus_minus": -2,
        "team_points": points,
    }
    return pd.DataFrame([row | columns])


def game(day: Any = DAY, **columns: Any) -> pd.DataFrame:
    """A sound game of players 1 and 2 against 3 and 4, who score 10 and 20 against 30 and 5."""
    both: dict[str, Any] = {"day": day, "game_id": f"{day} AAA"}
    home = {"team": "AAA", "opponent": "BBB", "team_points": 30, "home": True}
    away = {"team": "BBB", "opponent": "AAA", "team_points": 35, "home": False}
    sides = [("1", 10, home), ("2", 20, home), ("3", 30, away), ("4", 5, away)]
    return stacked(*(player(who, points=points, **both, **side) for who, points, side in sides)).assign(**columns)


def stacked(*tables: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)


def quote(line: Any = 20.5, who: Any = "1", day: Any = DAY, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame([{"player_id": who, "date": day, "line": line, "line_type": "actual"} | columns])


def logged(predicted: Any = 14.0, who: Any = "1", day: Any = DAY, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame([{"player_id": who, "date": day, "predicted": predicted} | columns])


def prepared(settings: Settings = SETTINGS, **raw: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    return prepare({"games": game()} | raw, settings)


def of(rows: pd.DataFrame, who: str = "1") -> pd.Series:
    """Return the newest row of a player."""
    found: pd.Series = rows[rows["entity"] == who].iloc[-1]
    return found


# --- games ---

FAULTS: dict[str, list[pd.DataFrame]] = {
    "unreadable value": [player(home="perhaps"), player(points=12.5), player(day="soon"), player(start_time="late")],
    "missing value": [player(team=None), player(minutes=None), player(points=None), player(None)],
    "future": [player(day="2024-07-01")],
    "a team against itself": [player(opponent="CCC")],
    "impossible minutes": [player(minutes=71), player(minutes=-1)],
    "impossible count": [player(points=-1), player(points=10**6), player(points=151)],
    "points that are not the sum of the shots": [player(fgm=7), player(ftm=1)],
    "did not play": [
        player(points=0, minutes=0, rebounds=0, assists=None, plus_minus=None),
        player(points=0, minutes=0, rebounds=0, assists=0, plus_minus=None, team_points=90),
    ],
    "contradictory rows of a player and day": [
        stacked(player(), player(points=13)),
        stacked(player(), player(game_id="another")),
        stacked(player(), player(minutes=31), player()),
    ],
}


def one_each(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several tables, each table about a player of its own."""
    named = (
        table.assign(player_id=table["player_id"].where(table["player_id"].isna(), f"p{no}"))
        for no, table in enumerate(tables)
    )
    return stacked(*named)


@pytest.mark.parametrize("reason", FAULTS)
def test_a_row_with_one_fault_is_set_aside_and_counted_under_its_reason(reason: str) -> None:
    bad = one_each(FAULTS[reason])
    rows, report = prepared(UNTIL, games=stacked(bad, game()))
    assert report["set_aside"]["games"] == {reason: len(bad)}
    assert rows["entity"].tolist() == ["1", "2", "3", "4"]
    assert (report["rows_in"]["games"], report["rows_out"]) == (4 + len(bad), 4)


def test_of_copies_of_a_row_the_fullest_is_kept() -> None:
    copies = stacked(player(rebounds=None, player=None), player(), player(player=None))
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        rows, report = prepared(games=stacked(game(), copies.iloc[order]))
        assert report["set_aside"]["games"] == {"duplicate player and day": 2}
        assert of(rows, "9")[["player", "rebounds"]].tolist() == ["A. Ashby", 4]


def test_every_row_is_kept_or_set_aside_once() -> None:
    bad = one_each([rows for faults in FAULTS.values() for rows in faults])
    corrected = [player("7", updated_at=f"2024-03-0{day}") for day in (3, 4)]
    raw = stacked(game(), player("8"), player("8"), *corrected, bad)
    _, report = prepared(UNTIL, games=raw)
    # copied games and players must be larger than these to be certain: test_copied_groups.py, test_props_mixtures.py
    copies = {"the same game under another id", "the same player under another id"}
    assert set(report["set_aside"]["games"]) == set(RULES) - copies
    assert report["rows_out"] + sum(report["set_aside"]["games"].values()) == len(raw)


def test_a_sound_copy_outlives_a_faulty_one() -> None:
    rows, report = prepared(games=stacked(game(), player(minutes=90), player()))
    assert report["set_aside"]["games"] == {"impossible minutes": 1}
    assert of(rows, "9")["target"] == 12


def test_a_few_seconds_on_the_court_are_a_game() -> None:
    rows, _ = prepared(games=stacked(game(), player(points=0, minutes=0, rebounds=0, assists=0, plus_minus=0)))
    assert of(rows, "9")["target"] == 0


def test_another_statistic_beyond_its_limits_is_unknown_and_not_zero_and_is_counted() -> None:
    odd: dict[str, Any] = {"rebounds": [-1, 4, 4, 10**9], "fg_pct": [0.5, 1.5, 0.5, 0.5], "assists": ["few", 1, 1, 1]}
    rows, report = prepared(games=game(**odd, team_points=[1e300, 30, 35, 35]))
    assert report["made_missing"] == {"rebounds": 2, "fg_pct": 1, "assists": 1, "team_points": 1}
    assert report["set_aside"]["games"] == {}
    assert rows[["rebounds", "fg_pct", "assists", "team_points"]].isna().sum().tolist() == [2, 1, 1, 1]
    assert rows["opponent_points"].tolist() == [35, 35, 30, 30]


def test_prepared_rows_obey_their_declarations_in_declared_order() -> None:
    extras: dict[str, Any] = dict.fromkeys(
        ("steals", "blocks", "turnovers", "fga", "fg3a", "fta", "fg3_pct", "ft_pct"), 0
    )
    rows, _ = prepared(games=game(**extras), lines=quote(), production=logged(model_hash="abc"))
    validate_table(rows, COLUMNS, "prepared")
    assert list(rows.columns) == [column.name for column in COLUMNS]
    assert rows["row_id"].tolist() == [f"{who}:{DAY}" for who in "1234"]
    assert rows["group"].eq(DAY).all()
    assert rows["time"].eq(pd.Timestamp(DAY)).all()


def test_a_column_that_the_source_lacks_is_left_out_rather_than_left_empty() -> None:
    rows, report = prepared(games=game()[[*REQUIRED_GAME_COLUMNS, "points"]])
    lacking = {"player", "season_type", "rebounds", "fgm", "team_points", "opponent_points", "plus_minus"}
    assert not lacking & set(rows)
    assert not lacking & set(report["missing_share"])
    assert not {column.name for column in LOGGED_COLUMNS} & set(rows)
    assert report["teams_whose_points_are_not_their_players_sum"] is None


def test_an_optional_column_that_is_empty_from_top_to_bottom_is_one_that_the_source_lacks() -> None:
    raw = game(season_type=None, player=np.nan, plus_minus=None, fgm=np.nan, team_points=None, start_time=None)
    rows, report = prepared(
        games=raw,
        lines=quote(over_price=None, book=None, quoted_at=None, stat=np.nan, open_line=None, n_books=np.nan),
        production=logged(model=None, created_at=None),
    )
    assert not {"season_type", "player", "plus_minus", "fgm", "team_points", "opponent_points"} & set(rows)
    assert len(rows) == 4
    assert of(rows)[["line", "n_books", "production"]].tolist() == [20.5, 1, 14]
    assert "player" not in report["missing_share"]


def test_only_what_precedes_the_game_is_declared_known_before_it() -> None:
    known = {column.name: column.known for column in COLUMNS}
    assert {name for name, when in known.items() if when == "at_start"} == {
        *("soft_label", "side_usual", "side_minutes", "line", "over_price", "under_price", "n_books", "line_type"),
        *("known_at_start", "open_from", "open_until", "quoted_from", "quoted_until"),
    }
    assert {name for name, when in known.items() if when == "before"} == {
        *(
            "row_id",
            "entity",
            "group",
            "time",
            "player",
            "game_id",
            "season",
            "season_type",
            "team",
            "opponent",
            "home",
        ),
        *("last_5", "last_10", "season_mean", "usual", "usual_minutes", "role", "open_line", "estimated_line"),
        "known_before",
    }
    evaluation_only = {column.name for column in COLUMNS if column.evaluation_only}
    assert evaluation_only == {column.name for column in (*LOGGED_COLUMNS, *CLOCK_COLUMNS)}


def test_the_points_of_a_team_are_held_against_those_of_its_players() -> None:
    _, sound = prepared()
    _, odd = prepared(games=stacked(game(), game("2024-03-03", team_points=[30, 30, 36, 36])))
    _, untold = prepared(games=game(team_points=[30, 30, None, None]))
    counts = [report["teams_whose_points_are_not_their_players_sum"] for report in (sound, odd, untold)]
    assert counts == [0, 1, 0]


def test_each_player_of_a_game_has_an_equal_part_of_his_team() -> None:
    rows, _ = prepared(games=stacked(game(), player()))
    assert rows["share_of_team"].tolist() == [0.5, 0.5, 0.5, 0.5, 1]
    assert rows["opponent_points"].tolist()[:4] == [35, 35, 30, 30]
    assert np.isnan(rows["opponent_points"].iloc[-1])


def test_rows_are_sorted_by_day_game_team_and_player() -> None:
    rows, report = prepared(games=stacked(player(day="2024-02-01"), game("2024-03-04"), game(), player("8", DAY)))
    assert rows["row_id"].tolist() == [
        "9:2024-02-01",
        *(f"{who}:{DAY}" for who in "12348"),
        *(f"{who}:2024-03-04" for who in "1234"),
    ]
    assert (report["days"], report["first_day"], report["last_day"]) == (3, "2024-02-01", "2024-03-04")
    assert report["games_out"] == 4


# --- lines ---

NO_STATS: dict[str, Any] = dict.fromkeys(
    ["points", "rebounds", "assists", "fgm", "fg3m", "ftm", "fg_pct", "plus_minus"]
)


def odd_games() -> pd.DataFrame:
    """A sound game; player 9, who played for too long; 10, who did not play; and 11, who played twice on one day."""
    absent = player("10", minutes=None, **NO_STATS)
    twice = [player("11", "2024-03-05", points, game_id=f"g{points}", start_time=None) for points in (12, 14)]
    return stacked(game(), player(minutes=90), player("12"), absent, *twice)


LINE_FAULTS: dict[str, list[pd.DataFrame]] = {
    "unreadable or missing value": [
        quote(None),
        quote("high"),
        quote(who=None),
        quote(day=None),
        quote(line_type=None),
    ],
    "another quantity": [quote(stat="rebounds")],
    "unknown player": [quote(who="77")],
    "void: no game was played": [quote(day="2024-03-09"), quote(day="2024-03-02")],
    "void: did not play": [quote(who="10", day="2024-03-02")],
    "its game was set aside": [quote(who="9", day="2024-03-02")],
    "two games that day, and no start time that says which": [quote(who="11", day="2024-03-05")],
    "impossible line": [quote(-3.5), quote(0), quote(81), quote(1e300)],
    "quoted after the start": [quote(quoted_at=f"{DAY}T23:00:01Z"), quote(quoted_at="2024-03-09")],
    "alternate line of the same book": [
        quote(28.5, "2", quoted_at=f"{DAY}T08:00Z", over_price=400, under_price=-600),
        quote(16.5, "2", quoted_at=f"{DAY}T08:00Z", over_price=-160),
    ],
}


@pytest.mark.parametrize("reason", LINE_RULES)
def test_a_line_with_one_fault_is_set_aside_and_counted_under_its_reason(reason: str) -> None:
    bad = LINE_FAULTS[reason]
    main = quote(18.5, "2", stat="points", quoted_at=f"{DAY}T08:00Z", over_price=-115, under_price=-105)
    rows, report = prepared(games=odd_games(), lines=stacked(*bad, main).fillna({"stat": "points"}))
    assert report["set_aside"]["lines"] == {reason: len(bad)}
    assert rows["line"].dropna().tolist() == [18.5]


def test_an_estimated_line_may_be_zero_and_an_actual_one_may_not() -> None:
    rows, _ = prepared(lines=stacked(quote(0, line_type="estimated"), quote(0, "2")))
    assert rows["line_type"].tolist() == ["estimated", "none", "none", "none"]
    assert of(rows)["estimated_line"] == 0


def test_a_quote_whose_time_cannot_be_read_could_be_late_and_is_set_aside() -> None:
    rows, report = prepared(lines=stacked(quote(quoted_at="at noon"), quote(21.5, "2", quoted_at=DAY)))
    assert report["set_aside"]["lines"] == {"unreadable or missing value": 1}
    assert rows["line"].dropna().tolist() == [21.5]


def test_a_line_is_not_known_to_be_of_a_quantity_where_only_others_say_so() -> None:
    lines = stacked(quote(stat=None), quote(4.5, "2", stat="points"), quote(9.5, "3", stat="rebounds"))
    rows, report = prepared(lines=lines)
    assert report["set_aside"]["lines"] == {"unreadable or missing value": 1, "another quantity": 1}
    assert rows["line"].dropna().tolist() == [4.5]


def test_the_newest_quote_before_the_start_wins_and_the_first_is_the_open() -> None:
    times = {20.5: "T10:00Z", 22.5: "T22:59Z", 21.5: "T12:00Z", 30.5: "T23:40Z"}
    lines = stacked(*(quote(line, quoted_at=DAY + time, book="one") for line, time in times.items()))
    rows, report = prepared(lines=lines)
    assert report["set_aside"]["lines"] == {"quoted after the start": 1, "older quote of the same book": 2}
    assert of(rows)[["line", "open_line", "n_books", "line_type"]].tolist() == [22.5, 20.5, 1, "actual"]


def test_without_a_start_quotes_count_to_the_end_of_the_day_in_new_york() -> None:
    lines = stacked(quote(20.5, quoted_at="2024-03-02T04:59Z"), quote(30.5, "2", quoted_at="2024-03-02T05:01Z"))
    rows, report = prepared(games=game().drop(columns="start_time"), lines=lines)
    assert rows["line"].dropna().tolist() == [20.5]
    assert report["set_aside"]["lines"] == {"quoted after the start": 1}


def test_several_books_make_a_consensus_at_prices_averaged_as_chances() -> None:
    books = [
        quote(20.5, book="one", over_price=-110, under_price=-110, open_line=19.5),
        quote(20.5, book="two", over_price=110, under_price=-130),
        quote(23.5, book="three", over_price=-200, under_price=150),
    ]
    row = of(prepared(lines=stacked(*books))[0])
    assert row[["line", "open_line", "n_books", "soft_label", "line_surplus"]].tolist() == [20.5, 19.5, 3, 20.5, -10.5]
    assert abs(row["over_price"]) == pytest.approx(100)  # 11/21 and 10/21; the prices' own mean would be 0
    assert row["under_price"] == pytest.approx(-119.54545454545455)


def test_actual_and_estimated_lines_of_one_game_are_kept_apart() -> None:
    lines = stacked(quote(20.5), quote(14, line_type="estimated"), quote(9, "2", line_type="estimated"))
    rows, report = prepared(lines=lines)
    assert rows["line_type"].tolist() == ["actual", "estimated", "none", "none"]
    assert rows["line"].tolist()[:1] == [20.5]
    assert rows["line"].notna().sum() == rows["soft_label"].notna().sum() == rows["line_surplus"].notna().sum() == 1
    assert rows["estimated_line"].tolist()[:2] == [14, 9]
    assert report["line_types"] == {"actual": 1, "estimated": 1, "none": 2}
    assert report["set_aside"]["lines"] == {}


def test_an_older_estimated_line_is_counted_too() -> None:
    times = [f"{DAY}T09:00Z", f"{DAY}T08:00Z"]
    lines = stacked(*(quote(9 + no, line_type="estimated", quoted_at=time) for no, time in enumerate(times)))
    rows, report = prepared(lines=lines)
    assert of(rows)["estimated_line"] == 9
    assert report["set_aside"]["lines"] == {"older quote of the same book": 1}


def test_an_impossible_open_is_unknown() -> None:
    opens = [-2, 0, 900, 80]
    lines = stacked(*(quote(20.5, who, open_line=first) for who, first in zip("1234", opens, strict=True)))
    assert prepared(lines=lines)[0]["open_line"].fillna(-1).tolist() == [-1, -1, -1, 80]


def test_every_line_is_used_void_or_set_aside_once() -> None:
    main = quote(18.5, "2", quoted_at=f"{DAY}T08:00Z", over_price=-115, under_price=-105)
    lines = stacked(main, *(bad for rows in LINE_FAULTS.values() for bad in rows)).fillna({"stat": "points"})
    _, report = prepared(games=odd_games(), lines=lines)
    assert set(report["set_aside"]["lines"]) == set(LINE_RULES)
    assert sum(report["set_aside"]["lines"].values()) == len(lines) - 1


def test_lines_are_estimated_where_asked_for_and_always_marked() -> None:
    days = ["2024-02-01", "2024-02-03", "2024-02-05", DAY]
    games = stacked(*(player("1", day, points) for day, points in zip(days, [10, 11, 17, 30], strict=True)))
    without, _ = prepared(games=games)
    assert without["line_type"].eq("none").all()
    assert without["estimated_line"].isna().all()
    made, report = prepared(SETTINGS.model_copy(update={"estimate": True}), games=games)
    assert made["estimated_line"].fillna(-1).tolist() == [-1, 10, 10.5, 12.5]
    assert report["line_types"] == {"estimated": 3, "none": 1}
    assert made[["line", "soft_label", "line_surplus", "over_price", "n_books"]].isna().all(axis=None)


def test_an_estimated_line_that_somebody_brought_is_not_replaced() -> None:
    games = stacked(player("1", "2024-02-01"), player("1"))
    lines = quote(3.5, day="2024-03-02", line_type="estimated")
    rows, _ = prepared(SETTINGS.model_copy(update={"estimate": True}), games=games, lines=lines)
    assert rows["estimated_line"].tolist()[1] == 3.5


# --- production ---

LOG_FAULTS: dict[str, list[pd.DataFrame]] = {
    "unreadable or missing value": [logged(None), logged("much"), logged(who=None), logged(day="soon")],
    "unknown player": [logged(who="77")],
    "void: no game was played": [logged(day="2024-03-09")],
    "void: did not play": [logged(who="10", day="2024-03-02")],
    "its game was set aside": [logged(who="9", day="2024-03-02")],
    "two games that day, and no start time that says which": [logged(who="11", day="2024-03-05")],
    "older prediction": [logged(99, "2", created_at="2024-02-01"), logged(99, "2")],
}


@pytest.mark.parametrize("reason", LOG_RULES)
def test_a_prediction_with_one_fault_is_set_aside_and_counted_under_its_reason(reason: str) -> None:
    log = stacked(*LOG_FAULTS[reason], logged(18.0, "2", created_at="2024-03-01T08:00Z"))
    rows, report = prepared(games=odd_games(), production=log)
    assert report["set_aside"]["production"] == {reason: len(log) - 1}
    assert rows["production"].dropna().tolist() == [18.0]


def test_a_newer_row_without_a_prediction_replaces_none() -> None:
    log = stacked(logged(14.0, created_at="2024-02-01"), logged(None, created_at="2024-02-02"))
    rows, report = prepared(production=log)
    assert of(rows)["production"] == 14
    assert report["set_aside"]["production"] == {"unreadable or missing value": 1}


def test_the_log_says_what_it_was_graded_by_and_when_it_was_made() -> None:
    log = logged(model="house", model_hash="abc", line=12.5, line_type="estimated", created_at="2024-03-01T15:00Z")
    row = of(prepared(production=log)[0])
    assert [row[column.name] for column in LOGGED_COLUMNS] == [
        14.0,
        "house",
        "abc",
        12.5,
        "estimated",
        pd.Timestamp(DAY + " 15:00"),
    ]


# --- the past ---


def league(seed: int) -> pd.DataFrame:
    """Return two short seasons of three teams, whose players move and often do not play."""
    random = np.random.default_rng(seed)
    rows = []
    for no in range(36):
        season = "2022-23" if no < 18 else "2023-24"
        day = str((pd.Timestamp("2023-01-01" if no < 18 else "2023-11-01") + pd.Timedelta(days=no)).date())
        for side in random.permutation(3)[:2].reshape(1, 2) if no % 3 else [(0, 1)]:
            for own, other in (side, side[::-1]):
                for seat in range(4):
                    who = (4 * own + seat + (no >= 18)) % 12  # one of each team moves on in the summer
                    place = {"team": f"T{own}", "opponent": f"T{other}", "game_id": f"{day} {sorted(map(int, side))}"}
                    minutes = round((6, 17, 27, 37)[seat] + float(random.uniform(-5, 5)), 1)
                    if random.random() < 0.8:
                        rows.append(
                            player(f"p{who}", day, int(random.integers(0, 40)), **place, minutes=minutes, season=season)
                        )
    table = stacked(*rows)
    return table.assign(
        rebounds=random.integers(0, 15, len(table)),
        team_points=table.groupby(["game_id", "team"])["points"].transform("sum"),
    )


def mean(values: list[float]) -> float:
    return float(sum(map(Fraction, values)) / len(values)) if values else np.nan


def role(minutes: float) -> str | None:
    bounds = {"star": 32, "starter": 24, "rotation": 14, "bench": 0}
    return next((name for name, least in bounds.items() if minutes >= least), None)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("quantity", ["points", "rebounds"])
def test_what_a_player_usually_does_is_what_loops_over_earlier_days_find(seed: int, quantity: str) -> None:
    games = league(seed)
    settings = SETTINGS.model_copy(update={"estimate": True, "quantity": quantity})
    rows: list[Any] = list(prepared(settings, games=games)[0].itertuples())
    raw = {(row.player_id, row.date): row for row in games.itertuples()}
    usual: dict[str, float] = {}
    usual_minutes: dict[str, float] = {}
    for row in rows:
        assert row.target == getattr(raw[row.entity, row.group], quantity)
        own = [other for other in rows if other.entity == row.entity and other.time < row.time]
        past = [other.target for other in own]
        season = [other.target for other in own if other.season == row.season]
        usual[row.row_id], usual_minutes[row.row_id] = mean(past[-20:]), mean([other.minutes for other in own[-10:]])
        expected = [mean(past[-5:]), mean(past[-10:]), mean(season), usual[row.row_id], usual_minutes[row.row_id]]
        found = [row.last_5, row.last_10, row.season_mean, row.usual, row.usual_minutes]
        np.testing.assert_allclose(found, expected, atol=1e-9)
        np.testing.assert_allclose(row.surplus, row.target - usual[row.row_id], atol=1e-9)
        np.testing.assert_allclose(row.minutes_surplus, row.minutes - usual_minutes[row.row_id], atol=1e-9)
        assert (row.role if own else None) == role(usual_minutes[row.row_id])
        line = round(2 * sum(map(Fraction, season[-5:])) / len(season[-5:])) / 2 if season else np.nan
        np.testing.assert_equal(row.estimated_line, line)
    for row in rows:
        side = [other.row_id for other in rows if (other.game_id, other.team) == (row.game_id, row.team)]
        against = [other.team_points for other in rows if (other.game_id, other.team) == (row.game_id, row.opponent)]
        seen = [who for who in side if usual_minutes[who] >= 15]
        for found, known in ((row.side_usual, usual), (row.side_minutes, usual_minutes)):
            whole = (
                sum(known[who] for who in seen) if seen else np.nan
            )  # a team of unknown players is not a team of zeros
            assert found == pytest.approx(whole, nan_ok=True)
        assert row.share_of_team == pytest.approx(1 / len(side))
        np.testing.assert_equal(row.opponent_points, against[0] if against else np.nan)
    assert {row.role for row in rows if isinstance(row.role, str)} == set(ROLE_MIN_MINUTES)


def quoted(games: pd.DataFrame) -> pd.DataFrame:
    """Return a morning's and an evening's quote on every third row."""
    random = np.random.default_rng(0)
    some = games.iloc[::3]
    evening = some.assign(line=random.integers(10, 60, len(some)) / 2, line_type="actual", over_price=-110.0)
    evening = evening.assign(quoted_at=evening["date"] + "T20:00Z")[[*quote(), "over_price", "quoted_at"]]
    return stacked(evening.assign(line=evening["line"] + 1, quoted_at=evening["date"] + "T10:00Z"), evening)


@pytest.mark.parametrize("cut", [8, 30])
def test_nothing_of_the_same_day_or_later_changes_what_is_known_before(cut: int) -> None:
    games = league(0)
    lines, log = quoted(games), games[["player_id", "date"]].assign(predicted=9.0)
    settings = SETTINGS.model_copy(update={"estimate": True})
    full = prepare({"games": games, "lines": lines, "production": log}, settings)[0]
    day = sorted(games["date"].unique())[cut]
    late = games["date"] >= day
    other = {"points": 90 - games["points"], "minutes": 48 - games["minutes"], "team_points": 1, "plus_minus": 99}
    shots = {"fgm": None, "rebounds": 17 - games["rebounds"], "start_time": games["date"] + "T22:00Z"}
    changed = games.assign(**{name: games[name].where(~late, values) for name, values in (other | shots).items()})
    closes = (lines["date"] >= day) & lines["quoted_at"].str.contains("T20")
    moved = lines.assign(line=lines["line"].where(~closes, 40 - lines["line"]), over_price=250.0)
    again = prepare({"games": changed, "lines": moved, "production": log.assign(predicted=1.0)}, settings)[0]
    upto = full["group"] <= day
    assert upto.sum() > full["group"].lt(day).sum() > 30
    pd.testing.assert_frame_equal(again.loc[upto, BEFORE], full.loc[upto, BEFORE], check_exact=True)
    assert (again.loc[upto, "target"] != full.loc[upto, "target"]).sum() > 3
    fewer = prepare(
        {"games": games[games["date"] < day].merge(games[games["date"] == day].iloc[::2], how="outer")}, settings
    )
    kept = full[full["row_id"].isin(fewer[0]["row_id"])].reset_index(drop=True)
    known = [name for name in BEFORE if name != "open_line"]
    pd.testing.assert_frame_equal(fewer[0][known], kept[known], check_exact=True)


def test_the_order_of_the_raw_rows_leaves_no_trace() -> None:
    raw = read(str(pipeline_copy.ROOT / "data/sample/props"))
    twice = {name: stacked(table, table.sample(40, random_state=1)) for name, table in raw.items()}
    twice["games"].loc[twice["games"].index[-20:], "rebounds"] += 1  # copies that differ in what nobody judges them by
    twice["lines"].loc[twice["lines"].index[-20:], "line"] += 1
    twice["production"].loc[twice["production"].index[-20:], "predicted"] += 1
    straight, report = prepare(twice, SETTINGS)
    shuffled, again = prepare({name: table.sample(frac=1, random_state=2) for name, table in twice.items()}, SETTINGS)
    pd.testing.assert_frame_equal(straight, shuffled, check_exact=True)
    for quality in (report, again):  # an example is the first in the source
        for loss in quality["intake"]["set_aside"].values():
            loss.pop("example", None)
    assert report == again


def test_another_quantity_is_predicted_without_any_word_of_points() -> None:
    games = game(rebounds=[4, 9, 7, 2])[[*REQUIRED_GAME_COLUMNS, "rebounds"]]
    lines = stacked(quote(3.5, stat="rebounds"), quote(20.5, stat="points"))
    rows, report = prepared(SETTINGS.model_copy(update={"quantity": "rebounds"}), games=games, lines=lines)
    assert rows["target"].tolist() == [4, 9, 7, 2]
    assert of(rows)[["line", "line_surplus"]].tolist() == [3.5, 0.5]
    assert report["set_aside"]["lines"] == {"another quantity": 1}
    assert report["teams_whose_points_are_not_their_players_sum"] is None


def test_lines_that_name_no_quantity_are_of_points_and_grade_nothing_else() -> None:
    games = game(rebounds=[4, 9, 7, 2])
    _, report = prepared(SETTINGS.model_copy(update={"quantity": "rebounds"}), games=games, lines=quote(20.5))
    assert report["set_aside"]["lines"] == {"another quantity": 1}
    assert report["line_types"] == {"none": 4}


def test_a_quantity_is_judged_and_points_are_not_where_another_is_predicted() -> None:
    settings = SETTINGS.model_copy(update={"quantity": "rebounds"})
    rows, report = prepared(settings, games=game(rebounds=[4, -9, None, 2], points=[-1, 20, 30, 5], fgm=None))
    assert rows["target"].tolist() == [4, 2]
    assert report["set_aside"]["games"] == {"missing value": 1, "impossible count": 1}
    assert report["made_missing"] == {"points": 1}


# --- bad input ---


@pytest.mark.parametrize(
    ("table", "name"),
    [("games", "player_id"), ("games", "minutes"), ("games", "points"), ("lines", "line"), ("production", "predicted")],
)
@pytest.mark.parametrize("rows", [None, 0])
def test_a_misnamed_column_is_rejected_with_the_nearest_name(table: str, name: str, rows: int | None) -> None:
    raw = {"games": game(), "lines": quote(), "production": logged()}
    raw[table] = raw[table].rename(columns={name: f"{name}z"}).head(rows if rows is not None else 99)
    with pytest.raises(UserError, match=rf"^{table} has no column '{name}'; did you mean '{name}z'\?[^\n]*\.$"):
        prepare(raw, SETTINGS)


def test_games_without_a_row_are_rejected() -> None:
    with pytest.raises(UserError, match=r"^games has no rows; at least one is needed\.$"):
        prepared(games=game().head(0))


@pytest.mark.parametrize("table", [quote().head(0), pd.DataFrame(), pd.DataFrame({**quote().head(0)}).astype(object)])
def test_lines_without_a_row_are_no_lines(table: pd.DataFrame) -> None:
    rows, report = prepared(lines=table)
    alone, _ = prepared()
    pd.testing.assert_frame_equal(rows, alone)
    assert rows["line_type"].eq("none").all()
    assert report["rows_in"]["lines"] == 0
    assert rows[["line", "open_line", "over_price", "estimated_line"]].dtypes.astype(str).eq("float64").all()


def test_production_without_a_row_is_no_production() -> None:
    rows, report = prepared(production=logged().head(0))
    pd.testing.assert_frame_equal(rows, prepared()[0])
    assert report["rows_in"]["production"] == 0
    assert "production" not in rows


def test_results_of_the_future_are_rejected_until_a_last_day_is_named() -> None:
    later = stacked(game(), player(day="2199-01-01"))
    with pytest.raises(UserError, match=r"games: 1 results are dated after today.*2199-01-01.*prepare\.props\.until"):
        prepared(games=later)
    rows, report = prepared(UNTIL, games=later)
    assert len(rows) == 4
    assert report["set_aside"]["games"] == {"future": 1}


def test_games_still_to_come_are_without_a_result_and_not_rejected() -> None:
    _, report = prepared(games=stacked(game(), player(day="2199-01-01", points=None, minutes=None)))
    assert report["set_aside"]["games"] == {"missing value": 1}


def test_when_nothing_survives_the_reason_that_took_most_is_named() -> None:
    with pytest.raises(UserError, match="games: none of 4 rows survives; most were set aside for 'future'"):
        prepared(UNTIL, games=game("2199-01-01"))
    with pytest.raises(UserError, match="none of 5 rows survives; most were set aside for 'impossible minutes'"):
        prepared(games=stacked(game(minutes=99), player(points=-1)))


def test_rows_that_all_came_twice_are_kept_once() -> None:
    rows, report = prepared(games=stacked(game(), game()), lines=stacked(quote(), quote()))
    pd.testing.assert_frame_equal(rows, prepared(lines=quote())[0])
    assert report["set_aside"]["games"] == {"duplicate player and day": 4}
    assert report["set_aside"]["lines"] == {"older quote of the same book": 1}


@pytest.mark.parametrize(("form", "other"), [(int, str), (str, int), (float, str), (str, float), ("Int64", float)])
def test_ids_meet_whether_they_are_numbers_or_text(form: Any, other: Any) -> None:
    games = game().astype({"player_id": int}).astype({"player_id": form})
    lines, log = (table.astype({"player_id": int}).astype({"player_id": other}) for table in (quote(), logged()))
    rows, report = prepared(games=games, lines=lines, production=log)
    assert rows["entity"].tolist() == ["1", "2", "3", "4"]
    assert of(rows)[["line", "production"]].tolist() == [20.5, 14]
    assert report["set_aside"] == {"games": {}, "lines": {}, "production": {}}


def test_zeros_before_an_id_tell_players_apart() -> None:
    games = stacked(player("007"), player("7", points=30))
    rows, report = prepared(games=games, lines=stacked(quote(8.5, "007", "2024-03-02"), quote(9.5, "07", "2024-03-02")))
    assert rows["row_id"].tolist() == ["007:2024-03-02", "7:2024-03-02"]
    assert of(rows, "007")["line"] == 8.5
    assert of(rows, "7")["line_type"] == "none"
    assert report["set_aside"]["lines"] == {"unknown player": 1}


@pytest.mark.parametrize("table", ["lines", "production"])
def test_tables_that_share_no_player_are_rejected_with_an_id_of_each(table: str) -> None:
    raw = {"games": player("007"), table: {"lines": quote(who=8), "production": logged(who=8)}[table]}
    with pytest.raises(
        UserError, match=rf"^{table} and games share no player_id \('8' in {table}, '007' in games\); use the same ids"
    ):
        prepare(raw, SETTINGS)


def test_huge_numbers_are_set_aside_or_unknown_and_never_reach_a_row() -> None:
    games = stacked(game(rebounds=1e300), player("5", points=10**15), player("6", minutes=1e12))
    lines = stacked(quote(1e300), quote(9.5, "2", open_line=1e18, over_price=1e12), quote(float("inf"), "3"))
    rows, report = prepared(games=games, lines=lines)
    assert report["set_aside"]["games"] == {"impossible minutes": 1, "impossible count": 1}
    assert report["set_aside"]["lines"] == {"unreadable or missing value": 1, "impossible line": 1}
    assert report["made_missing"] == {"rebounds": 4}
    assert (rows.select_dtypes("number").drop(columns="over_price").fillna(0).abs() <= 100).all(axis=None)


def test_days_in_another_form_are_rejected_with_the_first_of_them() -> None:
    with pytest.raises(
        UserError,
        match=r"^games: date is unreadable in every row .*1709251200000.*write.*date_format: unix_ms\.",
    ):
        prepared(games=game(date=1709251200000))


def test_an_unknown_line_type_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match=r"lines: line_type is 'actuals'; did you mean 'actual'\? Allowed: actual, estimated"
    ):
        prepared(lines=stacked(quote(), quote(line_type="actuals")))


def test_columns_that_nobody_reads_are_reported() -> None:
    _, report = prepared(games=game(referee="R. Rood"), lines=quote(source="feed"))
    assert report["ignored_columns"] == {"games": ["referee"], "lines": ["source"]}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return pipeline_copy.copy(tmp_path)


Spoil = Callable[[pd.DataFrame], pd.DataFrame]
SPOILT: dict[str, tuple[Spoil, str]] = {
    "a misnamed column": (lambda games: games.rename(columns={"season": "seasonz"}), "did you mean 'seasonz'?"),
    "no rows": (lambda games: games.head(0), "games has no rows"),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_the_stage_rejects_a_spoilt_source_in_one_sentence_and_writes_nothing(repository: Path, spoilt: str) -> None:
    spoil, message = SPOILT[spoilt]
    path = repository / "data/sample/props/games.parquet"
    spoil(pd.read_parquet(path)).to_parquet(path)
    done = pipeline_copy.run(repository, "prepare", "props")
    assert done.returncode == 1
    assert done.stderr.startswith("prepare props: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list((repository / "data").rglob("props*.parquet"))


def test_the_stage_finds_what_was_planted_in_the_sample(repository: Path) -> None:
    done = pipeline_copy.run(repository, "prepare", "props")
    assert done.returncode == 0, done.stderr
    report = json.loads((repository / "metrics/props/quality.json").read_text())
    games = dict.fromkeys(["impossible minutes", "impossible count", "duplicate player and day"], 1)
    assert report["set_aside"]["games"] == games | {"points that are not the sum of the shots": 1}
    assert report["set_aside"]["lines"]["void: no game was played"] == 6
    assert report["set_aside"]["lines"]["quoted after the start"] == 1
    assert report["set_aside"]["production"]["older prediction"] == 20
    assert report["rows_in"]["games"] == report["rows_out"] + 4
