"""Raw sources: a table by name, from any kind of file or database."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from trueline.core.errors import UserError
from trueline.core.tables.raw_sources import list_source_tables, read_source_table, read_table_file

TABLE = pd.DataFrame({"runner": ["Ann", "Señor Ñ"], "box": [1, 2]})


def database(path: Path, name: str = "runners") -> Path:
    with closing(sqlite3.connect(path)) as connection:
        TABLE.to_sql(name, connection, index=False)
    return path


def put(folder: Path, ending: str) -> None:
    file, records = folder / f"runners{ending}", TABLE.to_dict("records")
    if ending == ".parquet":
        TABLE.to_parquet(file)
    elif ending == ".csv":
        TABLE.to_csv(file, index=False)
    elif ending == ".json":
        file.write_text(json.dumps(records), "utf-8")
    else:
        file.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n\n", "utf-8")


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".json", ".jsonl"])
def test_a_table_reads_the_same_from_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    put(tmp_path, ending)
    assert read_source_table(str(tmp_path), "runners").equals(TABLE)
    assert list_source_tables(str(tmp_path)) == ["runners"]


@pytest.mark.parametrize("ending", [".db", ".sqlite", ".sqlite3"])
def test_a_table_reads_the_same_from_a_database(tmp_path: Path, ending: str) -> None:
    path = database(tmp_path / f"races{ending}")
    assert read_source_table(str(path), "runners").equals(TABLE)
    assert list_source_tables(str(path)) == ["runners"]


def test_a_view_is_a_table_too(tmp_path: Path) -> None:
    path = database(tmp_path / "races.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIEW first AS SELECT * FROM runners WHERE box = 1")
        connection.commit()
    assert list_source_tables(str(path)) == ["first", "runners"]
    assert len(read_source_table(str(path), "first")) == 1


@pytest.mark.parametrize("name", ['odd "name"', "select", "with space"])
def test_a_table_of_a_database_may_have_any_name(tmp_path: Path, name: str) -> None:
    assert read_source_table(str(database(tmp_path / "races.db", name)), name).equals(TABLE)


def test_reading_a_database_neither_changes_nor_creates_it(tmp_path: Path) -> None:
    path = database(tmp_path / "races.db")
    before = path.read_bytes()
    read_source_table(str(path), "runners")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["races.db"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "runners.csv", index=False, encoding="utf-8-sig")
    (tmp_path / "more.json").write_text(json.dumps(TABLE.to_dict("list")), "utf-8-sig")
    assert read_source_table(str(tmp_path), "runners").equals(TABLE)
    assert read_source_table(str(tmp_path), "more").equals(TABLE)


def test_a_line_of_json_ends_at_a_newline_and_not_at_a_separator_inside_its_text(tmp_path: Path) -> None:
    (tmp_path / "runners.jsonl").write_bytes('{"text": "one\u2028two\x85three"}\r\n{"text": "four"}'.encode())
    assert read_source_table(str(tmp_path), "runners")["text"].tolist() == ["one\u2028two\x85three", "four"]


def test_files_of_other_kinds_are_no_tables(tmp_path: Path) -> None:
    put(tmp_path, ".csv")
    (tmp_path / "README.md").write_text("about")
    assert list_source_tables(str(tmp_path)) == ["runners"]


def test_a_missing_source_is_rejected_with_a_hint_for_relative_paths() -> None:
    with pytest.raises(UserError, match=r"no/where does not exist \(a relative path is resolved from the folder"):
        read_source_table("no/where", "runners")
    with pytest.raises(UserError, match="/no/where does not exist; point"):
        list_source_tables("/no/where")


def test_a_source_that_is_a_single_file_is_rejected(tmp_path: Path) -> None:
    put(tmp_path, ".csv")
    with pytest.raises(UserError, match="is a file; name its folder"):
        read_source_table(str(tmp_path / "runners.csv"), "runners")


def test_a_name_that_a_source_does_not_hold_is_rejected_with_the_nearest(tmp_path: Path) -> None:
    put(tmp_path, ".csv")
    for source in (tmp_path, database(tmp_path / "races.db")):
        with pytest.raises(UserError, match=r"holds no table 'runner' .*did you mean 'runners'\?"):
            read_source_table(str(source), "runner")


def test_two_files_of_one_name_are_rejected(tmp_path: Path) -> None:
    put(tmp_path, ".csv")
    put(tmp_path, ".json")
    with pytest.raises(UserError, match=r"holds runners\.csv and runners\.json; keep only one of them"):
        read_source_table(str(tmp_path), "runners")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "is empty; a table with a header and rows is needed"),
        ("a.csv", "runner\nSeñor".encode("latin-1"), "is not UTF-8; convert it"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "cannot be read as csv"),
        ("a.csv", b"\n\n", "cannot be read as csv"),
        ("a.parquet", b"not parquet", "cannot be read as parquet"),
        ("a.json", b'{"a": [1, 2', "cannot be read as json"),
        ("a.json", b"3", "cannot be read as json: expected a list of objects"),
        ("a.json", b'{"a": 1}', "cannot be read as json"),
        ("a.json", b'{"a": [1], "b": [1, 2]}', "cannot be read as json"),
        ("a.json", b'[{"a": 1}, 2]', "cannot be read as json"),
        ("a.json", b'["a", "b"]', "cannot be read as json"),
        ("a.jsonl", b'{"a": 1}\n{"a"', "cannot be read as jsonl"),
        ("a.jsonl", '{"a": "Señor"}'.encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_rejected_by_name_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name} {sentence}") as error:
        read_table_file(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"no database at all, but long enough to have a header " * 4, b"short"])
def test_a_file_that_only_looks_like_a_database_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "races.db").write_bytes(content)
    for call in (
        lambda: list_source_tables(str(tmp_path / "races.db")),
        lambda: read_source_table(str(tmp_path / "races.db"), "runners"),
    ):
        with pytest.raises(UserError, match=r"races\.db cannot be read as a SQLite database"):
            call()


def test_files_that_differ_in_a_number_at_the_end_are_one_table(tmp_path: Path) -> None:
    TABLE.iloc[:1].to_csv(tmp_path / "games_2022.csv", index=False)
    TABLE.iloc[1:].to_csv(tmp_path / "games_2023.csv.gz", index=False)
    assert list_source_tables(str(tmp_path)) == ["games"]
    assert read_source_table(str(tmp_path), "games").equals(TABLE)
    TABLE.to_csv(tmp_path / "games.csv", index=False)
    with pytest.raises(UserError, match=r"holds games\.csv and games_2022\.csv; keep only one of them"):
        read_source_table(str(tmp_path), "games")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_separator_is_found_in_the_header_and_shown(
    tmp_path: Path, separator: str, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    TABLE.to_csv(tmp_path / "runners.csv", index=False, sep=separator, encoding=encoding)
    assert read_source_table(str(tmp_path), "runners").equals(TABLE)
    assert read_source_table(str(tmp_path), "runners", separator).equals(TABLE)
    shown = capsys.readouterr().out
    assert shown == ("" if separator == "," else f"runners.csv is separated by {separator!r}\n")


@pytest.mark.parametrize(
    "ids", [["00000001", "2"], ["1.260200010", "1.5"], ["202610000000000001", None], ["1.50", "2"]]
)
@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
def test_ids_stay_as_they_are_written(tmp_path: Path, ids: list[str | None], ending: str) -> None:
    table = pd.DataFrame({"id": ids, "name": ["a", "b"]})
    if ending == "csv":
        table.to_csv(tmp_path / "runners.csv", index=False)
    else:
        table.to_json(tmp_path / f"runners.{ending}", orient="records", lines=ending == "jsonl")
    assert read_source_table(str(tmp_path), "runners")["id"].dropna().tolist() == [name for name in ids if name]


def test_large_whole_numbers_with_gaps_keep_their_digits(tmp_path: Path) -> None:
    large = 202610000000000001
    (tmp_path / "runners.json").write_text(json.dumps([{"id": large}, {"id": None}, {}]))
    assert read_source_table(str(tmp_path), "runners")["id"].tolist()[0] == large
    with closing(sqlite3.connect(tmp_path / "races.db")) as connection:
        connection.execute("CREATE TABLE runners (id INTEGER)")
        connection.executemany("INSERT INTO runners VALUES (?)", [(large,), (None,)])
        connection.commit()
    assert read_source_table(str(tmp_path / "races.db"), "runners")["id"].tolist()[0] == large


def test_a_database_in_a_folder_without_the_table_is_named_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no table 'events' .*; put events\.csv there\.$"):
        read_source_table(str(tmp_path), "events")
    file = tmp_path / "all.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE events (id)")
    with pytest.raises(UserError, match=rf"it holds all\.sqlite; .*set tasks\.<task>\.source: {file}\.$"):
        read_source_table(str(tmp_path), "events")
    assert read_source_table(str(file), "events").empty
