"""The private files of DVC's queue are read as DVC itself reads them; every version of DVC has to be verified here."""

import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from dvc.repo.experiments.executor.base import ExecutorInfo
from dvc.repo.experiments.queue.base import QueueEntry
from dvc.repo.experiments.queue.tasks import run_exp

from tests import promoted_repo
from trueline.experiments.store import dvc_queue

# versions with which the tests below were seen to pass: DVC, dvc-task and celery decide what the files are
VERIFIED_VERSIONS = {("3.67", "0.40", "5.7")}


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """DVC's queue of a repository with two experiments."""
    folder = promoted_repo.make_repository(tmp_path / "repository")
    for name in ("done", "waiting"):
        promoted_repo.experiment(folder, name, skill=0.5, seed=len(name))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    with Repo(".") as repo:
        yield repo.experiments.celery_queue


def put(queue: Any, name: str, rev: str) -> str:
    """Put an experiment into the queue as DVC does, and return the id of its message."""
    root = queue.repo.root_dir
    entry = QueueEntry(root, root, "refs/exps/celery/stash", rev, rev, None, name, rev)
    return str(queue.celery.signature(run_exp.s(entry.asdict())).delay().id)


def take(queue: Any) -> None:
    """Move all waiting messages to where a worker leaves those that it took."""
    broker = Path(queue.wdir) / "broker"
    (broker / "processed").mkdir(exist_ok=True)
    for file in (broker / "in").glob("*.msg"):
        shutil.move(file, broker / "processed" / file.name)


def record_run(queue: Any, rev: str, ref: str | None) -> None:
    """Write what a run leaves behind: with a ref one that succeeded."""
    root = queue.repo.root_dir
    info = ExecutorInfo(root, rev, "dvc-task", "", ".dvc", None, None, rev if ref else None, ref)
    info.dump_json(queue.get_infofile_path(rev))


def test_this_version_of_dvc_was_verified() -> None:
    installed = tuple(".".join(version(name).split(".")[:2]) for name in ("dvc", "dvc-task", "celery"))
    assert installed in VERIFIED_VERSIONS, "add it once the tests of this file pass"


def test_every_state_is_the_one_that_dvc_reads(queue: Any) -> None:
    refs = promoted_repo.git(Path(), "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").splitlines()
    rev_by_name = {line.rpartition("/")[2]: line.split()[0] for line in refs}
    ref_by_name = {line.rpartition("/")[2]: line.split()[1] for line in refs}
    head = promoted_repo.git(Path(), "rev-parse", "HEAD")
    done, failed = put(queue, "done", rev_by_name["done"]), put(queue, "broken", head)
    take(queue)
    record_run(queue, rev_by_name["done"], ref_by_name["done"])
    record_run(queue, head, None)
    for message_id in (done, failed):
        queue.celery.backend.store_result(message_id, None, "SUCCESS")
    put(queue, "waiting", rev_by_name["waiting"])

    states = {task.name: task.status for task in dvc_queue.list_tasks()}
    assert states == {"done": "completed", "broken": "failed", "waiting": "pending"}
    assert [entry.name for entry in queue.iter_queued()] == ["waiting"]
    assert [result.entry.name for result in queue.iter_success()] == ["done"]
    assert [result.entry.name for result in queue.iter_failed()] == ["broken"]
    assert list(queue.iter_active()) == []


def test_a_task_whose_worker_is_gone_is_running_for_dvc_and_waits_here(queue: Any) -> None:
    put(queue, "waiting", promoted_repo.git(Path(), "rev-parse", "HEAD"))
    take(queue)
    assert [entry.name for entry in queue.iter_active()] == ["waiting"]
    assert [task.status for task in dvc_queue.list_tasks()] == ["pending"]
    assert not dvc_queue.has_worker()
