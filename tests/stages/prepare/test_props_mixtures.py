"""Lines of several markets in one table, players under two ids, days in UTC and names in other orders."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.prepare.props.duplicate_players import flag_duplicate_players
from stages.prepare.props.main_line import find_rival_lines
from stages.prepare.props.player_matching import match_players
from tests.stages.prepare.test_prepare_props_forms import assert_same, changed, prepared, season, truth
from trueline.core.errors import UserError

quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STATS = ["fgm", "fga", "fg3m", "ftm", "rebounds", "assists", "points"]


def of_half(lines: pd.DataFrame) -> pd.DataFrame:
    return lines.assign(line=(lines["line"] / 2).round() + 0.5, open_line=np.nan)


@pytest.mark.parametrize("column", ["letter", "Wager Kind", None])
def test_lines_of_two_markets_are_refused_by_their_prices_where_no_known_column_tells_them(column: str | None) -> None:
    def mix(lines: pd.DataFrame) -> pd.DataFrame:
        tables = [
            table.assign(**({column: letter} if column else {}))
            for table, letter in ((lines, "P"), (of_half(lines), "H"))
        ]
        return pd.concat(tables, ignore_index=True)

    with pytest.raises(UserError, match=r"have two lines far apart, both at even prices .*columns: {THEIR NAME: stat}"):
        prepared(changed(lines=mix))


@pytest.mark.parametrize("name", ["period", "Game Period", "segment"])
@pytest.mark.parametrize("whole", ["FG", "", "full game", "Game"])
def test_lines_of_a_part_of_the_game_are_of_another_quantity(name: str, whole: str) -> None:
    def mix(lines: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([lines.assign(**{name: whole}), of_half(lines).assign(**{name: "1H"})], ignore_index=True)

    rows, report = prepared(changed(lines=mix))
    assert_same(rows)
    assert report["set_aside"]["lines"]["another quantity"] == len(season()["lines"])


def test_only_lines_of_a_part_of_the_game_are_refused() -> None:
    with pytest.raises(UserError, match="none is about points; stat is 'points in 1H'"):
        prepared(changed(lines=lambda lines: lines.assign(period="1H")))


def test_near_lines_and_lines_at_uneven_prices_are_no_rivals() -> None:
    quotes = pd.DataFrame({"offer": [0, 0, 1, 1, 2, 2], "line": [20.5, 21.5, 20.5, 27.5, 20.5, 27.5]})
    quotes["over_price"] = [-115.0, 100.0, -110.0, 250.0, -112.0, -108.0]
    quotes["under_price"] = [-105.0, -120.0, -110.0, -330.0, -108.0, -112.0]
    assert find_rival_lines(quotes, ["offer"])["offer"].tolist() == [2, 2]
    assert find_rival_lines(quotes.assign(over_price=-119.0, under_price=-119.0), ["offer"]).empty


def double(games: pd.DataFrame) -> pd.DataFrame:
    is_late = games["date"] > games["date"].min() + pd.Timedelta(days=20)
    late = games[is_late].assign(player_id=games["player_id"] + 500_000, player="A. Other")
    doubled: pd.DataFrame = pd.concat([games, late], ignore_index=True)
    return doubled


def test_a_player_under_two_ids_in_the_same_games_is_one() -> None:
    rows, report = prepared(changed(games=double))
    assert_same(rows)
    assert report["set_aside"]["games"]["the same player under another id"] > 0
    assert not report["intake"]["set_aside"]["the same player under another id"]["is_loss"]


@quick
@given(st.integers(0, 1_000), st.integers(3, 10), st.integers(0, 2))
def test_two_ids_are_one_player_only_if_nearly_all_their_games_agree(seed: int, games: int, others: int) -> None:
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(random.integers(0, 30, (games, len(STATS))), columns=STATS).assign(
        game_id=np.arange(games).astype(str), team="A", minutes=random.integers(5, 40, games), player_id="b"
    )
    twin = rows.assign(player_id="a")
    twin.loc[: others * games // 2 - 1, "points"] += 1
    both = pd.concat([rows, twin], ignore_index=True)
    flagged = both.loc[flag_duplicate_players(both, ["minutes", *STATS]), "player_id"].unique().tolist()
    assert flagged == (["b"] if others == 0 else [])
    idle = both.assign(**dict.fromkeys(STATS, 0))
    assert not flag_duplicate_players(idle, ["minutes", *STATS]).any()


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%d %H:%M UTC"])
def test_days_in_utc_at_night_are_refused_though_every_team_plays_daily(form: str) -> None:
    def shift(lines: pd.DataFrame) -> pd.DataFrame:
        return lines.assign(date=(lines["date"] + pd.Timedelta(hours=2)).dt.strftime(form))

    setting = r"set prepare.props.timezone: {date: America/New_York}, .* or {date: UTC} if"
    with pytest.raises(UserError, match=rf"lines: date is a time in UTC, in 100% .* {setting}"):
        prepared(changed(lines=shift))
    assert_same(prepared(changed(lines=shift), timezone="UTC")[0])


ORDERS: list[Callable[[str], str]] = [
    lambda name: ", ".join(reversed(name.split(" ", 1))),
    lambda name: f"{name} (ALD)",
    lambda name: name.replace(" ", "_").lower(),
    lambda name: name.replace(" ", "-").lower(),
    lambda name: f"{name} [ALD - G]",
]


@given(st.sampled_from(ORDERS), st.sampled_from(["Abel Stone", "Žan O'Hale", "Ben van Dale"]))
def test_a_name_in_another_order_or_with_its_team_is_the_same_player(order: Callable[[str], str], name: str) -> None:
    players = pd.DataFrame({"player_id": ["1", "2"], "player": [name, "Stone Abel"]})
    assert match_players(pd.Series([order(name)]), players).tolist() == ["1"]
    assert match_players(pd.Series(["Stone, Jr."]), players).tolist() == ["Stone, Jr."]


@pytest.mark.parametrize(("home", "away"), [("vs ", "@ "), ("vs. ", "@"), ("", "@"), ("", "at ")])
def test_a_place_before_the_opponent_is_no_part_of_its_name(home: str, away: str) -> None:
    def name_places(games: pd.DataFrame) -> pd.DataFrame:
        return games.assign(opponent=np.where(games["home"], home, away) + games["opponent"])

    rows, report = prepared(changed(games=name_places))
    assert rows["opponent"].tolist() == truth()["opponent"].tolist()
    assert not report["opponents_that_are_no_team"]


def test_a_mark_of_away_games_alone_makes_the_others_home_games() -> None:
    rows, _ = prepared(changed(games=lambda games: games.assign(home=games["home"].map({True: None, False: "@"}))))
    assert rows["home"].tolist() == truth()["home"].tolist()


def test_games_without_an_id_are_their_day_and_both_teams() -> None:
    rows, report = prepared(changed(games=lambda games: games.drop(columns="game_id")))
    assert rows.groupby("game_id").ngroup().nunique() == truth()["game_id"].nunique()
    assert "a game is its day and both teams" in "; ".join(report["intake"]["notes"])


@pytest.mark.parametrize("unit", [60.0, 48.0])
def test_minutes_in_another_unit_and_missing_starts_are_named(unit: float) -> None:
    rows, report = prepared(
        changed(games=lambda games: games.assign(minutes=games["minutes"] / unit).drop(columns="start_time"))
    )
    assert len(rows)
    assert "minutes may be hours, or a share of the game" in "; ".join(report["intake"]["hints"])
    assert "no game has a start time" in "; ".join(report["intake"]["notes"])


ZONES = ["America/New_York", "Europe/Berlin", "Australia/Sydney", "Asia/Tokyo"]


@quick
@given(st.sampled_from(ZONES), st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M"]))
def test_each_column_of_times_may_have_its_own_zone(zone: str, form: str) -> None:
    def move(games: pd.DataFrame) -> pd.DataFrame:
        local = games["start_time"].dt.tz_localize("UTC").dt.tz_convert(zone)
        return games.assign(start_time=local.dt.strftime(form))

    rows, _ = prepared(changed(games=move), timezone={"start_time": zone})
    assert_same(rows)


def test_starts_in_another_zone_than_the_quotes_are_named_with_the_setting_to_paste() -> None:
    def move(games: pd.DataFrame) -> pd.DataFrame:
        return games.assign(start_time=games["start_time"] - pd.Timedelta(hours=5))

    _, report = prepared(changed(games=move))
    (hint,) = (hint for hint in report["intake"]["hints"] if "after the start" in hint)
    assert "prepare.props.timezone, such as {start_time: America/New_York}" in hint


@pytest.mark.parametrize(
    ("zones", "reason"),
    [
        ({"start": "UTC"}, "'start' is no time of ours; take one of date"),
        ({"date": "EDT?"}, "'EDT\\?' is no time zone"),
    ],
)
def test_zones_of_unknown_columns_and_unknown_zones_are_refused(zones: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        prepared(season(), timezone=zones)
