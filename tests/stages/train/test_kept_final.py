"""Kept final models: the same rows give the same files without a fit, and anything else is fitted."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.train._fits import kept_final
from stages.train._fits.fit_jobs import Arm, FitJob
from stages.train._fits.kept_final import FinalFit, fit_final_model
from stages.train._fits.packed_files import read_files
from tests.pipeline_copy import ROOT
from tests.stages.train.test_kept_scores import PATHS, write_days
from tests.test_score_audit import DAYS
from trueline.core.runtime.memory import Memory
from trueline.core.runtime.params import load_settings
from trueline.core.runtime.plugins import load_plugin
from trueline.core.splits.fold_data import _read_cached_tables
from trueline.core.tables import table_schema

Files = dict[str, bytes]


def make_job() -> FitJob:
    """Return the fit of few trees on the rows of the final fold, without resampling."""
    settings = load_settings(load_plugin("train", "xgboost_trees").Settings, "train", "racing", "xgboost_trees")
    few_rounds = settings.model_dump() | {"iterations": 5}
    arm = Arm("tuned", "xgboost_trees", few_rounds, ["form", "pace"], unresampled=True)
    return FitJob(arm, "final", ("calibrate",), PATHS, 1)


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write_days(DAYS)


def fit(job: FitJob, memory: Memory, folder: str, monkeypatch: pytest.MonkeyPatch) -> tuple[FinalFit, Files, bool]:
    """Return what a fit gives, the files that it writes, and whether a model was fitted."""
    fitted: list[FitJob] = []
    fit_and_save = kept_final._fit_and_save

    def fit_and_count(job: FitJob, curves_folder: Path, model_folder: Path) -> FinalFit:
        fitted.append(job)
        return fit_and_save(job, curves_folder, model_folder)

    with monkeypatch.context() as patch:
        patch.setattr(kept_final, "_fit_and_save", fit_and_count)
        _read_cached_tables.cache_clear()
        final_fit = fit_final_model(job, Path(folder) / "curves", Path(folder) / "final", memory)
    return final_fit, read_files(Path(folder)), bool(fitted)


def test_the_same_rows_give_the_same_files_without_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(Path(".memory").absolute())
    fitted, files, was_fitted = fit(make_job(), memory, "first", monkeypatch)
    assert was_fitted
    assert {"curves/plots/metrics/loss/fit.tsv", "curves/metrics.json", "final/trees.ubj"} <= files.keys()
    Path("second/curves/plots/metrics/old").mkdir(parents=True)
    Path("second/curves/plots/metrics/old/fit.tsv").write_text("of another run")
    Path("second/curves/other").mkdir()  # the curves of a comparison learner lie beside, and stay
    recalled, recalled_files, was_fitted = fit(make_job(), memory, "second", monkeypatch)
    assert not was_fitted
    assert recalled_files == files
    assert Path("second/curves/other").is_dir()
    assert recalled.scores.tobytes() == fitted.scores.tobytes()
    assert list(recalled.importance.items()) == list(fitted.importance.items())
    without_memory, files_without_memory, was_fitted = fit(make_job(), Memory(None), "third", monkeypatch)
    assert was_fitted
    assert files_without_memory == files
    assert without_memory.scores.tobytes() == fitted.scores.tobytes()


@pytest.mark.parametrize("role", ["fit", "calibrate"])
def test_a_fit_or_calibrate_row_that_changed_is_fitted_on_again(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(Path(".memory").absolute())
    fit(make_job(), memory, "first", monkeypatch)
    features, folds = table_schema.read_table(PATHS[0]), table_schema.read_table(PATHS[1])
    is_changed = np.arange(len(folds)) == np.flatnonzero(folds["final"] == role)[0]
    features["form"] += is_changed
    table_schema.write_table(features, PATHS[0])
    assert fit(make_job(), memory, "second", monkeypatch)[2]


def test_other_settings_another_seed_or_an_entry_that_is_cut_off_are_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, job = Memory(Path(".memory").absolute()), make_job()
    fit(job, memory, "first", monkeypatch)
    other_arm = replace(job.arm, settings=job.arm.settings | {"iterations": 6})
    assert fit(replace(job, arm=other_arm), memory, "second", monkeypatch)[2]
    assert fit(replace(job, seed=2), memory, "third", monkeypatch)[2]
    for path in Path(".memory").iterdir():
        os.truncate(path, path.stat().st_size - 1)
    assert fit(job, memory, "fourth", monkeypatch)[2]
