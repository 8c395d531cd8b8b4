"""Run: configs become assignments, assignments become experiments of DVC's queue, and what fails is said and kept."""

import itertools
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.params import FILE
from core.refusals import Refusal
from experiments import queue
from experiments.assignments import Knobs, assignments, current, literal, source
from experiments.config import Config, parse, read
from experiments.progress import Progress

LEAF = "diagnose@{task}"  # the last stage of a task: with it comes all before it
WRITTEN = (str(FILE), "dvc.lock", "metrics")  # what a run in the workspace changes of what git tracks
PAUSE = 0.5  # seconds between two looks at the queue


@dataclass(frozen=True)
class Launch:
    """One experiment about to be run: its name, what is expected of it, and the knobs it sets."""

    name: str
    task: str
    hypothesis: str
    knobs: Knobs

    def command(self, queued: bool = True) -> list[str]:
        """Return the words after `dvc` that run it."""
        sets = [word for knob, value in self.knobs.items() for word in ("-S", f"{knob}={literal(value)}")]
        how = ["--queue"] if queued else []
        return ["exp", "run", *how, "-n", self.name, "-m", self.hypothesis, *sets, LEAF.format(task=self.task)]

    def line(self, queued: bool = True) -> str:
        """Return the command as a shell takes it."""
        return shlex.join(["dvc", *self.command(queued)])


def assigned(words: Sequence[str]) -> dict[str, Any]:
    """Return what `key=value` words set, values read as YAML."""
    return {key: _value(text) for key, text in map(_parted, words)}


def grid(words: Sequence[str]) -> list[dict[str, Any]]:
    """Return every combination of the values that `key=a,b,c` words list, the last key changing fastest."""
    axes = [[(key, value) for value in _listed(key, text)] for key, text in map(_parted, words)]
    return [dict(combination) for combination in itertools.product(*axes)] if axes else []


def launches(files: Sequence[Path], changes: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> list[Launch]:
    """Return the experiments that files describe, or without one the changes alone, each once a point of the grid.

    Changes win over files, points over changes. Refuses what no config, knob or tool is, before anything is queued.
    """
    params, found = current(), []
    for file in files or (None,):
        first = _described(file, {**changes, **(points[0] if points else {})}).name
        named = [(f"{first}-{number}", point) for number, point in enumerate(points, 1)] or [(first, {})]
        for name, point in named:
            config = _described(file, {**changes, **point, "name": name})
            found.append(Launch(name, config.task, config.hypothesis, assignments(config, params)))
    _once(found)
    return found


def enqueue(wanted: Sequence[Launch]) -> list[str]:
    """Put experiments into the queue and return the commits of their entries.

    Refuses, before the first, a name that is taken and a source that a queued run would not find.
    """
    _free([launch.name for launch in wanted])
    for launch in wanted:
        _reachable(launch)
    known = {task.rev for task in queue.tasks()}
    for launch in wanted:
        _dvc(launch.command(), launch.name)
    names = {launch.name for launch in wanted}
    return [task.rev for task in queue.tasks() if task.rev not in known and task.name in names]


def finish(revs: Sequence[str], progress: Progress) -> list[queue.Task]:
    """Work off the queue until these entries are done, showing which stage runs, and return what became of them."""
    queue.settle()
    while waiting := [task for task in _of(revs) if task.status in ("pending", "running")]:
        if any(task.status == "pending" for task in waiting) and not queue.worker():
            queue.start()  # again, should it have stopped with work left: DVC's sometimes do
        for task in _of(revs):
            progress.runs(task.name, queue.stages(queue.log(task.rev)), task.status == "running")
        time.sleep(PAUSE)
    queue.settle()
    done = _of(revs)
    for task in done:
        progress.runs(task.name, queue.stages(queue.log(task.rev)), False)
        progress.ended(task.name, task.status)
    return done


def now(launch: Launch) -> None:
    """Run one experiment in the workspace; where it fails, params, lock and metrics are put back as they were."""
    if not source(launch.task, launch.knobs, current()).exists():
        raise Refusal(f"{launch.name}: the source {source(launch.task, launch.knobs, current())} does not exist.")
    with _put_back():
        command = queue.dvc(*launch.command(queued=False))
        with subprocess.Popen(
            command, env=queue.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as run:
            said = "".join(_echo(run))
        if run.returncode:
            raise Refusal(f"{launch.name} failed: {queue.last_error(said)}")


def _described(file: Path | None, changes: Mapping[str, Any]) -> Config:
    return read(file, changes) if file else parse({}, changes, "the command line")


def _parted(word: str) -> tuple[str, str]:
    key, equals, text = word.partition("=")
    if not (key and equals):
        raise Refusal(f"{word!r} sets nothing; write key=value.")
    return key.strip(), text


def _listed(key: str, text: str) -> list[Any]:
    values: list[Any] = _value(f"[{text}]")
    if not values:
        raise Refusal(f"the grid of {key!r} lists no values; write {key}=a,b,c.")
    return values


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise Refusal(f"{text!r} is no value; quote it as YAML wants it.") from None


def _once(wanted: Sequence[Launch]) -> None:
    names = [launch.name for launch in wanted]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refusal(f"two experiments would be called {twice[0]!r}; name them apart.")


def _free(names: Sequence[str]) -> None:
    refs = _git("for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").split()
    waiting = [task.name for task in queue.tasks() if task.status in ("pending", "running")]
    if taken := [name for name in names if name in {*refs, *waiting}]:
        raise Refusal(
            f"an experiment is called {taken[0]!r} already; name this one otherwise (--name), or take that one away "
            f"(`dvc exp remove {taken[0]}`, or `dvc queue remove {taken[0]}` while it waits)."
        )


def _reachable(launch: Launch) -> None:
    """Refuse a source that the folder of a queued run would not hold."""
    path = source(launch.task, launch.knobs, current())
    if not path.exists():
        raise Refusal(f"{launch.name}: the source {path} does not exist; point tasks.{launch.task}.source at the data.")
    if path.is_absolute():
        return
    if ".." in path.parts or not (_git("ls-files", "--", str(path)) or _added(path)):
        raise Refusal(
            f"{launch.name}: a queued run works in a folder of its own, where the source {path} is not; give its "
            f"absolute path, track it (`git add`, `dvc add`), or run in the workspace (--now)."
        )


def _added(path: Path) -> bool:
    return any(place.with_name(f"{place.name}.dvc").exists() for place in (path, *path.parents) if place.name)


def _of(revs: Sequence[str]) -> list[queue.Task]:
    return [task for task in queue.tasks() if task.rev in revs]


def _dvc(words: Sequence[str], name: str) -> None:
    done = subprocess.run(queue.dvc(*words), env=queue.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"{name} was not queued: {queue.last_error(done.stdout + done.stderr)}")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"git {words[0]} says: {' '.join(done.stderr.split())}")
    return done.stdout


def _echo(running: "subprocess.Popen[bytes]") -> Iterator[str]:
    for line in running.stdout or ():
        text = line.decode(errors="replace")
        sys.stderr.write(text)
        yield text


@contextmanager
def _put_back() -> Iterator[None]:
    """Put back what a run writes and git tracks, edits included, should the block fail."""
    before = _git("stash", "create").strip() or "HEAD"  # a commit of all edits; no branch holds it, no file changes
    try:
        yield
    except BaseException:
        files = _git("ls-tree", "-r", "--name-only", before, "--", *WRITTEN).splitlines()
        _git("restore", "--source", before, "--worktree", "--", *files)
        raise
