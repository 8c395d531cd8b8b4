"""Experiments run through DVC's own queue: what fails is kept with its reason, and a kill leaves no trace but that."""

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
def house(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The toy repository as the working folder; no run is held, and none lives on afterwards."""
    monkeypatch.chdir(repository)
    for name, value in toy_model.environment(repository).items():
        monkeypatch.setenv(name, value)
    toy_model.hold(repository).unlink(missing_ok=True)
    yield repository
    toy_model.end(repository)
    dvc_queue.clean_up_dead_tasks()


def experiments(folder: Path, *words: str, code: int = 0) -> str:
    return toy_model.call(folder, sys.executable, "-m", "trueline.experiments", *words, code=code)


def dirt(folder: Path) -> str:
    """Return what git sees as not committed; the ledger of looks grows with every run that ends."""
    return toy_model.call(folder, "git", "status", "--porcelain", "--", ".", ":!experiments/ledger.jsonl")


def wait(until: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.2)


def status(rev: str) -> str:
    return next(task.status for task in dvc_queue.list_tasks() if task.rev == rev)


def victim(folder: Path, kind: str) -> psutil.Process | None:
    """Return the process of a running experiment that is to be killed: its stage, DVC's run, or the worker."""
    words = {"stage": "work.py", "run": "exec-run", "worker": "queue-worker"}
    for each in toy_model.working(folder):
        with suppress(psutil.Error):  # it may have ended meanwhile
            if words[kind] in " ".join(each.cmdline()):
                return each
    return None


def kill(folder: Path, name: str, kind: str, depth: int) -> dvc_queue.QueuedTask:
    """Start an experiment, kill -9 a part of it while its stage runs, and return what is said of it then."""
    toy_model.hold(folder).touch()
    (rev,) = enqueue_launches([Launch(name, "props", "it is killed", {"train.props.xgboost_trees.depth": depth})])
    if not dvc_queue.has_worker():
        dvc_queue.start_worker()
    wait(lambda: victim(folder, "stage") and "begins" in dvc_queue.read_log(rev))
    assert status(rev) == "running"
    process = victim(folder, kind)
    assert process
    os.kill(process.pid, signal.SIGKILL)
    wait(lambda: status(rev) == "failed")
    return next(task for task in dvc_queue.list_tasks() if task.rev == rev)


def test_a_grid_runs_to_its_end_and_what_fails_is_kept_with_its_reason(house: Path) -> None:
    toy_model.call(house, sys.executable, "-m", "dvc", "queue", "stop")  # idle: this poisons the next worker of DVC
    said = experiments(house, "run", *TEST, "--name", "deep", "--grid", "train.props.xgboost_trees.depth=-1,6", code=1)
    told = [line for line in said.splitlines() if line.startswith("deep-2: ")]
    assert told == ["deep-2: train@props", "deep-2: diagnose@props", "deep-2: completed"]
    assert said.endswith("1 of 2 failed; deep-1: train props: depth is -1; input should be at least 1.\n")
    tasks = {task.name: task for task in dvc_queue.list_tasks()}
    assert {name: task.status for name, task in tasks.items()} == {"deep-1": "failed", "deep-2": "completed"}
    assert tasks["deep-1"].error == "train props: depth is -1; input should be at least 1."
    assert "depth: -1" in toy_model.call(house, "git", "show", f"{tasks['deep-1'].rev}:params.yaml")
    assert dirt(house) == ""
    listed = toy_model.call(house, sys.executable, "-m", "dvc", "exp", "list", "--name-only")
    assert listed.split() == ["deep-2"]


@pytest.mark.parametrize(
    ("kinds", "depth"),  # depths that no other run had: DVC would take its result out of the cache
    [(("stage", "run"), 7), (("worker", "stage"), 9)],
    ids=["stage then run", "worker then stage"],
)
def test_a_killed_experiment_has_failed_and_run_again_gives_the_bytes_of_an_undisturbed_run(
    house: Path, kinds: tuple[str, ...], depth: int
) -> None:
    name, params = "-".join(("killed", *kinds)), (house / "params.yaml").read_bytes()
    for kind in kinds:
        task = kill(house, name, kind, depth)
        assert task.error == {
            "stage": "failed to reproduce 'train@props': failed to run: python work.py train, exited with -9",
            "run": "killed while train@props ran",
            "worker": "killed while train@props ran",
        }[kind]  # fmt: skip
        dvc_queue.clean_up_dead_tasks()
        assert [process for process in toy_model.working(house) if "queue" not in " ".join(process.cmdline())] == []
        assert list(dvc_queue.QUEUE_FOLDER.glob("tmp*")) == []
        assert (house / "params.yaml").read_bytes() == params
        assert dirt(house) == ""
    shown = toy_model.call(house, sys.executable, "-m", "dvc", "queue", "status")
    assert {line.split()[-1] for line in shown.splitlines() if f" {name} " in line} == {"Failed"}
    toy_model.hold(house).unlink()
    experiments(house, "run", *TEST, "--name", name, "-S", f"train.props.xgboost_trees.depth={depth}")
    ref = toy_model.call(house, "git", "for-each-ref", "--format=%(refname)", "refs/exps/*/*/" + name).strip()
    assert toy_model.call(house, "git", "show", f"{ref}:metrics/props/scores.json") == undisturbed(house, ref)


def undisturbed(folder: Path, ref: str) -> str:
    """Return the scores of the same code and knobs run without DVC in a folder of their own."""
    fresh = folder.parent / ref.replace("/", "-")
    toy_model.call(folder, "git", "worktree", "add", "--quiet", "--detach", str(fresh), ref)
    (fresh / SCORES).unlink()
    for stage in ("train", "diagnose"):
        toy_model.call(fresh, sys.executable, "work.py", stage)
    made = (fresh / SCORES).read_text()
    toy_model.call(folder, "git", "worktree", "remove", "--force", str(fresh))
    return made


def test_a_run_that_fails_in_the_workspace_leaves_it_as_it_was(house: Path) -> None:
    edited = (house / "work.py").read_text() + "# an edit not yet committed\n"
    (house / "work.py").write_text(edited)
    before = dirt(house)
    said = experiments(
        house, "run", *TEST, "--name", "now", "--now", "-S", "train.props.xgboost_trees.depth=-1", code=1
    )
    assert said.endswith("experiments: now failed: train props: depth is -1; input should be at least 1.\n")
    assert dirt(house) == before
    assert (house / "work.py").read_text() == edited
    toy_model.call(house, "git", "checkout", "--quiet", ".")


@pytest.fixture
def heard() -> Iterator[None]:
    """Let what is begun here hear SIGINT, which a suite that runs in the background is deaf to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("reached", [True, False], ids=["the whole group, as of a terminal", "the command alone"])
def test_an_interrupted_run_in_the_workspace_ends_whole_and_leaves_it_as_it_was(house: Path, reached: bool) -> None:
    toy_model.hold(house).touch()
    before = dirt(house)
    words = [sys.executable, "-m", "trueline.experiments", "run", *TEST, "--name", "broken", "--now", "-S"]
    run = subprocess.Popen(
        [*words, f"train.props.xgboost_trees.depth={11 + reached}"],
        cwd=house, env=toy_model.environment(house), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    wait(lambda: victim(house, "stage"))
    (os.killpg if reached else os.kill)(run.pid, signal.SIGINT)
    said = run.communicate(timeout=PATIENCE)[1]
    assert run.returncode == 130, said
    assert said.endswith("experiments: broken was interrupted; params.yaml, dvc.lock, metrics are as they were.\n")
    assert victim(house, "stage") is None
    assert dirt(house) == before


def test_a_dry_run_prints_commands_that_a_shell_takes_and_queues_nothing(house: Path) -> None:
    held = dvc_queue.list_tasks()
    said = experiments(house, "run", *TEST, "--name", "dry", "--dry-run", "-S", "train.props.xgboost_trees.depth=4")
    command, start = said.splitlines()
    assert start == "dvc queue start"
    words = toy_model.call(house, "sh", "-c", f'dvc() {{ printf "%s\\n" "$@"; }}; {command}').splitlines()
    assert words[:6] == ["exp", "run", "--queue", "-n", "dry", "--message=it's deeper: better, or so"]
    assert words[-1] == "diagnose@props"
    assert "train.props.xgboost_trees.depth=4" in words
    assert dvc_queue.list_tasks() == held


def test_what_is_left_in_the_queue_waits_even_if_a_worker_went_down_with_it(house: Path) -> None:
    said = experiments(house, "run", *TEST, "--name", "later", "--queue")
    assert said == "later waits; `dvc queue start` works the queue off\n"
    (task,) = [task for task in dvc_queue.list_tasks() if task.name == "later"]
    assert (task.status, dvc_queue.has_worker()) == ("pending", False)
    broker = dvc_queue.QUEUE_FOLDER / "celery/broker"
    for file in (broker / "in").glob("*.celery.msg"):  # as a worker does that goes down when it has just taken it
        file.rename(broker / "processed" / file.name)
    assert status(task.rev) == "pending"
    assert [each.status for each in wait_for_tasks([task.rev], Progress(io.StringIO()))] == ["completed"]


@pytest.mark.parametrize("path", ["../elsewhere", "untracked"])
def test_a_queued_run_refuses_a_source_that_its_folder_would_not_hold(house: Path, path: str) -> None:
    (house / path).mkdir(exist_ok=True)
    wanted = build_launches([], {**described("lost"), "tasks.props.source": path}, [])
    with pytest.raises(
        UserError, match=r"^lost: a queued run works in a folder of its own, where the source .* is not;"
    ):
        enqueue_launches(wanted)
    with pytest.raises(UserError, match="nowhere does not exist"):
        enqueue_launches(build_launches([], {**described("lost"), "tasks.props.source": "nowhere"}, []))
    assert [task for task in dvc_queue.list_tasks() if task.name == "lost"] == []


def test_an_absolute_source_outside_the_repository_is_let_through(house: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    [rev] = enqueue_launches(
        build_launches([], {**described("far"), "tasks.props.source": str(tmp_path / "elsewhere")}, [])
    )
    assert status(rev) == "pending"
    dvc_queue.build_dvc_command("queue", "remove", "far")


def described(name: str) -> dict[str, str]:
    return {"name": name, "task": "props", "type": "walk_forward", "hypothesis": "none"}


def test_a_name_that_an_experiment_has_is_refused(house: Path) -> None:
    head = toy_model.call(house, "git", "rev-parse", "HEAD").strip()
    toy_model.call(house, "git", "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/taken", head)
    with pytest.raises(UserError, match=r"^an experiment is called 'taken' already"):
        enqueue_launches(build_launches([], described("taken"), []))
    with pytest.raises(UserError, match=r"^an experiment is called 'taken' already"):
        run_in_workspace(build_launches([], described("taken"), [])[0])
    toy_model.call(house, "git", "update-ref", "-d", f"refs/exps/{head[:2]}/{head[2:]}/taken")


def test_two_experiments_of_one_name_are_refused(house: Path) -> None:
    config = house.parent / "one.yaml"
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
    done = subprocess.run(
        [sys.executable, "-m", "trueline.experiments", "run", "-S", "depth"],
        cwd=pipeline_copy.ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "experiments: 'depth' sets nothing; write key=value.\n")
