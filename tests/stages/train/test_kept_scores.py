"""Kept scores: the same work is done once, what changed is done again, and a fold that grows keeps its model."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.train._fits import kept_scores
from stages.train._fits.fit_jobs import Arm, FitJob, fit_model
from tests.pipeline_copy import ROOT
from tests.test_score_audit import DAYS, build_world
from trueline.core.compute import parallel
from trueline.core.models.vector_file import VectorFile
from trueline.core.runtime.memory import Memory
from trueline.core.splits.fold_data import _read_cached_tables
from trueline.core.tables import table_schema

PATHS = (Path("data/features/racing.parquet"), Path("data/folds/racing.parquet"), Path("data/resampled/racing"))
SETTINGS = {"l2": 20.0, "soft_label": 0.5}
ARM = Arm("tuned", "conditional_logit", SETTINGS, ["form", "pace"])
FOLDS = ("test_0", "test_1")


def write_days(days: int) -> None:
    """Write the tables of a small task of races as they stood after a number of days, with weight 1 for every row."""
    features, folds = build_world("racing")
    is_known = pd.RangeIndex(len(folds)) < len(folds) * days // DAYS
    for path, table in zip(PATHS, (features, folds), strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        table_schema.write_table(table[is_known].reset_index(drop=True), path)
    weights = folds[["row_id"]].assign(**dict.fromkeys(FOLDS, 1.0))[is_known]
    PATHS[2].mkdir(parents=True, exist_ok=True)
    table_schema.write_table(weights.reset_index(drop=True), PATHS[2] / "weights.parquet")
    no_rows = pd.DataFrame(columns=["fold", "parent", "other", "target"])
    table_schema.write_table(no_rows, PATHS[2] / "synthetic.parquet")


class Project:
    """A small task of races in the working folder, whose test folds are scored with a memory."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.memory = Memory(Path(".memory").absolute())
        self.scores: list[pd.DataFrame] = []

    def count_fits(self, *arms: Arm, seed: int = 1, memory: Memory | None = None) -> int:
        """Score the test folds by some arms, and return how many models were fitted."""
        fitted: list[Any] = []

        def fit_and_count(job: FitJob) -> Any:
            fitted.append(job)
            return fit_model(job)

        jobs = [FitJob(arm, fold, ("calibrate", "score"), PATHS, seed) for arm in arms or (ARM,) for fold in FOLDS]
        with self.patch.context() as patch:
            patch.setattr(kept_scores, "fit_model", fit_and_count)
            _read_cached_tables.cache_clear()
            self.scores = kept_scores.score_jobs(jobs, FOLDS[-1], memory or self.memory, 1, "train")
        return len(fitted)

    def change(self, path: Path, row: int, name: str, value: Any) -> None:
        """Change one value of a table."""
        table = table_schema.read_table(path)
        table.loc[row, name] = value
        table_schema.write_table(table, path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project all of whose test folds are known."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write_days(DAYS)
    known = Project(monkeypatch)
    assert known.count_fits() == len(FOLDS)
    return known


def test_the_same_work_is_not_done_again_and_gives_the_same_bytes(project: Project) -> None:
    before = project.scores
    assert project.count_fits() == 0
    for old, new in zip(before, project.scores, strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)


def test_arms_that_fit_alike_are_fitted_once_under_both_names(project: Project) -> None:
    assert project.count_fits(ARM, replace(ARM, name="default")) == 0
    assert [list(scores) for scores in project.scores] == [["tuned"], ["tuned"], ["default"], ["default"]]


@pytest.mark.parametrize(
    "arm",
    [
        replace(ARM, settings=SETTINGS | {"l2": 21.0}),
        replace(ARM, inputs=["form"]),
        replace(ARM, unresampled=True),
        replace(
            ARM,
            learner_name="logistic",
            settings={"target": "share", "l2": 1.0, "positive_weight": 1.0, "offset": None},
        ),
    ],
    ids=["settings", "inputs", "weights", "learner"],
)
def test_another_way_of_fitting_is_fitted(project: Project, arm: Arm) -> None:
    assert project.count_fits(arm) == len(FOLDS)


def test_other_word_vectors_are_another_way_of_fitting_and_another_place_of_the_file_is_not(project: Project) -> None:
    files = [VectorFile(*fields) for fields in (("a", "1", 0.5, 9), ("b", "1", 0.5, 9), ("a", "2", 0.5, 9))]
    files += [VectorFile("a", "1", 1.0, 9), VectorFile("a", "1", 0.5, 8)]
    arms = [ARM, *(replace(ARM, vectors=file) for file in files)]
    jobs = [FitJob(arm, FOLDS[0], ("score",), PATHS, 1) for arm in arms]
    plain, first, *others = [keyed.scores_key for keyed in kept_scores.build_keys(jobs, Memory(None))]
    assert others[0] == first
    assert len({plain, first, *others}) == 5


def test_another_seed_or_other_code_fits_everything_again(project: Project) -> None:
    assert project.count_fits(seed=2) == len(FOLDS)
    project.patch.setattr(kept_scores, "hash_code", lambda *_: "other code")
    assert project.count_fits() == len(FOLDS)


@pytest.mark.parametrize(
    ("path", "row", "name", "value", "fits"),
    [
        (PATHS[0], 0, "form", 9.0, 2),  # a row that both folds fit on
        (PATHS[1], 0, "target", 0.5, 2),
        (PATHS[1], 0, "soft_label", 0.5, 2),
        (PATHS[2] / "weights.parquet", 0, "test_0", 0.5, 1),
        (PATHS[0], 5 * 47, "form", 9.0, 0),  # a row that the newest fold scores, by the model that is kept
        (PATHS[0], 5 * 32, "form", 9.0, 1),  # a row that one fold scores and the other calibrates with
    ],
)
def test_a_value_that_changes_is_noticed_where_it_plays_a_role(
    project: Project, path: Path, row: int, name: str, value: float, fits: int
) -> None:
    before = project.scores
    project.change(path, row, name, value)
    assert project.count_fits() == fits
    known_scores = project.scores
    assert project.count_fits(memory=Memory(None)) == 0  # it was not counted: nothing is asked of the memory
    for known, from_nothing in zip(known_scores, project.scores, strict=True):
        pd.testing.assert_frame_equal(known, from_nothing, check_exact=True)
    assert any(not old.equals(new) for old, new in zip(before, project.scores, strict=True))


def test_entries_that_are_cut_off_are_computed_again(project: Project) -> None:
    before = project.scores
    assert project.memory.folder is not None
    for path in project.memory.folder.iterdir():
        os.truncate(path, path.stat().st_size - 1)
    assert project.count_fits() == len(FOLDS)
    for old, new in zip(before, project.scores, strict=True):
        pd.testing.assert_frame_equal(old, new, check_exact=True)


@pytest.mark.parametrize("is_exact", [True, False])
def test_the_newest_fold_keeps_its_model_if_that_scores_the_same_once_it_is_read_back(
    project: Project, is_exact: bool
) -> None:
    load_model = kept_scores._load_model

    def load(job: FitJob, files: bytes) -> Any:
        model = load_model(job, files)
        return model if is_exact else replace(model, coefficients=[2 * value for value in model.coefficients])

    project.patch.setattr(kept_scores, "_load_model", load)
    write_days(DAYS - 2)
    assert project.count_fits(seed=3) == 2
    write_days(DAYS - 1)
    assert project.count_fits(seed=3) == (0 if is_exact else 1)
    known_scores = project.scores
    project.count_fits(seed=3, memory=Memory(None))
    for known, from_nothing in zip(known_scores, project.scores, strict=True):
        pd.testing.assert_frame_equal(known, from_nothing, check_exact=True)


@pytest.mark.parametrize(("row", "workers"), [(5 * 47, 1), (0, 2)], ids=["only scores are missing", "a fit is missing"])
def test_workers_are_started_only_for_fits(project: Project, row: int, workers: int) -> None:
    asked_workers = []

    def run_and_note(work: Any, inputs: Any, workers: int, label: str, engine: Any) -> list[Any]:
        asked_workers.append(workers)
        return [work(item) for item in inputs]

    project.patch.setattr(parallel, "run_in_parallel", run_and_note)
    project.change(PATHS[0], row, "form", 9.0)
    jobs = [FitJob(ARM, fold, ("calibrate", "score"), PATHS, 1) for fold in FOLDS]
    kept_scores.score_jobs(jobs, FOLDS[-1], project.memory, 2, "train")
    assert asked_workers == [workers]
