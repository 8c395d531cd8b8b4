"""Props in the forms in which people have them: each gives the rows of the same tables in our form, or is refused."""

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.prepare.box_scores import read
from stages.prepare.props import Settings, prepare
from stages.prepare.props.player_matching import match_players
from stages.prepare.props.quantity_words import normalize_quantity
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params
from trueline.core.tables.intake_report import IntakeError, refuse_large_loss

PARAMS = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))["prepare"]["props"]
LINES = ["row_id", "target", "minutes", "line", "open_line", "over_price", "under_price", "n_books", "line_type"]
KEY = ["player_id", "date"]
Tables = dict[str, pd.DataFrame]


@cache
def season() -> Tables:
    """Return some weeks of the sample without what was planted in it, with actual lines only."""
    raw = read(str(ROOT / "data/sample/props"))
    games = raw["games"][raw["games"]["date"] < "2022-12-01"].drop_duplicates(KEY)
    games = games[games["minutes"].between(0, 60) & games["points"].ge(0)]
    games = games[(2 * games["fgm"] + games["fg3m"] + games["ftm"] == games["points"])].reset_index(drop=True)
    lines = raw["lines"].merge(games[[*KEY, "player", "start_time"]], on=KEY)
    lines = lines[(lines["line_type"] == "actual") & (lines["quoted_at"] <= lines["start_time"])]
    return {"games": games, "lines": lines.drop(columns=["source", "start_time", "player"]).reset_index(drop=True)}


def prepared(raw: Tables, **changed: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    return prepare(raw, Settings(**PARAMS | changed))


@cache
def truth() -> pd.DataFrame:
    return prepared(season())[0]


def changed(**tables: Callable[[pd.DataFrame], pd.DataFrame]) -> Tables:
    return {name: tables[name](table) if name in tables else table for name, table in season().items()}


def assert_same(rows: pd.DataFrame, columns: list[str] = LINES) -> None:
    pd.testing.assert_frame_equal(rows[columns], truth()[columns], rtol=1e-9, check_dtype=False)


def as_decimal(prices: pd.Series) -> pd.Series:
    return pd.Series(np.where(prices < 0, 1 - 100 / prices, 1 + prices / 100), prices.index)


def two_rows(lines: pd.DataFrame) -> pd.DataFrame:
    sides = [lines.assign(side=side, price=lines[f"{side.lower()}_price"]) for side in ("Over", "Under")]
    return pd.concat(sides).sample(frac=1, random_state=1).drop(columns=["over_price", "under_price"])


def half_rows(lines: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([lines.assign(under_price=np.nan), lines.assign(over_price=np.nan)])


def with_alternates(lines: pd.DataFrame) -> pd.DataFrame:
    baselines = {-6: (-700, 450), -3: (-250, 195), 3: (200, -260), 6: (500, -800)}
    models = [
        lines.assign(line=lines["line"] + step, over_price=float(over), under_price=float(under), open_line=np.nan)
        for step, (over, under) in baselines.items()
    ]
    models = [model[model["line"] > 0] for model in models]
    return pd.concat([lines, *models]).sample(frac=1, random_state=1)


def signed(price: float) -> str:
    return "EVEN" if price == 100 else f"+{price:.0f}" if price > 0 else f"−{-price:.0f}"


def in_two_spellings(lines: pd.DataFrame) -> pd.DataFrame:
    other = lines["book"].str.upper().str.replace(" ", "_")
    return lines.assign(book=lines["book"].where(np.arange(len(lines)) % 2 == 0, other))


def clock(minutes: pd.Series, form: str) -> pd.Series:
    return minutes.map(lambda value: form.format(int(value)))


LINE_FORMS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "over and under in rows of their own": two_rows,
    "one price a row": half_rows,
    "alternate lines": with_alternates,
    "a book in two spellings": in_two_spellings,
    "names of feeds": lambda lines: lines.rename(
        columns={
            "book": "sportsbook",
            "quoted_at": "last_update",
            "over_price": "Over Odds",
            "under_price": "UNDER ODDS",
            "date": "game_date",
        }
    ),
    "a market of a feed": lambda lines: lines.assign(market="player_points"),
    "no line type": lambda lines: lines.drop(columns="line_type"),
    "a line type in capitals": lambda lines: lines.assign(line_type="Actual"),
    "odds as people type them": lambda lines: lines.assign(
        over_price=lines["over_price"].map(signed), under_price=lines["under_price"].map(signed)
    ),
    "ids with zeros in front": lambda lines: lines.assign(player_id="00" + lines["player_id"].astype(str)),
    "ids that were numbers": lambda lines: lines.assign(player_id=lines["player_id"].astype(str) + ".0"),
    "another market beside": lambda lines: pd.concat(
        [lines.assign(stat="Points"), lines.assign(stat="PTS+REB+AST", line=lines["line"] + 12)]
    ),
}


@pytest.mark.parametrize("form", LINE_FORMS)
def test_lines_in_another_form_are_the_same_lines(form: str) -> None:
    rows, _ = prepared(changed(lines=LINE_FORMS[form]))
    assert_same(rows)


def test_decimal_prices_are_read_and_zero_ones_counted() -> None:
    prices = ["over_price", "under_price"]
    rows, _ = prepared(changed(lines=lambda lines: lines.assign(**{name: as_decimal(lines[name]) for name in prices})))
    assert_same(rows)
    rows, report = prepared(changed(lines=lambda lines: lines.assign(**dict.fromkeys(prices, 0))))
    assert report["zero_prices"] == 2 * len(season()["lines"])
    assert rows[prices].isna().all(axis=None)
    assert any("prices are 0" in note for note in report["intake"]["hints"])


def test_alternates_are_counted() -> None:
    _, report = prepared(changed(lines=with_alternates))
    lines = season()["lines"]
    at_one_time = len(with_alternates(lines)) - len(lines)
    assert report["set_aside"]["lines"]["alternate line of the same book"] == at_one_time


@pytest.mark.parametrize("form", ["{}:00", "{:02d}:00", "PT{}M00.00S", "{}.000000:00"])
def test_minutes_in_another_form_are_the_same_minutes(form: str) -> None:
    rows, _ = prepared(changed(games=lambda games: games.assign(minutes=clock(games["minutes"], form))))
    assert_same(rows)


@pytest.mark.parametrize("words", [None, "Did Not Play", "DNP - Coach's Decision", "Inactive"])
def test_who_did_not_play_is_void_and_not_lost(words: str | None) -> None:
    games = season()["games"]
    statistics = [name for name in games.columns[games.columns.get_loc("minutes") :] if name != "team_points"]
    listed = games.drop_duplicates("game_id").assign(player_id=lambda rows: rows["player_id"] + 5000)
    listed = listed.astype(object).assign(**dict.fromkeys(statistics))
    listed = listed.assign(minutes=words, points=words)
    quotes = listed[KEY].assign(line=7.5, line_type="actual", book="x")
    raw = {"games": pd.concat([games.astype(object), listed]), "lines": pd.concat([season()["lines"], quotes])}
    rows, report = prepared(raw)
    assert_same(rows)
    assert report["set_aside"]["games"] == {"did not play": len(listed)}
    assert report["set_aside"]["lines"]["void: did not play"] == len(listed)
    assert report["intake"]["rows"] == {"in": len(games), "kept": len(games)}


def test_no_minutes_with_points_are_impossible() -> None:
    games = season()["games"]
    late = games["date"] >= games["date"].quantile(0.9)
    _, report = prepared(changed(games=lambda rows: rows.assign(minutes=rows["minutes"].mask(late, 0))))
    assert report["set_aside"]["games"]["impossible minutes"] == int((late & (games["points"] > 0)).sum())


@pytest.mark.parametrize(("table", "direction"), [("games", "later"), ("lines", "earlier")])
def test_days_in_utc_are_refused_with_both_shares_and_read_in_the_leagues_zone(table: str, direction: str) -> None:
    games = season()["games"]
    starts = games.set_index(KEY)["start_time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = changed(
        **{table: lambda rows: rows.assign(date=starts.loc[pd.MultiIndex.from_frame(rows[KEY])].to_numpy())}
    )
    with pytest.raises(UserError, match=rf"\d+% of the rows have no game .* \d+% of those would .* a day {direction}"):
        prepared(moved)
    in_utc = {
        name: rows.assign(**{column: rows[column].dt.strftime("%Y-%m-%dT%H:%M:%SZ")})
        for name, rows, column in (("games", moved["games"], "start_time"), ("lines", moved["lines"], "quoted_at"))
    }
    assert_same(prepared(in_utc, timezone="America/New_York")[0])


def test_start_times_of_the_lines_count_where_the_box_scores_have_none() -> None:
    lines = season()["lines"].merge(season()["games"][[*KEY, "start_time", "points"]], on=KEY)
    in_play = lines.assign(quoted_at=lines["start_time"] + pd.Timedelta("1h"), line=lines["points"] + 0.5)
    quotes = pd.concat([lines, in_play]).drop(columns="points").rename(columns={"start_time": "commence_time"})
    rows, report = prepared({"games": season()["games"].drop(columns="start_time"), "lines": quotes})
    assert_same(rows)
    assert report["set_aside"]["lines"]["quoted after the start"] == len(in_play)
    assert any("after the start" in note and "50.0%" in note for note in report["intake"]["hints"])


def test_two_game_ids_on_one_day_are_two_games_and_lines_go_to_the_nearest_start() -> None:
    games = season()["games"]
    day = games["date"] == games["date"].iloc[-1]
    second = games[day].assign(
        game_id=games["game_id"] + "-2",
        start_time=games["start_time"] + pd.Timedelta("4h"),
        **{name: games[name] + 2 for name in ("points", "ftm", "fta")},
    )
    both = pd.concat([games, second])
    _, report = prepared({"games": both, "lines": season()["lines"]})
    doubled = season()["lines"]["date"] == games["date"].iloc[-1]
    reason = "two games that day, and no start time that says which"
    assert report["set_aside"]["lines"][reason] == int(doubled.sum())
    timed = season()["lines"].merge(games[[*KEY, "start_time"]], on=KEY)
    rows, report = prepared({"games": both, "lines": timed})
    assert len(rows) == len(both)
    assert rows["row_id"].is_unique
    assert reason not in report["set_aside"]["lines"]
    assert rows.loc[rows["game_id"].str.endswith("-2"), "line"].isna().all()
    assert rows["line"].notna().sum() == truth()["line"].notna().sum()


def test_a_corrected_row_wins_if_a_time_says_so_and_is_named_if_not() -> None:
    games = season()["games"]
    wrong = games.tail(40).assign(points=games["points"] + 1, ftm=games["ftm"] + 1)
    stamped = pd.concat([wrong.assign(updated_at="2022-12-01T10:00Z"), games.assign(updated_at="2022-12-02T10:00Z")])
    rows, report = prepared({"games": stamped, "lines": season()["lines"]})
    assert_same(rows)
    assert report["set_aside"]["games"] == {"older version of the row": 40}
    _, report = prepared({"games": pd.concat([games, wrong]), "lines": season()["lines"]})
    assert report["set_aside"]["games"] == {"contradictory rows of a player and day": 80}


def test_unknown_players_and_opponents_that_are_no_team_are_listed() -> None:
    games, lines = season().values()
    team = games["team"].iloc[0]
    strange = games.assign(opponent=games["opponent"].replace(team, f"{team} City"))
    nobody = lines.head(30).assign(player_id="N. Nobody")
    _, report = prepared({"games": strange, "lines": pd.concat([lines, nobody])})
    assert report["unknown_players"]["lines"] == {"N. Nobody": 30}
    assert report["opponents_that_are_no_team"] == {f"{team} City": int((games["opponent"] == team).sum())}
    notes = " ".join(report["intake"]["hints"])
    assert "N. Nobody (30)" in notes
    assert f"{team} City" in notes


def test_a_source_most_of_whose_lines_name_nobody_is_refused_with_a_name() -> None:
    lines = season()["lines"]
    strangers = lines.assign(player_id=lines["player_id"].where(lines.index % 3 == 0, "N. Nobody"))
    _, report = prepared({"games": season()["games"], "lines": strangers})
    with pytest.raises(IntakeError, match=r"'lines: unknown player', for example 'N. Nobody' as player_id in row 2"):
        refuse_large_loss(report, 0.2, "props")


def test_lines_of_which_none_is_of_the_quantity_are_refused_with_their_words() -> None:
    with pytest.raises(UserError, match=r"none is about points; stat is 'kicks': .*\{stat: \{kicks: points\}\}"):
        prepared(changed(lines=lambda lines: lines.assign(stat="kicks")))
    rows, _ = prepared(changed(lines=lambda lines: lines.assign(stat="kicks")), values={"stat": {"Kicks": "points"}})
    assert_same(rows)


# --- names ---

letters = st.sampled_from("abcdeéčöñ")
words = st.text(letters, min_size=3, max_size=8).map(str.capitalize)
NAME_FORMS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    lambda name: f" {name} ",
    lambda name: name.replace(" ", "  "),
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c)),
    lambda name: f"{name} Jr.",
    lambda name: f"{name} III",
    lambda name: name.replace(" ", "-"),
]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(words, words).map(" ".join), min_size=1, max_size=6), st.sampled_from(NAME_FORMS))
def test_a_name_in_another_form_is_the_same_player_unless_two_share_that_form(
    names: list[str], spell: Callable[[str], str]
) -> None:
    plain = {name: spell(name).strip().casefold() for name in names}
    games = pd.DataFrame({"player_id": [str(no) for no in range(len(names))], "player": names})
    found = match_players(pd.Series([spell(name).strip() for name in names], dtype=object), games)
    folded = ["".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)) for name in names]
    for no, name in enumerate(names):
        alone = folded.count(folded[no]) == 1 and [key.casefold() for key in folded].count(folded[no].casefold()) == 1
        assert found[no] == (str(no) if alone else spell(name).strip()), plain


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("player_points", "points"),
        ("Pts", "points"),
        ("player_points_alternate", "points"),
        ("Pts+Rebs+Asts", "assists+points+rebounds"),
        ("player_points_rebounds_assists", "assists+points+rebounds"),
        ("PRA", "assists+points+rebounds"),
        ("3-PT Made", "fg3m"),
        ("player_threes", "fg3m"),
        ("Kicks", "kicks"),
    ],
)
def test_a_quantity_is_one_word_however_it_is_spelt(text: str, word: str) -> None:
    assert normalize_quantity(text) == word
