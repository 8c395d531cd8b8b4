"""What a Dask worker refuses: other code, a folder that it does not see, several jobs at a time."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from trueline.core.compute import dask_worker
from trueline.core.compute.dask_worker import SURROUNDINGS, Asker, run_job
from trueline.core.errors import EngineError


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    worker = SimpleNamespace(address="tcp://10.0.0.5:4000", state=SimpleNamespace(nthreads=1))
    monkeypatch.setattr(dask_worker, "get_worker", lambda: worker)
    monkeypatch.setattr(dask_worker, "allow_messages", lambda thread: None)
    return worker


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_worker_with_other_surroundings_is_refused_by_their_name(
    worker: SimpleNamespace, tmp_path: Path, name: str
) -> None:
    asker = Asker("a run", str(tmp_path), SURROUNDINGS | {name: "another"})
    with pytest.raises(EngineError, match=f"^the Dask worker tcp://10.0.0.5:4000 has not the {name} of this command;"):
        run_job("item", str.upper, asker)


def test_a_worker_with_several_threads_is_refused(worker: SimpleNamespace, tmp_path: Path) -> None:
    worker.state.nthreads = 4
    with pytest.raises(EngineError, match="runs 4 jobs at a time in one process, and only 1 gives the same bytes"):
        run_job("item", str.upper, Asker("a run", str(tmp_path), SURROUNDINGS))


def test_a_worker_that_does_not_see_the_folder_is_refused(worker: SimpleNamespace, tmp_path: Path) -> None:
    asker = Asker("a run", str(tmp_path / "elsewhere"), SURROUNDINGS)
    with pytest.raises(EngineError, match=r"elsewhere \(No such file or directory\); keep the repository on storage"):
        run_job("item", str.upper, asker)


def test_a_job_runs_in_the_folder_of_the_stage_that_asks_and_loads_plugins_anew_for_another_run(
    worker: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dask_worker, "_last_run", [])
    (tmp_path / "other").mkdir()
    modules = {"stages.train.logistic": "seen by an earlier run"}
    monkeypatch.setattr(sys, "modules", modules)
    for run, folder in (("first", tmp_path), ("first", tmp_path / "other"), ("second", tmp_path / "other")):
        modules["stages.train.logistic"] = "seen by an earlier run"
        assert run_job(1, lambda _: str(Path.cwd()), Asker(run, str(folder), SURROUNDINGS)) == str(folder)
        assert "stages.train.logistic" not in modules
        modules["stages.train.logistic"] = "loaded by this run"
        run_job(1, str, Asker(run, str(folder), SURROUNDINGS))
        assert "stages.train.logistic" in modules
