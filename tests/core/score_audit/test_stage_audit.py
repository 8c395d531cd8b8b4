"""A stage audit answers for the stage: what the machine does to it is no answer."""

import errno
from pathlib import Path

import pandas as pd
import pytest

from trueline.core.errors import EngineError
from trueline.core.score_audit import stage_audit
from trueline.core.tables import table_schema


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("score_audit: {folds: 1}\nseed: 1\n")
    table_schema.write_table(pd.DataFrame({"row_id": ["a", "b"], "target": [0.0, 1.0]}), Path("folds.parquet"))
    monkeypatch.setattr(stage_audit, "draw_test_folds", lambda table, count, seed: ["test_0"])
    monkeypatch.setattr(stage_audit, "find_unseen_rows", lambda table, fold: table["target"] > 0)
    monkeypatch.setattr(stage_audit, "exchange_outcomes", lambda table, *_: table)


def audit_with(error: Exception) -> object:
    def rebuild(fold: str) -> pd.DataFrame:
        raise error

    path = Path("folds.parquet")
    return stage_audit.audit_stage([path], path, lambda _: pd.DataFrame({"x": [1.0]}, ["a"]), rebuild)


def test_an_error_of_the_stage_is_part_of_the_answer() -> None:
    assert "ValueError: other rows" in str(audit_with(ValueError("other rows")))


def test_a_full_disk_ends_the_audit() -> None:
    with pytest.raises(OSError, match="No space left"):
        audit_with(OSError(errno.ENOSPC, "No space left on device"))


def test_an_error_of_the_engine_ends_the_audit() -> None:
    with pytest.raises(EngineError, match="scheduler was lost"):
        audit_with(EngineError("the scheduler was lost"))


@pytest.mark.parametrize(("scheduler", "is_inside"), [("null", False), ("'tcp://10.0.0.5:8786'", True)])
def test_with_a_running_scheduler_the_private_folder_lies_where_its_workers_see_it(
    scheduler: str, is_inside: bool
) -> None:
    with Path("params.yaml").open("a") as params:
        params.write(f"engine: {{kind: dask, scheduler: {scheduler}}}\n")
    Path(".locks").mkdir()
    workspace, path, folders = Path.cwd(), Path("folds.parquet"), []

    def note_folder(fold: str) -> pd.DataFrame:
        folders.append(Path.cwd())
        return pd.DataFrame({"x": [1.0]}, ["a"])

    stage_audit.audit_stage([path], path, note_folder, note_folder)
    assert [folder.is_relative_to(workspace) and folder != workspace for folder in folders] == [is_inside, False]
