"""The audit command passes an honest chain, and ends with one sentence where predictions depend on their outcomes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import pipeline_copy
from tests.test_score_audit import CHEATS, HONEST, build_world, permit_looks, write_world
from trueline.core.tables import table_schema
from trueline.core.tables.table_schema import Column

DECLARATIONS = [
    Column("row_id", "text", "before", "the row"),
    Column("group", "text", "before", "the race"),
    Column("time", "time", "before", "the off"),
    Column("soft_label", "number", "at_start", "the market's chance"),
    Column("target", "number", "after", "whether it won"),
    Column("placed", "whole", "after", "whether a place was paid"),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which a small task of races is built as far as predictions."""
    folder = pipeline_copy.copy(tmp_path_factory.mktemp("chain") / "repository")
    permit_looks(folder)
    write_world(folder, "racing", **HONEST)
    path = folder / "data/prepared/racing.parquet"
    rows = build_world("racing")[1].merge(table_schema.read_table(path), on="row_id")
    table_schema.write_table(rows[[column.name for column in DECLARATIONS]], path, DECLARATIONS)
    return pipeline_copy.run_pipeline(folder, "racing", since="resample", until="calibrate")


def run_audit(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "trueline", "audit", "racing", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


def test_an_honest_chain_is_passed_with_a_sentence(repository: Path) -> None:
    done = run_audit(repository, "--fold", "test_0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("racing, test_0: with other outcomes of ")
    assert "gave 0 of " in done.stdout
    assert done.stdout.count("\n") == 1


def test_an_unknown_fold_is_refused_with_those_that_there_are(repository: Path) -> None:
    done = run_audit(repository, "--fold", "test_9")
    assert done.returncode != 0
    assert "'test_9' is not a test fold" in done.stderr
    assert "test_0" in done.stderr


def test_a_calibrator_that_sees_score_rows_ends_the_command_with_one_sentence_that_names_a_prediction(
    repository: Path,
) -> None:
    stage, code = CHEATS["a calibrator fitted on score rows"]
    (repository / f"stages/{stage}/cheat.py").write_text(code)
    pipeline_copy.change(repository, tasks__racing__calibrator="cheat")
    pipeline_copy.change(repository, calibrate__defaults__cheat={"within_group": True}, calibrate__racing__cheat={})
    pipeline_copy.run_pipeline(repository, "racing", since=stage, until=stage)
    done = run_audit(repository, "--fold", "test_0")
    assert done.returncode != 0
    assert not done.stdout
    assert done.stderr.count("\n") == 1
    assert "something that learns sees what it is scored on" in done.stderr
    assert "gave 0 of " not in done.stderr
