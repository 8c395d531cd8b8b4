"""Incoming files: every file becomes a part of the source exactly once, whatever kills the run, and can be read."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.prepare import racing, runners
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.runtime.params import YAML_LOADER, parse_settings
from trueline.core.tables.raw_sources import list_source_tables, read_source_table
from trueline.daily.incoming_files import find_card, take_in_files

# kills itself at the n-th call of what changes files
KILLED_RUN = """
import os, sys
from pathlib import Path
from trueline.daily import incoming_files
left = int(sys.argv[1])
def lethal(change):
    def call(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return change(*arguments, **options)
    return call
os.fsync, os.link, Path.unlink = lethal(os.fsync), lethal(os.link), lethal(Path.unlink)
incoming_files.take_in_files(Path("incoming"), Path("source"), ["runners"])
"""
CALLS = 5  # by file: to force a draft to disk, link it, remove it, force the folder to disk, remove the file


def make_folders(folder: Path) -> tuple[Path, Path]:
    incoming, source = folder / "incoming", folder / "source"
    incoming.mkdir(parents=True)
    source.mkdir()
    (source / "runners.csv").write_text("race_id,box\nr1,1\nr1,2\n")
    (incoming / "runners_2024-05-01.csv").write_text("race_id,box\nr2,1\nr2,2\n")
    (incoming / "runners_2024-05-02.csv").write_text("race_id,box\nr3,1\nr3,2\n")
    return incoming, source


def read_files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize("calls", [0, 1, 2, CALLS - 1, CALLS + 1])
def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(calls: int, tmp_path: Path) -> None:
    incoming, source = make_folders(tmp_path / "undisturbed")
    take_in_files(incoming, source, ["runners"])
    expected = read_files(source)
    assert list(expected) == ["runners.csv", "runners.part000001.csv", "runners.part000002.csv"]
    incoming, source = make_folders(tmp_path / "killed")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED_RUN, str(calls)]
    assert subprocess.run(command, cwd=tmp_path / "killed", env=environment).returncode == -9
    take_in_files(incoming, source, ["runners"])
    assert read_files(source) == expected
    assert read_files(incoming) == {}


def test_parts_are_read_after_their_table_and_the_same_bytes_are_taken_in_once(tmp_path: Path) -> None:
    incoming, source = make_folders(tmp_path)
    for file in list(incoming.iterdir())[::-1]:
        (incoming / f"{file.stem}-again.csv").write_bytes(file.read_bytes())
    taken = take_in_files(incoming, source, ["runners"])
    assert [part.is_new for part in taken].count(True) == 2
    assert list_source_tables(str(source)) == ["runners"]
    assert read_source_table(str(source), "runners")["race_id"].tolist() == ["r1", "r1", "r2", "r2", "r3", "r3"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("runner_may.csv", "race_id\nr4\n", "would be a table 'runner_may', which nobody reads"),
        ("runners_may.csv", "", "is empty"),
        ("runners_may.json", "{", "cannot be read as json"),
    ],
)
def test_a_file_that_nobody_could_read_stops_the_run_before_anything_is_taken_in(
    name: str, content: str, why: str, tmp_path: Path
) -> None:
    incoming, source = make_folders(tmp_path)
    (incoming / name).write_text(content)
    before = read_files(source), read_files(incoming)
    with pytest.raises(UserError, match=why):
        take_in_files(incoming, source, ["runners"])
    assert (read_files(source), read_files(incoming)) == before


def test_a_card_is_no_part_and_there_is_one_at_most(tmp_path: Path) -> None:
    incoming, source = make_folders(tmp_path)
    (incoming / "card.csv").write_text("race_id,box\nr9,1\n")
    take_in_files(incoming, source, ["runners"])
    assert find_card(incoming) == incoming / "card.csv"
    (incoming / "card").mkdir()
    with pytest.raises(UserError, match=r"holds card and card.csv; keep only one card"):
        find_card(incoming)


def test_parts_of_another_format_give_the_rows_of_one_table_and_a_later_part_corrects_a_race(tmp_path: Path) -> None:
    params = yaml.load((ROOT / "params.yaml").read_text(), YAML_LOADER)
    settings = parse_settings(params, racing.Settings, "prepare", "racing")
    table = pd.read_parquet(ROOT / "data/sample/racing/runners.parquet").iloc[:2000]
    is_new = table["start_time"] >= table["start_time"].iloc[-1].normalize()
    race_id = table["race_id"].iloc[0]
    wrong = table.assign(weight_kg=table["weight_kg"].mask(table["race_id"] == race_id, 31.0))
    wrong[~is_new].to_parquet(tmp_path / "runners.parquet")
    table[is_new].to_csv(tmp_path / "runners.part000001.csv", index=False)
    table[table["race_id"] == race_id].to_csv(tmp_path / "runners.part000002.csv", index=False)
    prepared, quality = racing.prepare(runners.read(str(tmp_path), settings), settings)
    pd.testing.assert_frame_equal(prepared, racing.prepare(table, settings)[0])
    corrected = int((table["race_id"] == race_id).sum())
    assert f"racing: rows that an added part corrects: {corrected}" in quality["intake"]["notes"]
