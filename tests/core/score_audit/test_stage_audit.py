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
    folds = pd.DataFrame({"row_id": ["a", "b"], "group": ["a", "b"], "target": [0.0, 1.0], "test_0": ["fit", "score"]})
    table_schema.write_table(folds, Path("folds.parquet"))
    monkeypatch.setattr(stage_audit, "find_unseen_rows", lambda table, fold: table["target"] > 0)


def write_scores() -> tuple[Path, Path]:
    """Write the scores of two folds, and points that go with the outcomes; return both paths."""
    rows = [
        ("a", "test_0", 1.0),
        ("b", "test_0", 2.0),
        ("c", "test_0", 3.0),
        ("a", "test_1", 1.0),
        ("d", "test_1", 4.0),
    ]
    scores = pd.DataFrame(rows, columns=["row_id", "fold", "target"]).assign(role="score", time=0)
    scores["group"] = scores["row_id"]
    table_schema.write_table(scores, Path("scores.parquet"))
    prepared = pd.DataFrame({"row_id": list("abcde"), "points": [10.0, 20.0, 30.0, 40.0, 50.0], "box": range(5)})
    table_schema.write_table(prepared, Path("prepared.parquet"))
    return Path("scores.parquet"), Path("prepared.parquet")


def audit_with(error: Exception) -> object:
    def rebuild(fold: str) -> pd.DataFrame:
        raise error

    path = Path("folds.parquet")
    return stage_audit.audit_stage([path], path, lambda _: pd.DataFrame({"x": [1.0]}, ["a"]), rebuild, ["test_0"])


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

    stage_audit.audit_stage([path], path, note_folder, note_folder, ["test_0"])
    assert [folder.is_relative_to(workspace) and folder != workspace for folder in folders] == [is_inside, False]


def test_the_given_folds_are_audited_each_with_its_own_rows_whose_other_outcomes_go_along() -> None:
    scores_path, prepared_path = write_scores()
    seen: dict[str, pd.DataFrame] = {}

    def note_rows(fold: str) -> pd.DataFrame:
        scores, prepared = (table_schema.read_table(path) for path in (scores_path, prepared_path))
        seen[fold] = scores.merge(prepared, on="row_id", validate="one_to_one")
        return pd.DataFrame({"x": [1.0]}, ["a"])

    audit = stage_audit.audit_stage(
        [scores_path, prepared_path],
        scores_path,
        lambda _: pd.DataFrame({"x": [1.0]}, ["a"]),
        note_rows,
        ["test_1", "test_0"],
        lambda fold: fold == "test_9",
        {prepared_path: ["points"]},
    )
    assert [(entry["fold"], entry["exchanged"], entry["differing"]) for entry in audit["folds"]] == [
        ("test_1", 2, 0),
        ("test_0", 3, 0),
    ]
    assert {fold: rows["row_id"].tolist() for fold, rows in seen.items()} == {
        "test_1": ["a", "d"],
        "test_0": list("abc"),
    }
    for rows in seen.values():
        assert (rows["points"] == 10 * rows["target"]).all()
        assert (rows["box"] == [list("abcde").index(row_id) for row_id in rows["row_id"]]).all()
    assert seen["test_0"]["target"].tolist() != [1.0, 2.0, 3.0]


def test_a_fold_that_the_stage_may_see_is_left_out_and_without_folds_nothing_is_audited() -> None:
    def rebuild(fold: str) -> pd.DataFrame:
        raise AssertionError(fold)

    path = Path("folds.parquet")
    audit = stage_audit.audit_stage([path], path, rebuild, rebuild, ["test_0"], lambda fold: True)
    assert audit == {"folds": [{"fold": "test_0", "exchanged": 0}]}
    assert stage_audit.audit_stage([path], path, rebuild, rebuild, []) == {"folds": []}


@pytest.mark.parametrize(("count", "drawn_count"), [(0, 0), (1, 1), (9, 2)])
def test_as_many_folds_are_drawn_as_the_parameters_say(count: int, drawn_count: int) -> None:
    Path("params.yaml").write_text(f"score_audit: {{folds: {count}}}\nseed: 1\n")
    drawn = stage_audit.draw_audited_folds(write_scores()[0])
    assert len(drawn) == drawn_count
    assert set(drawn) <= {"test_0", "test_1"}
