"""Run: configs become assignments, assignments become experiments of DVC's queue, and what fails is said and kept."""

import itertools
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.params import FILE
from core.refusals import Refusal
from experiments import queue, repository
from experiments.assignments import Knobs, assignments, current, literal, source
from experiments.config import Config, loaded, parse, read, shown
from experiments.progress import Progress

LEAF = "diagnose@{task}"  # the last stage of a task: with it comes all before it
PAUSE = 0.5  # seconds between two looks at the queue
WORD = 128 * 1024  # bytes below which one word of a command must stay (MAX_ARG_STRLEN of Linux)
WORKSPACE = "workspace"  # what DVC and we call the files as they lie there


@dataclass(frozen=True)
class Launch:
    """One experiment about to be run: its name, what is expected of it, and the knobs it sets."""

    name: str
    task: str
    hypothesis: str
    knobs: Knobs

    def command(self, queued: bool = True) -> list[str]:
        """Return the words after `dvc` that run it; refuses a value too long for a command."""
        sets = [word for knob, value in self.knobs.items() for word in ("-S", f"{knob}={literal(value)}")]
        how = ["--queue"] if queued else []
        if long := next((word for word in sets if len(word.encode()) >= WORD), None):
            raise Refusal(f"{self.name}: {shown(long)} is longer than a command may be; shorten it, or edit {FILE}.")
        said = f"--message={self.hypothesis}"  # one word: a hypothesis may begin with a dash
        return ["exp", "run", *how, "-n", self.name, said, *sets, LEAF.format(task=self.task)]

    def line(self, queued: bool = True) -> str:
        """Return the command as a shell takes it."""
        return shlex.join(["dvc", *self.command(queued)])


def assigned(words: Sequence[str]) -> dict[str, Any]:
    """Return what `key=value` words set, values read as YAML."""
    return {key: _value(key, text) for key, text in map(_parted, words)}


def grid(words: Sequence[str]) -> list[dict[str, Any]]:
    """Return every combination of the values that `key=a,b,c` words list, the last key changing fastest.

    Refuses a key named twice and a value listed twice: both would run one experiment again under another name.
    """
    parted = [_parted(word) for word in words]
    _different([key.removeprefix("params.") for key, _ in parted])
    axes = [[(key, value) for value in _listed(key, text)] for key, text in parted]
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
        _apart(found[-len(named) :])
    _once(found)
    for launch in found:
        _nameable(launch.name)
    return found


def enqueue(wanted: Sequence[Launch]) -> list[str]:
    """Put experiments into the queue and return the commits of their entries.

    Refuses, before the first, a name that is taken and a source that a queued run would not find.
    """
    free([launch.name for launch in wanted])
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


def _described(file: Path | None, changes: Mapping[str, Any]) -> Config:
    return read(file, changes) if file else parse({}, changes, "the command line")


def _parted(word: str) -> tuple[str, str]:
    key, equals, text = word.partition("=")
    if not (key and equals):
        raise Refusal(f"{shown(word)} sets nothing; write key=value.")
    return key.strip(), text


def _listed(key: str, text: str) -> list[Any]:
    values: list[Any] = _value(key, f"[{text}]")
    if not values:
        raise Refusal(f"the grid of {key!r} lists no values; write {key}=a,b,c.")
    if twice := [value for number, value in enumerate(values) if value in values[:number]]:
        raise Refusal(f"the grid of {key!r} lists {shown(twice[0])} twice; name each value once.")
    return values


def _different(keys: Sequence[str]) -> None:
    if twice := [key for number, key in enumerate(keys) if key in keys[:number]]:
        raise Refusal(f"--grid names {twice[0]!r} twice; list all its values in one: {twice[0]}=a,b,c.")


def _value(key: str, text: str) -> Any:
    return loaded(text, shown(f"{key}={text}"))


def _once(wanted: Sequence[Launch]) -> None:
    names = [launch.name for launch in wanted]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refusal(f"two experiments would be called {twice[0]!r}; name them apart.")


def _apart(points: Sequence[Launch]) -> None:
    """Refuse points of a grid that set the same: two keys may mean one knob, and a name is none."""
    for number, point in enumerate(points):
        twins = [each.name for each in points[:number] if _sets(each) == _sets(point)]
        if twins:
            raise Refusal(f"{twins[0]} and {point.name} would be one experiment twice; let the grid set other values.")


def _sets(launch: Launch) -> Knobs:
    return {knob: value for knob, value in launch.knobs.items() if knob != "experiment.name"}


def _nameable(name: str) -> None:
    """Refuse a name that means something else already wherever a run is named."""
    if name == WORKSPACE or repository.commit(name):
        raise Refusal(
            f"{name!r} means a commit to git, or the workspace to DVC; name the experiment otherwise (--name)."
        )


def free(names: Sequence[str]) -> None:
    """Refuse a name that an experiment has, or one that waits or runs."""
    refs = repository.git("for-each-ref", "--format=%(refname:lstrip=4)", repository.EXPERIMENTS).decode().split()
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
    if ".." in path.parts or not (repository.git("ls-files", "--", str(path)) or _added(path)):
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
