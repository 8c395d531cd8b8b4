"""Launching through DVC's own queue: failures are kept with their reason, and a kill leaves nothing else behind."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests import pipeline_copy
from tests.experiments import toy_model
from trueline.core.errors import UserError
from trueline.experiments.in_place import run_in_workspace
from trueline.experiments.running.launch import Launch, build_launches, enqueue_launches, wait_for_tasks
from trueline.experiments.running.progress import Progress
from trueline.experiments.store import dvc_queue

SCORES = "metrics/props/scores.json"
PATIENCE = 120  # seconds in which anything awaited must have come
TEST = ("--task", "props", "--hypothesis", "it's deeper: better, or so")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = toy_model.make(tmp_path_factory.mktemp("queue") / "toy")
    yield folder
    toy_model.end(folder)


@pytest.fixture
def toy_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The toy repository as the working folder; no run is paused, and no process survives the test."""
    monkeypatch.chdir(repository)
    for name, value in toy_model.environment(repository).items():
        monkeypatch.setenv(name, value)
    toy_model.hold(repository).unlink(missing_ok=True)
    yield repository
    toy_model.end(repository)
    dvc_queue.clean_up_dead_tasks()


def experiments(folder: Path, *words: str, code: int = 0) -> str:
    return toy_model.call(folder, sys.executable, "-m", "trueline.experiments", *words, code=code)


def list_uncommitted(folder: Path) -> str:
    """Return git's list of uncommitted changes, without the ledger, which grows with every finished run."""
    return toy_model.call(folder, "git", "status", "--porcelain", "--", ".", ":!experiments/ledger.jsonl")


def wait(until: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.2)


def status(rev: str) -> str:
    return next(task.status for task in dvc_queue.list_tasks() if task.rev == rev)


def find_process_to_kill(folder: Path, kind: str) -> psutil.Process | None:
    """Return the process of a running experiment to kill: its stage, DVC's run, or the worker."""
    words = {"stage": "work.py", "run": "exec-run", "worker": "queue-worker"}
    for process in toy_model.working(folder):
        with suppress(psutil.Error):  # it may have ended meanwhile
            if words[kind] in " ".join(process.cmdline()):
                return process
    return None


def kill(folder: Path, name: str, kind: str, depth: int) -> dvc_queue.QueuedTask:
    """Start an experiment, kill -9 one of its processes while a stage runs, and return its queue entry."""
    toy_model.hold(folder).touch()
    (rev,) = enqueue_launches([Launch(name, "props", "it is killed", {"train.props.xgboost_trees.depth": depth})])
    if not dvc_queue.has_worker():
        dvc_queue.start_worker()
    wait(lambda: find_process_to_kill(folder, "stage") and "begins" in dvc_queue.read_log(rev))
    assert status(rev) == "running"
    process = find_process_to_kill(folder, kind)
    assert process
    os.kill(process.pid, signal.SIGKILL)
    wait(lambda: status(rev) == "failed")
    return next(task for task in dvc_queue.list_tasks() if task.rev == rev)


def test_a_grid_runs_to_its_end_and_what_fails_is_kept_with_its_reason(toy_repository: Path) -> None:
    toy_model.call(
        toy_repository, sys.executable, "-m", "dvc", "queue", "stop"
    )  # idle: this poisons the next worker of DVC
    output = experiments(
        toy_repository, "run", *TEST, "--name", "deep", "--grid", "train.props.xgboost_trees.depth=-1,6", code=1
    )
    lines = [line for line in output.splitlines() if line.startswith("deep-2: ")]
    assert lines == ["deep-2: train@props", "deep-2: diagnose@props", "deep-2: completed"]
    assert output.endswith("1 of 2 failed; deep-1: train props: depth is -1; input should be at least 1.\n")
    tasks = {task.name: task for task in dvc_queue.list_tasks()}
    assert {name: task.status for name, task in tasks.items()} == {"deep-1": "failed", "deep-2": "completed"}
    assert tasks["deep-1"].error == "train props: depth is -1; input should be at least 1."
    assert "depth: -1" in toy_model.call(toy_repository, "git", "show", f"{tasks['deep-1'].rev}:params.yaml")
    assert list_uncommitted(toy_repository) == ""
    names = toy_model.call(toy_repository, sys.executable, "-m", "dvc", "exp", "list", "--name-only")
    assert names.split() == ["deep-2"]


@pytest.mark.parametrize(
    ("kinds", "depth"),  # depths that no other run had: DVC would take its result out of the cache
    [(("stage", "run"), 7), (("worker", "stage"), 9)],
    ids=["stage then run", "worker then stage"],
)
def test_a_killed_experiment_has_failed_and_run_again_gives_the_bytes_of_an_undisturbed_run(
    toy_repository: Path, kinds: tuple[str, ...], depth: int
) -> None:
    name, params = "-".join(("killed", *kinds)), (toy_repository / "params.yaml").read_bytes()
    for kind in kinds:
        task = kill(toy_repository, name, kind, depth)
        assert task.error == {
            "stage": "failed to reproduce 'train@props': failed to run: python work.py train, exited with -9",
            "run": "killed while train@props ran",
            "worker": "killed while train@props ran",
        }[kind]  # fmt: skip
        dvc_queue.clean_up_dead_tasks()
        assert [
            process for process in toy_model.working(toy_repository) if "queue" not in " ".join(process.cmdline())
        ] == []
        assert list(dvc_queue.QUEUE_FOLDER.glob("tmp*")) == []
        assert (toy_repository / "params.yaml").read_bytes() == params
        assert list_uncommitted(toy_repository) == ""
    queue_status = toy_model.call(toy_repository, sys.executable, "-m", "dvc", "queue", "status")
    assert {line.split()[-1] for line in queue_status.splitlines() if f" {name} " in line} == {"Failed"}
    toy_model.hold(toy_repository).unlink()
    experiments(toy_repository, "run", *TEST, "--name", name, "-S", f"train.props.xgboost_trees.depth={depth}")
    ref = toy_model.call(toy_repository, "git", "for-each-ref", "--format=%(refname)", "refs/exps/*/*/" + name).strip()
    assert toy_model.call(toy_repository, "git", "show", f"{ref}:metrics/props/scores.json") == run_without_dvc(
        toy_repository, ref
    )


def run_without_dvc(folder: Path, ref: str) -> str:
    """Return the scores of the same code and parameters run without DVC in a separate folder."""
    clone = folder.parent / ref.replace("/", "-")
    toy_model.call(folder, "git", "worktree", "add", "--quiet", "--detach", str(clone), ref)
    (clone / SCORES).unlink()
    for stage in ("train", "diagnose"):
        toy_model.call(clone, sys.executable, "work.py", stage)
    scores = (clone / SCORES).read_text()
    toy_model.call(folder, "git", "worktree", "remove", "--force", str(clone))
    return scores


def test_a_run_that_fails_in_the_workspace_leaves_it_as_it_was(toy_repository: Path) -> None:
    edited = (toy_repository / "work.py").read_text() + "# an edit not yet committed\n"
    (toy_repository / "work.py").write_text(edited)
    before = list_uncommitted(toy_repository)
    output = experiments(
        toy_repository, "run", *TEST, "--name", "now", "--now", "-S", "train.props.xgboost_trees.depth=-1", code=1
    )
    assert output.endswith("experiments: now failed: train props: depth is -1; input should be at least 1.\n")
    assert list_uncommitted(toy_repository) == before
    assert (toy_repository / "work.py").read_text() == edited
    toy_model.call(toy_repository, "git", "checkout", "--quiet", ".")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let processes started here receive SIGINT, which a test suite in the background ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("reached", [True, False], ids=["the whole group, as of a terminal", "the command alone"])
def test_an_interrupted_run_in_the_workspace_ends_whole_and_leaves_it_as_it_was(
    toy_repository: Path, reached: bool
) -> None:
    toy_model.hold(toy_repository).touch()
    before = list_uncommitted(toy_repository)
    command = [sys.executable, "-m", "trueline.experiments", "run", *TEST, "--name", "broken", "--now", "-S"]
    run = subprocess.Popen(
        [*command, f"train.props.xgboost_trees.depth={11 + reached}"],
        cwd=toy_repository, env=toy_model.environment(toy_repository), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    wait(lambda: find_process_to_kill(toy_repository, "stage"))
    (os.killpg if reached else os.kill)(run.pid, signal.SIGINT)
    errors = run.communicate(timeout=PATIENCE)[1]
    assert run.returncode == 130, errors
    assert errors.endswith("experiments: broken was interrupted; params.yaml, dvc.lock, metrics were restored.\n")
    assert find_process_to_kill(toy_repository, "stage") is None
    assert list_uncommitted(toy_repository) == before


def test_a_dry_run_prints_commands_that_a_shell_takes_and_queues_nothing(toy_repository: Path) -> None:
    tasks = dvc_queue.list_tasks()
    output = experiments(
        toy_repository, "run", *TEST, "--name", "dry", "--dry-run", "-S", "train.props.xgboost_trees.depth=4"
    )
    command, start = output.splitlines()
    assert start == "dvc queue start"
    words = toy_model.call(toy_repository, "sh", "-c", f'dvc() {{ printf "%s\\n" "$@"; }}; {command}').splitlines()
    assert words[:6] == ["exp", "run", "--queue", "-n", "dry", "--message=it's deeper: better, or so"]
    assert words[-1] == "diagnose@props"
    assert "train.props.xgboost_trees.depth=4" in words
    assert dvc_queue.list_tasks() == tasks


def test_what_is_left_in_the_queue_waits_even_if_a_worker_went_down_with_it(toy_repository: Path) -> None:
    output = experiments(toy_repository, "run", *TEST, "--name", "later", "--queue")
    assert output == "later is queued; `dvc queue start` runs the queue\n"
    (task,) = [task for task in dvc_queue.list_tasks() if task.name == "later"]
    assert (task.status, dvc_queue.has_worker()) == ("pending", False)
    broker = dvc_queue.QUEUE_FOLDER / "celery/broker"
    for file in (broker / "in").glob("*.celery.msg"):  # as a worker does that goes down when it has just taken it
        file.rename(broker / "processed" / file.name)
    assert status(task.rev) == "pending"
    assert [finished.status for finished in wait_for_tasks([task.rev], Progress(io.StringIO()))] == ["completed"]


@pytest.mark.parametrize("path", ["../elsewhere", "untracked"])
def test_a_queued_run_rejects_a_source_that_its_folder_would_not_hold(toy_repository: Path, path: str) -> None:
    (toy_repository / path).mkdir(exist_ok=True)
    launches = build_launches([], {**make_config("lost"), "tasks.props.source": path}, [])
    with pytest.raises(
        UserError, match=r"^lost: a queued run works in a folder of its own, which does not contain the source .*; give"
    ):
        enqueue_launches(launches)
    with pytest.raises(UserError, match="nowhere does not exist"):
        enqueue_launches(build_launches([], {**make_config("lost"), "tasks.props.source": "nowhere"}, []))
    assert [task for task in dvc_queue.list_tasks() if task.name == "lost"] == []


def test_an_absolute_source_outside_the_repository_is_let_through(toy_repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    [rev] = enqueue_launches(
        build_launches([], {**make_config("far"), "tasks.props.source": str(tmp_path / "elsewhere")}, [])
    )
    assert status(rev) == "pending"
    dvc_queue.build_dvc_command("queue", "remove", "far")


def make_config(name: str) -> dict[str, str]:
    return {"name": name, "task": "props", "type": "walk_forward", "hypothesis": "none"}


def test_a_name_that_an_experiment_has_is_rejected(toy_repository: Path) -> None:
    head = toy_model.call(toy_repository, "git", "rev-parse", "HEAD").strip()
    toy_model.call(toy_repository, "git", "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/taken", head)
    with pytest.raises(UserError, match=r"^there is already an experiment called 'taken'"):
        enqueue_launches(build_launches([], make_config("taken"), []))
    with pytest.raises(UserError, match=r"^there is already an experiment called 'taken'"):
        run_in_workspace(build_launches([], make_config("taken"), [])[0])
    toy_model.call(toy_repository, "git", "update-ref", "-d", f"refs/exps/{head[:2]}/{head[2:]}/taken")


def test_two_experiments_of_one_name_are_rejected(toy_repository: Path) -> None:
    config = toy_repository.parent / "one.yaml"
    config.write_text("{name: one, task: props, type: walk_forward, hypothesis: none}")
    with pytest.raises(UserError, match="two experiments would be called 'one'"):
        build_launches([config, config], {}, [])


@pytest.mark.parametrize(
    ("log", "error"),
    [
        (
            "Running stage 'train@props':\n> python x\nfine\ntrain props: no.\nERROR: failed: exited with 1\n",
            "train props: no.",
        ),
        ("> python x\n10%\r20%\rtrain props: no.\r\nERROR: a\nERROR: a\n", "train props: no."),
        ("> python x\nfine\nERROR: failed to run: x, exited with -9\n", "failed to run: x, exited with -9"),
        ("WARNING: careful\nERROR: Unable to acquire lock\n", "Unable to acquire lock"),
        ("Running stage 'train@props':\n> python x\nfine\n", "killed while train@props ran"),
        ("", "killed before its first stage"),
    ],
)
def test_the_last_error_is_the_line_that_says_what_went_wrong(log: str, error: str) -> None:
    assert dvc_queue.find_last_error(log) == error


def test_an_unknown_word_of_the_command_line_says_how_it_is_written() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "trueline.experiments", "run", "-S", "depth"],
        cwd=pipeline_copy.ROOT,
        capture_output=True,
        text=True,
    )
    assert (process.returncode, process.stderr) == (1, "experiments: 'depth' is not an assignment; write key=value.\n")
