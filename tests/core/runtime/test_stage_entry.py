"""A stage that fails says so in one sentence where the user can do something about it, and keeps the rest to itself."""

import errno
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from trueline.core.runtime import stage_entry
from trueline.core.runtime.stage_entry import Paths, run_stage

READS = {"rows": "data/{task}.parquet"}
WRITES = {"result": "out/{task}.json"}


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stage_entry, "load_task_config", lambda task: None)
    monkeypatch.setattr("sys.argv", ["features", "racing"])
    Path("data").mkdir()
    pd.DataFrame({"x": range(1000)}).to_parquet("data/racing.parquet")


def fail_with(error: Exception) -> Callable[[str, Paths, Paths], None]:
    def body(task: str, reads: Paths, writes: Paths) -> None:
        writes["result"].write_text("half")
        raise error

    return body


def test_a_full_disk_is_one_sentence_and_leaves_no_draft() -> None:
    with pytest.raises(SystemExit) as raised:
        run_stage("features", READS, WRITES, fail_with(OSError(errno.ENOSPC, "No space left on device")))
    assert str(raised.value).startswith("features racing: the disk is full; free some space")
    assert list(Path("out").iterdir()) == []


def test_a_damaged_input_is_named_with_what_to_do() -> None:
    path = Path("data/racing.parquet")
    path.write_bytes(path.read_bytes()[:200])

    def body(task: str, reads: Paths, writes: Paths) -> None:
        pd.read_parquet(reads["rows"])

    with pytest.raises(SystemExit) as raised:
        run_stage("features", READS, WRITES, body)
    assert str(raised.value) == (
        "features racing: data/racing.parquet is damaged; delete it, and run `dvc repro diagnose@racing` to restore it "
        "or build it again."
    )


def test_an_error_of_the_code_keeps_its_traceback() -> None:
    with pytest.raises(KeyError):
        run_stage("features", READS, WRITES, fail_with(KeyError("rows")))
