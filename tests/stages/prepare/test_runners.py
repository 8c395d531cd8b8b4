"""Every form that a source of runners may take, and what is rejected."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from stages.prepare.racing import Settings, prepare
from stages.prepare.runners import GUIDE_HEADER, read
from trueline.core.errors import UserError

SETTINGS = Settings(until=None, box_low=1, box_high=10, book_low=0.8, book_high=1.6)
TABLE = pd.DataFrame(
    {
        "race_id": ["r1"] * 3,
        "start_time": ["2024-03-01"] * 3,
        "venue": ["Ardley"] * 3,
        "distance_m": [300.0] * 3,
        "grade": ["Open"] * 3,
        "box": [1, 2, 3],
        "runner": ["Zoë", "Bo", "Cy"],
        "won": [0.0, 1.0, 0.0],
        "bsp": [2.0, 4.0, 4.0],
    }
)
PLAIN = {
    "Sex": "D",
    "PLC": "2",
    "BOX": "2",
    "WGT": "31.2",
    "DIST": "400",
    "DATE": "2024-03-08",
    "TRACK": "ARD",
    "G": "5",
}
PLAIN |= {
    "TIME": "22.59",
    "WIN": "22.50",
    "BON": "22.40",
    "MGN": "1.25",
    "W/2G": "Tin Whistle",
    "PIR": "22",
    "SP": "3.00",
}


def start(name: str, **cells: str) -> str:
    """Return a line of a form guide; `SEC` and `W2G` stand for the columns whose names are not Python names."""
    line = (
        PLAIN
        | {"Dog Name": name}
        | {{"SEC": "1 SEC", "W2G": "W/2G"}.get(key, key): cell for key, cell in cells.items()}
    )
    return ",".join(line.get(column, "") for column in GUIDE_HEADER)


def guide(folder: Path, *lines: str, name: str = "Race 1 - ARD - 15 March 2024.csv") -> str:
    (folder / name).write_text("\n".join([",".join(GUIDE_HEADER), *lines]) + "\n")
    return str(folder)


def to_database(table: pd.DataFrame, path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        table.to_sql("runners", database, index=False)


WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "runners.csv": lambda table, path: table.to_csv(path, index=False),
    "runners.parquet": lambda table, path: table.to_parquet(path),
    "runners.json": lambda table, path: table.to_json(path, orient="records"),
    "runners.jsonl": lambda table, path: table.to_json(path, orient="records", lines=True),
    "races.sqlite": to_database,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_of_one_table_prepares_to_the_same_rows(tmp_path: Path, name: str) -> None:
    WRITERS[name](TABLE, tmp_path / name)
    source = tmp_path / name if name.endswith(".sqlite") else tmp_path
    prepared, _ = prepare(read(str(source)), SETTINGS)
    pd.testing.assert_frame_equal(prepared, prepare(TABLE, SETTINGS)[0])


def test_a_latin_1_table_is_rejected_with_the_command_that_fixes_it(tmp_path: Path) -> None:
    (tmp_path / "runners.csv").write_bytes(TABLE.to_csv(index=False).encode("latin-1"))
    with pytest.raises(UserError, match=r"runners\.csv is not UTF-8; convert it"):
        read(str(tmp_path))


def test_an_empty_file_is_rejected_by_name(tmp_path: Path) -> None:
    (tmp_path / "runners.csv").touch()
    with pytest.raises(UserError, match=r"runners\.csv is empty"):
        read(str(tmp_path))


def test_a_source_of_neither_kind_is_rejected_with_what_is_accepted(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "runner.csv", index=False)
    with pytest.raises(
        UserError, match=r"neither a table 'runners' \(.parquet.*SQLite.*form guides.*did you mean 'runner'"
    ):
        read(str(tmp_path))


def test_a_database_without_the_table_is_rejected(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "races.db")) as database:
        TABLE.to_sql("dogs", database, index=False)
    with pytest.raises(UserError, match=r"neither a table 'runners'.*Allowed: dogs"):
        read(str(tmp_path / "races.db"))


@pytest.mark.parametrize("blank", ["", '""', '""""""'])
def test_every_row_of_a_form_guide_is_a_past_start_of_the_dog_named_above_it(tmp_path: Path, blank: str) -> None:
    lines = [start("3. Quiet Otter"), start(blank, DATE="2024-03-01", BOX="5"), start("4. Paper Moon", BOX="7")]
    rows = read(guide(tmp_path, *lines)).sort_values("box")
    assert rows["runner"].tolist() == ["QUIET OTTER", "QUIET OTTER", "PAPER MOON"]
    assert rows["start_time"].tolist() == ["2024-03-08", "2024-03-01", "2024-03-08"]


def test_the_cells_of_a_form_guide_become_the_raw_columns(tmp_path: Path) -> None:
    line = start("3. Quiet Otter", PLC="1", DIST="400m", TIME="22.50", SEC="8.40", W2G="Paper Moon", SP="$1.50F")
    row = read(guide(tmp_path, line)).iloc[0]
    assert row[["venue", "grade", "sex", "start_time"]].tolist() == ["ARD", "5", "D", "2024-03-08"]
    assert row[["distance_m", "box", "weight_kg", "place", "won", "bsp"]].tolist() == [400, 2, 31.2, 1, 1, 1.5]
    assert row[["run_time_s", "sectional_s"]].tolist() == [22.5, 8.4]
    assert row["margin_lengths"] == -1.25  # ahead of the second


@pytest.mark.parametrize(
    ("cell", "price"), [("3.20", 3.2), ("$12.00", 12), ("$1,200.00", 1200), ("-", None), ("", None)]
)
def test_prices_are_read_as_printed(tmp_path: Path, cell: str, price: float | None) -> None:
    read_price = read(guide(tmp_path, start("1. Quiet Otter", SP=f'"{cell}"')))["bsp"].iloc[0]
    assert read_price == price or (price is None and pd.isna(read_price))


@pytest.mark.parametrize("day", ["2024-03-08", "08/03/2024", "8/3/2024", "8 March 2024", "8 Mar 2024"])
def test_days_are_read_as_printed_day_first(tmp_path: Path, day: str) -> None:
    assert read(guide(tmp_path, start("1. Quiet Otter", DATE=day)))["start_time"].tolist() == ["2024-03-08"]


def test_a_day_that_is_none_is_left_for_prepare_to_count(tmp_path: Path) -> None:
    lines = [*race("Quiet Otter", "Paper Moon"), start("3. Loose Button", DATE="soon")]
    _, report = prepare(read(guide(tmp_path, *lines)), SETTINGS)
    assert report["set_aside"] == {"unreadable date": {"rows": 1, "races": 1}}


def race(winner: str, second: str, **cells: str) -> list[str]:
    """Both runners of a two-dog race at even money."""
    first = start(f"1. {winner}", PLC="1", BOX="1", W2G=second, SP="2.00", **cells)
    return [first, start(f"2. {second}", PLC="2", BOX="2", W2G=winner, SP="2.00", **cells)]


def test_two_races_of_one_day_track_distance_and_grade_are_told_apart(tmp_path: Path) -> None:
    by_time = [*race("Quiet Otter", "Paper Moon"), *race("Loose Button", "Tin Whistle", WIN="22.71")]
    by_winner = race("Old Kettle", "Green Door")
    prepared, report = prepare(read(guide(tmp_path, *by_time, *by_winner)), SETTINGS)
    assert report["set_aside"] == {}
    assert prepared.groupby("group")["entity"].agg(set).tolist() == [
        {"OLD KETTLE", "GREEN DOOR"},
        {"QUIET OTTER", "PAPER MOON"},
        {"LOOSE BUTTON", "TIN WHISTLE"},
    ]


def test_a_start_that_several_files_hold_is_kept_once_in_its_fullest_copy(tmp_path: Path) -> None:
    guide(tmp_path, start("1. Quiet Otter", SP="", MGN=""), name="a.csv")
    guide(tmp_path, start("6. QUIET OTTER", WGT=""), name="b.csv")
    guide(tmp_path, start("2. quiet otter", DATE="08/03/2024", TIME="", MGN="", SP=""), name="c.csv")
    rows = read(str(tmp_path))
    assert rows[["runner", "bsp", "run_time_s"]].to_numpy().tolist() == [["QUIET OTTER", 3.0, 22.59]]


def test_runners_of_a_dead_heat_stay_in_one_race_and_share_it(tmp_path: Path) -> None:
    lines = [
        start("1. Quiet Otter", PLC="1=", BOX="1", W2G="Paper Moon"),
        start("2. Paper Moon", PLC="1=", BOX="2", W2G="Quiet Otter"),
        start("3. Loose Button", PLC="3", BOX="3", W2G="Paper Moon"),
    ]
    prepared, _ = prepare(read(guide(tmp_path, *lines)), SETTINGS)
    assert prepared["group"].nunique() == 1
    assert prepared["target"].tolist() == [0.5, 0.5, 0]


def test_a_race_of_which_the_guides_hold_a_part_is_set_aside(tmp_path: Path) -> None:
    third = start("3. Loose Button", PLC="3", BOX="3", DATE="2024-03-01", WIN="22.80", W2G="Old Kettle")
    _, report = prepare(read(guide(tmp_path, *race("Quiet Otter", "Paper Moon"), third)), SETTINGS)
    assert report["set_aside"] == {"fewer than two runners": {"rows": 1, "races": 1}}


def test_a_start_without_a_finishing_place_has_no_result(tmp_path: Path) -> None:
    assert read(guide(tmp_path, start("1. Quiet Otter", PLC="")))["won"].isna().all()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<!DOCTYPE html>\n<html></html>\n", r"page\.csv is not a form guide \(it begins '<!DOCTYPE html>'"),
        ("", r"page\.csv is empty"),
        (",".join(GUIDE_HEADER) + "\n" + start(""), r"page\.csv begins with a row without a dog's name"),
        (",".join(GUIDE_HEADER) + "\n" + start("1. Zoë"), r"page\.csv is not UTF-8"),
    ],
)
def test_a_file_that_is_no_form_guide_is_rejected_by_name(tmp_path: Path, content: str, problem: str) -> None:
    guide(tmp_path, start("1. Quiet Otter"))
    (tmp_path / "page.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=problem):
        read(str(tmp_path))
