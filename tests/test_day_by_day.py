"""A day costs a day's work: what earlier days settled is recalled, and every byte is that of a run from nothing."""

import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.train._fits import kept_scores
from stages.train._fits.fit_jobs import FitJob, fit_model
from tests import pipeline_copy
from tests.test_score_audit import CHEATS, DAYS, build_world, permit_looks, read_audits, write_world
from trueline.core.runtime.memory import MEMORY_FOLDER, OFF_VARIABLE
from trueline.core.runtime.stage_entry import run_stage
from trueline.core.tables import table_schema

STAGES = ("resample", "tune", "train", "calibrate")
LEARNERS = {"racing": "xgboost_trees", "props": "xgboost_trees", "events": "tfidf_linear"}


def write_days(folder: Path, task: str, days: int, **changed: Any) -> None:
    """Write the small task as it stood after a number of days; without a clock, as many of its rows."""
    if task == "events":
        changed |= {"train__events__comparison__learners": []}  # the network would take minutes
    write_world(folder, task, **{f"tasks__{task}__learner": LEARNERS[task]}, **changed)
    features, folds = build_world(task)
    is_known = pd.RangeIndex(len(folds)) < len(folds) * days // DAYS
    for name, table in (("features", features), ("folds", folds)):
        table_schema.write_table(table[is_known].reset_index(drop=True), folder / f"data/{name}/{task}.parquet")


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, task: str, stages: tuple[str, ...] = STAGES) -> int:
    """Run stages in this process, in a folder; return how many models of test folds were fitted beside the audit's."""
    fitted: list[Any] = []

    def fit_and_count(job: FitJob) -> Any:
        if Path.cwd() == folder:  # an audit works in a folder of its own
            fitted.append(job)
        return fit_model(job)

    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(kept_scores, "fit_model", fit_and_count)
        for stage in stages:
            entry_point = import_module(f"stages.{stage}.__main__")
            patch.setattr(sys, "argv", [stage, task])
            run_stage(stage, entry_point.READS, entry_point.WRITES, entry_point.main)
    return len(fitted)


def read_outputs(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file that the stages wrote."""
    files = [file for name in ("data", "models", "metrics") for file in sorted((folder / name).rglob("*"))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with the memory on whatever the environment says."""
    monkeypatch.delenv(OFF_VARIABLE, raising=False)
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.mark.parametrize("task", LEARNERS)
def test_after_another_day_the_outputs_are_those_of_a_run_from_nothing(
    task: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(folder, task, DAYS - 1)
    assert run(monkeypatch, folder, task) > 0
    write_days(folder, task, DAYS)
    fitted = run(monkeypatch, folder, task)
    # the newest test fold has more rows to score by the same model; without a clock, every fold has more rows to fit on
    assert (fitted == 0) == (task != "events")
    before = read_outputs(folder)
    for name in (MEMORY_FOLDER, ".tune", "data/scores", "data/predictions", "models", "metrics"):
        shutil.rmtree(folder / name)
    monkeypatch.setenv(OFF_VARIABLE, "1")
    run(monkeypatch, folder, task)
    assert read_outputs(folder) == before
    assert not (folder / MEMORY_FOLDER).exists()
    assert not (folder / ".tune").exists()


def test_an_audit_of_the_same_rows_fits_nothing_again_on_the_next_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[Path] = []

    def fit_and_note_place(job: FitJob) -> Any:
        places.append(Path.cwd())
        return fit_model(job)

    monkeypatch.chdir(folder)
    for day in (DAYS - 1, DAYS):
        write_days(folder, "racing", day, seed=42)  # which draws the older test fold
        places.clear()
        for stage in STAGES:
            entry_point = import_module(f"stages.{stage}.__main__")
            monkeypatch.setattr(kept_scores, "fit_model", fit_and_note_place)
            monkeypatch.setattr(sys, "argv", [stage, "racing"])
            run_stage(stage, entry_point.READS, entry_point.WRITES, entry_point.main)
        assert read_audits(folder, "racing")["train"]["folds"][0]["fold"] == "test_0"
        assert len({*places} - {folder}) == (day == DAYS - 1), "an audit works in a folder of its own"


def write_cheat(folder: Path) -> Path:
    """Return a copy of the repository with a learner that is fitted on all rows."""
    repository = pipeline_copy.copy(folder)
    permit_looks(repository)
    _, code = CHEATS["a learner fitted on all rows"]
    (repository / "stages/train/cheat.py").write_text(code)
    return repository


def choose_cheat(repository: Path, l2: float = 20.0) -> None:
    changes: dict[str, Any] = {"train__defaults__cheat": {"l2": l2, "soft_label": 0.0}, "train__racing__cheat": {}}
    changes |= {"tune__defaults__space__cheat": {"ranges": {}}, "tune__racing__space__cheat": {}}
    pipeline_copy.change(repository, tasks__racing__learner="cheat", **changes)


def test_a_learner_that_reads_beyond_its_rows_is_named_on_a_later_day_too(tmp_path: Path) -> None:
    repository = write_cheat(tmp_path / "repository")
    for day in (DAYS - 1, DAYS):
        write_days(repository, "racing", day)
        choose_cheat(repository)
        pipeline_copy.run_pipeline(repository, "racing", since="resample", until="tune")
        done = pipeline_copy.run(repository, "train", "racing")
        assert done.returncode == 0, done.stderr
        audits = read_audits(repository, "racing")
        assert audits["tune"]["folds"][0]["differing"]
        assert audits["train"]["folds"][0]["differing"]
    assert "6 of 6 fits" not in done.stdout  # the newest fold had to be scored again, by the models of the day before
    assert "4 of 6 fits" in done.stdout


def test_a_learner_that_reads_beyond_its_rows_is_named_with_another_default_too(tmp_path: Path) -> None:
    repository = write_cheat(tmp_path / "repository")
    write_days(repository, "racing", DAYS)
    for l2 in (20.0, 10.0):  # of both the journal holds the default in the first fold
        choose_cheat(repository, l2)
        pipeline_copy.run_pipeline(repository, "racing", since="resample", until="tune")
        assert read_audits(repository, "racing")["tune"]["folds"][0]["differing"]
