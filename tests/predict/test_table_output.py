"""Predictions in a file: the same values in every format, and never half a file."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.predict import table_output
from trueline.predict.table_output import require_output_file, write_predictions

TABLE = pd.DataFrame(
    {
        "runner": ['Ö\'Neill, "Bay"', "007", None],
        "start_time": pd.to_datetime(["2024-04-30T18:00", "2024-04-30T18:12", "2024-04-30T18:12"]),
        "box": [1, 2, 3],
        "win_chance": [0.1 + 0.2, 1 / 3, np.nan],
    }
)


def test_csv_parquet_and_json_hold_the_same_values_to_the_last_digit(tmp_path: Path) -> None:
    for suffix in table_output.SUFFIXES:
        write_predictions(TABLE, tmp_path / f"out{suffix}")
    csv = pd.read_csv(tmp_path / "out.csv", parse_dates=["start_time"], dtype={"runner": object})
    listed = json.loads((tmp_path / "out.json").read_text("utf-8"))
    parquet = pd.read_parquet(tmp_path / "out.parquet")
    for name in TABLE:
        expected = TABLE[name].astype(object).where(TABLE[name].notna(), None).tolist()
        assert parquet[name].astype(object).where(parquet[name].notna(), None).tolist() == expected
        assert csv[name].astype(object).where(csv[name].notna(), None).tolist() == expected
        values = [row[name] for row in listed]
        assert (pd.to_datetime(values).tolist() if name == "start_time" else values) == expected
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.csv", "out.json", "out.parquet"]


def test_a_killed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    files = [tmp_path / f"out{suffix}" for suffix in table_output.SUFFIXES]
    for file in files:
        file.write_text("of yesterday")
    code = f"""
import os, signal, sys, trueline
from pathlib import Path
from trueline.predict import table_output
from tests.predict.test_table_output import TABLE
table_output.os.replace = lambda draft, file: os.kill(os.getpid(), signal.SIGKILL)
for file in {[str(file) for file in files]!r}:
    child = os.fork()
    if not child:
        table_output.write_predictions(TABLE, Path(file))
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert [file.read_text() for file in files] == ["of yesterday"] * len(files)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_predictions(TABLE, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_says_no_format_or_no_folder_is_refused(tmp_path: Path) -> None:
    for name, problem in (("out.xls", "end the name in one of these"), ("none/out.csv", "does not exist")):
        with pytest.raises(UserError, match=problem):
            require_output_file(tmp_path / name)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        require_output_file(tmp_path / "folder.csv")
