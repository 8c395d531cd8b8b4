"""Every form that a source of box scores may take, and what is rejected."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages.prepare.box_scores import read
from stages.prepare.props import COLUMNS, Settings, prepare
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import parse_settings
from trueline.core.tables import table_schema

SETTINGS = parse_settings(yaml.safe_load((ROOT / "params.yaml").read_text()), Settings, "prepare", "props")
Tables = dict[str, pd.DataFrame]
Writer = Callable[[pd.DataFrame, Path], object]


@pytest.fixture(scope="module")
def raw() -> Tables:
    """The first weeks of the sample."""
    source = read(str(ROOT / "data/sample/props"))
    weeks = {name: table[table["date"] < "2022-11-20"] for name, table in source.items()}
    log = weeks["games"].assign(model="naive", predicted=weeks["games"]["points"] + 0.25, created_at="2022-10-01")
    return weeks | {"production": log[["player_id", "date", "model", "predicted", "created_at"]]}


def written(raw: Tables, path: Path, **changed: Any) -> bytes:
    """Return the prepared rows as prepare writes them."""
    prepared, _ = prepare(raw, SETTINGS.model_copy(update=changed))
    table_schema.write_table(prepared, path, [column for column in COLUMNS if column.name in prepared])
    return path.read_bytes()


def database(held: Tables, path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        for name, table in held.items():
            table.to_sql(name, connection, index=False)
    return str(path)


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with all columns as text, as systems without types keep it."""
    return table.astype("string").assign(
        **{name: table[name].astype("string").str.lower() for name in {"home"} & {*table}}
    )


def records(table: pd.DataFrame, path: Path, **options: Any) -> None:
    table.to_json(path, orient="records", date_format="iso", **options)


WRITERS: dict[str, Writer] = {
    "parquet": lambda table, path: table.to_parquet(path),
    "csv": lambda table, path: table.to_csv(path, index=False),
    "json": lambda table, path: records(table, path),
    "jsonl": lambda table, path: records(table, path, lines=True),
}
TEXT: dict[str, Writer] = {
    "parquet of text": lambda table, path: as_text(table).to_parquet(path),
    "csv of 1 and 0": lambda table, path: (table.astype({"home": int}) if "home" in table else table).to_csv(
        path, index=False
    ),
    "json of columns": lambda table, path: as_text(table).to_json(path),
}


@pytest.mark.parametrize("form", [*WRITERS, *TEXT])
def test_every_form_of_the_same_tables_prepares_to_the_same_bytes(raw: Tables, tmp_path: Path, form: str) -> None:
    (tmp_path / "held").mkdir()
    for name, table in raw.items():
        (WRITERS | TEXT)[form](table, tmp_path / f"held/{name}.{form.split()[0]}")
    assert written(read(str(tmp_path / "held")), tmp_path / "one") == written(raw, tmp_path / "other")


@pytest.mark.parametrize("form", [lambda table: table, as_text], ids=["as it is", "all text"])
def test_a_database_prepares_to_the_same_bytes(
    raw: Tables, tmp_path: Path, form: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    source = database({name: form(table) for name, table in raw.items()}, tmp_path / "league.sqlite")
    assert written(read(source), tmp_path / "one") == written(raw, tmp_path / "other")


def test_the_tables_of_a_source_may_come_in_different_forms(raw: Tables, tmp_path: Path) -> None:
    for (name, table), form in zip(raw.items(), WRITERS, strict=False):
        WRITERS[form](table, tmp_path / f"{name}.{form}")
    assert written(read(str(tmp_path)), tmp_path / "one") == written(raw, tmp_path / "other")


@pytest.mark.parametrize("lacking", [["lines"], ["production"], ["lines", "production"]], ids=" and ".join)
def test_lines_and_production_may_be_lacking(raw: Tables, tmp_path: Path, lacking: list[str]) -> None:
    held = {name: table for name, table in raw.items() if name not in lacking}
    for name, table in held.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    database(held, tmp_path / "league.db")
    for source in (tmp_path, tmp_path / "league.db"):
        found = read(str(source))
        assert list(found) == list(held)
        assert found["games"].columns.equals(raw["games"].columns)


@pytest.mark.parametrize("form", WRITERS)
def test_a_gap_among_the_ids_of_one_table_does_not_part_it_from_the_others(
    raw: Tables, tmp_path: Path, form: str
) -> None:
    lines = raw["lines"].astype({"player_id": float})
    lines.loc[lines.index[0], "player_id"] = None
    for name, table in (raw | {"lines": lines}).items():
        WRITERS[form](table, tmp_path / f"{name}.{form}")
    prepared, report = prepare(read(str(tmp_path)), SETTINGS)
    assert report["set_aside"]["lines"]["unreadable or missing value"] == 1
    assert "unknown player" not in report["set_aside"]["lines"]
    assert (prepared["line_type"] == "actual").sum() > 400


def test_tables_that_nobody_asked_for_are_left_where_they_are(raw: Tables, tmp_path: Path) -> None:
    raw["games"].to_csv(tmp_path / "games.csv", index=False)
    (tmp_path / "referees.csv").write_text("not\neven\na,table")
    assert list(read(str(tmp_path))) == ["games"]


def test_a_source_without_games_is_rejected_with_what_it_holds(raw: Tables, tmp_path: Path) -> None:
    raw["games"].to_csv(tmp_path / "game.csv", index=False)
    with pytest.raises(UserError, match=r"holds no table 'games'.*did you mean 'game'"):
        read(str(tmp_path))
    source = database({"lines": raw["lines"]}, tmp_path / "league.db")
    with pytest.raises(UserError, match=r"holds no table 'games'.*Allowed: lines"):
        read(source)


@pytest.mark.parametrize("name", ["games.xls", "lines.xls", "production.feather"])
def test_a_table_in_another_form_is_rejected_rather_than_taken_for_absent(
    raw: Tables, tmp_path: Path, name: str
) -> None:
    if not name.startswith("games"):
        raw["games"].to_parquet(tmp_path / "games.parquet")
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(
        UserError, match=rf"holds {name}, which is not one of .parquet, .csv, .json, .jsonl, .xlsx; save it as"
    ):
        read(str(tmp_path))


def test_another_file_of_a_readable_table_is_no_concern(raw: Tables, tmp_path: Path) -> None:
    raw["games"].to_parquet(tmp_path / "games.parquet")
    (tmp_path / "games.parquet.dvc").write_text("outs: []")
    assert list(read(str(tmp_path))) == ["games"]


def test_two_files_of_one_table_are_rejected(raw: Tables, tmp_path: Path) -> None:
    raw["games"].to_parquet(tmp_path / "games.parquet")
    raw["games"].to_csv(tmp_path / "games.csv", index=False)
    with pytest.raises(UserError, match=r"games\.parquet and games\.csv; keep only one of them"):
        read(str(tmp_path))


@pytest.mark.parametrize("name", ["games", "lines", "production"])
def test_an_empty_file_is_rejected_by_name(raw: Tables, tmp_path: Path, name: str) -> None:
    if name != "games":
        raw["games"].to_csv(tmp_path / "games.csv", index=False)
    (tmp_path / f"{name}.jsonl").touch()
    with pytest.raises(UserError, match=rf"{name}\.jsonl is empty"):
        read(str(tmp_path))
