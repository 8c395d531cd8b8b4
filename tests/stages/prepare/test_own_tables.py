"""Own columns in any table of a source of props: found, joined to the games, or refused in a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.prepare.box_scores import read
from stages.prepare.props import Settings, prepare, read_slate
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params

PARAMS = expand_params(yaml.safe_load((ROOT / "params.yaml").read_text()))["prepare"]["props"]
OWN = {
    "rest": {"kind": "number", "unit": "days", "known": "before"},
    "injury": {"kind": "category", "known": "at_start"},
    "hot": {"kind": "flag", "known": "before"},
}
KEY = ["player_id", "date", "game_id"]


def parse(own: Any = OWN, **changed: Any) -> Settings:
    return Settings(**PARAMS | {"own_columns": own, "most_set_aside": 1.0} | changed)


@pytest.fixture(scope="module")
def raw() -> dict[str, pd.DataFrame]:
    """The first weeks of the sample, its games with an own value each of what OWN declares."""
    source = read(str(ROOT / "data/sample/props"))
    weeks = {name: table[table["date"] < "2022-11-05"].reset_index(drop=True) for name, table in source.items()}
    weeks["games"] = weeks["games"].drop_duplicates(KEY).reset_index(drop=True)
    return weeks


def list_values(keys: pd.DataFrame, of: list[str]) -> pd.DataFrame:
    """Return own values that are a function of some key columns."""
    hashed = pd.util.hash_pandas_object(keys[of].astype(str), index=False).to_numpy()
    injuries = np.array(["OUT", "Q", "P"], dtype=object)[hashed % 3]
    return pd.DataFrame({"rest": hashed % 5 + 0.5, "injury": injuries, "hot": hashed % 2}, keys.index)


def assert_as_in_games(raw: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame], of: list[str]) -> list[str]:
    """Assert that tables with own values give what the same values in the games do; return the notes."""
    games = raw["games"]
    expected, _ = prepare(raw | {"games": games.join(list_values(games, of))}, parse())
    rows, quality = prepare(raw | tables, parse())
    pd.testing.assert_frame_equal(rows, expected)
    return list(quality["intake"]["notes"])


KEYS = [
    *(["player_id"], ["team"], ["game_id"], ["player_id", "date"], ["team", "date"], ["player_id", "game_id"]),
    *(["team", "game_id"], ["date"], ["player_id", "season"], ["team", "season"]),
]


@pytest.mark.parametrize("key", KEYS, ids=" ".join)
def test_a_further_table_gives_every_game_the_value_of_its_key(raw: dict[str, pd.DataFrame], key: list[str]) -> None:
    facts = raw["games"].drop_duplicates(key)
    table = facts[key].join(list_values(facts, key)).sample(frac=1, random_state=3, ignore_index=True)
    notes = assert_as_in_games(raw, {"facts": table}, key)
    assert f"facts: rest, injury, hot found by {' and '.join(key)} for" in " ".join(notes)


def test_a_player_is_found_by_name_and_further_columns_of_the_table_are_no_key(raw: dict[str, pd.DataFrame]) -> None:
    facts = raw["games"].drop_duplicates("player_id")
    table = list_values(facts, ["player_id"]).assign(Athlete=facts["player"].str.upper(), Team="another")
    assert_as_in_games(raw, {"roster": table}, ["player_id"])


def test_own_columns_may_be_spread_over_tables_and_the_games_come_first(raw: dict[str, pd.DataFrame]) -> None:
    games = raw["games"]
    values = list_values(games, ["team", "date"])
    days = games[["team", "date"]].join(values).drop_duplicates(["team", "date"])
    tables = {
        "games": games.join(values[["rest"]]),
        "injuries": days[["team", "date", "injury"]],
        "streaks": days[["team", "date", "hot"]].assign(rest=99),
    }
    assert_as_in_games(raw, tables, ["team", "date"])


@pytest.mark.parametrize("name", ["facts.csv", "facts.xlsx", "facts_2022.csv"])
def test_a_folder_with_a_further_table_is_read_only_if_it_has_an_own_column(
    raw: dict[str, pd.DataFrame], tmp_path: Path, name: str
) -> None:
    games = raw["games"]
    games.to_parquet(tmp_path / "games.parquet")
    raw["lines"].to_parquet(tmp_path / "lines.parquet")
    (tmp_path / "notes.csv").write_text("what,is this\n1,2\n")
    facts = games.drop_duplicates("player_id")
    table = facts[["player_id"]].join(list_values(facts, ["player_id"]))
    if name.endswith("xlsx"):
        table.to_excel(tmp_path / name, index=False)
    else:
        table.to_csv(tmp_path / name, index=False)
    tables = read(str(tmp_path), parse())
    assert sorted(tables) == ["facts", "games", "lines"]
    assert_as_in_games(raw, tables | {"production": raw["production"]}, ["player_id"])
    assert sorted(read(str(tmp_path), parse({}))) == ["games", "lines"]


def test_of_quotes_the_first_counts_for_what_is_known_before_and_the_newest_for_the_rest() -> None:
    random = np.random.default_rng(5)
    games, quotes, first_values, newest_values = [], [], [], []
    for player in range(60):
        size = random.integers(1, 9)
        own_quotes = list(zip(random.permutation(40)[:size], random.integers(0, 3, size), range(size), strict=True))
        by_book: dict[int, list[Any]] = {}
        for quote in sorted(own_quotes):
            by_book.setdefault(quote[1], []).append(quote[2])
        first_values.append(np.median([values[0] for values in by_book.values()]))
        newest_values.append(np.median([values[-1] for values in by_book.values()]))
        key = {"player_id": f"{player:02}", "date": "2024-03-01"}
        quotes += [
            key | {"line": 10.5, "book": f"b{book}", "quoted_at": f"2024-03-01T10:{minute + 10}Z", "early": value}
            for minute, book, value in own_quotes
        ]
        teams = {"game_id": f"g{player}", "team": f"t{player}", "opponent": "x", "home": 1, "season": "2024"}
        games.append(key | teams | {"minutes": 30, "points": 9})
    lines = pd.DataFrame(quotes).assign(late=lambda rows: rows["early"])
    own = {name: {"kind": "number", "known": when} for name, when in (("early", "before"), ("late", "at_start"))}
    rows, _ = prepare({"games": pd.DataFrame(games), "lines": lines}, parse(own))
    rows = rows.sort_values("entity")
    assert rows["own:early"].tolist() == first_values
    assert rows["own:late"].tolist() == newest_values


def test_an_own_column_of_the_log_comes_from_the_prediction_that_counts(raw: dict[str, pd.DataFrame]) -> None:
    games = raw["games"].head(40)
    log = games[["player_id", "date"]].assign(predicted=1.0, created_at="2022-10-02T10:00Z", trust=0.5)
    older = log.assign(created_at="2022-10-01T10:00Z", trust=0.1)
    own = {"trust": {"kind": "number", "known": "before"}}
    rows, _ = prepare({"games": games, "production": pd.concat([log, older])}, parse(own))
    assert rows["own:trust"].eq(0.5).all()


def test_a_newer_row_of_a_further_table_counts(raw: dict[str, pd.DataFrame]) -> None:
    facts = raw["games"].drop_duplicates("team")
    right = facts[["team"]].join(list_values(facts, ["team"])).assign(updated_at="2022-10-02")
    wrong = right.assign(rest=77, updated_at="2022-10-01")
    assert_as_in_games(raw, {"facts": pd.concat([right, wrong])}, ["team"])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no key": ({"rest": [1], "colour": ["red"]}, r"facts has rest, but no column that tells what it is about"),
    "no game": (
        {"player_id": ["x"], "rest": [1]},
        r"facts and games share no player_id \(x there and .* in games\), so rest cannot be joined",
    ),
    "two values": (
        {"team": ["Alderport", "Alderport"], "rest": [1, 2]},
        r"facts has several values of rest for one team, for example '1.0' and '2.0' for Alderport",
    ),
    "no number": ({"team": ["Alderport"], "rest": ["some"]}, r"facts: rest has no value that is a number, for example"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_further_table_that_cannot_be_joined_is_refused(raw: dict[str, pd.DataFrame], name: str) -> None:
    cells, sentence = REFUSED[name]
    with pytest.raises(UserError, match=sentence):
        prepare(raw | {"facts": pd.DataFrame(cells)}, parse({"rest": OWN["rest"]}))


def test_an_own_column_that_no_table_has_is_missed_in_the_games(raw: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(UserError, match=r"games has no columns? 'rest', 'injury', 'hot'"):
        prepare(raw, parse())


def test_a_slate_has_own_columns_in_any_of_its_tables(raw: dict[str, pd.DataFrame]) -> None:
    games = raw["games"].head(20).drop(columns=["points", "minutes"])
    quotes = games[["player_id", "date"]].assign(line=9.5, injury="Q")
    rests = games[["team"]].drop_duplicates().assign(rest=2)
    slate_games = games.assign(hot=1)
    tables = {"games": slate_games, "lines": quotes, "rests": rests}
    players = games[["player_id", "player"]].astype(str)
    slate = read_slate(tables, players, parse(sport="basketball", quantity="points"), pd.Timestamp("2022-10-18"))
    assert slate.rows["rest"].eq(2).all()
    assert slate.rows["injury"].eq("Q").all()
    assert slate.rows["hot"].eq(1).all()
