"""Launch experiments: configs become overrides, overrides become entries of DVC's queue, and failures are reported."""

import itertools
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.core.runtime.params import PARAMS_FILE
from trueline.experiments.running import params_backup
from trueline.experiments.running.progress import Progress
from trueline.experiments.running.queued_copy import (
    require_complete_code,
    require_complete_source,
    require_writable_cache_path,
)
from trueline.experiments.spec.config_schema import Config, parse_config, parse_yaml, read_config, render_value
from trueline.experiments.spec.dvc_overrides import (
    Overrides,
    build_assignments,
    build_overrides,
    format_literal,
    read_current_params,
    resolve_source,
)
from trueline.experiments.store import dvc_queue, git

LAST_STAGE = "diagnose@{task}"  # the last stage of a task: DVC also runs all stages before it
POLL_SECONDS = 0.5  # between two reads of the queue
MAX_WORD_BYTES = 128 * 1024  # a command-line argument must be shorter (MAX_ARG_STRLEN of Linux)
WORKSPACE = "workspace"  # the name of the working tree, for DVC and here


@dataclass(frozen=True)
class Launch:
    """One experiment to run: its name, task and hypothesis, and the parameters that it changes.

    `named` are those that its config sets, also to the value that they have already.
    """

    name: str
    task: str
    hypothesis: str
    overrides: Overrides
    named: frozenset[str] = frozenset()

    def build_command(self, queued: bool = True) -> list[str]:
        """Return the arguments of `dvc` that run it; raises UserError if a value is too long for a command line."""
        override_options = [
            option for param, value in self.overrides.items() for option in ("-S", f"{param}={format_literal(value)}")
        ]
        queue_options = ["--queue"] if queued else []
        if too_long := next((option for option in override_options if len(option.encode()) >= MAX_WORD_BYTES), None):
            raise UserError(
                f"{self.name}: {render_value(too_long)} is too long for a command line; "
                f"shorten it, or edit {PARAMS_FILE}."
            )
        message = f"--message={self.hypothesis}"  # one argument: a hypothesis may begin with a dash
        options = [*queue_options, "-n", self.name, message, *override_options]
        return ["exp", "run", *options, LAST_STAGE.format(task=self.task)]

    def format_command(self, queued: bool = True) -> str:
        """Return the command quoted for a shell."""
        return shlex.join(["dvc", *self.build_command(queued)])


def parse_assignments(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the values that `key=value` arguments set, parsed as YAML."""
    return {key: _parse_value(key, text) for key, text in map(_split_assignment, pairs)}


def build_grid(axis_texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return every combination of the values in `key=a,b,c` arguments, the last key changing fastest.

    Raises UserError for a repeated key or value: either would run one experiment again under another name.
    """
    split_axes = [_split_assignment(axis_text) for axis_text in axis_texts]
    _require_distinct_keys([key.removeprefix("params.") for key, _ in split_axes])
    axes = [[(key, value) for value in _parse_values(key, text)] for key, text in split_axes]
    return [dict(combination) for combination in itertools.product(*axes)] if axes else []


def build_launches(
    files: Sequence[Path], changes: Mapping[str, Any], points: Sequence[Mapping[str, Any]]
) -> list[Launch]:
    """Return the experiments that files describe (without files, the changes alone), one per point of the grid.

    Changes override files, and grid points override changes. Raises UserError for an invalid config, parameter or
    plugin before anything is queued.
    """
    params, launches = read_current_params(), []
    for file in files or (None,):
        first_name = _load_config(file, {**changes, **(points[0] if points else {})}).name
        numbered_points = [(f"{first_name}-{number}", point) for number, point in enumerate(points, 1)]
        named_points = numbered_points or [(first_name, {})]
        for name, point in named_points:
            config = _load_config(file, {**changes, **point, "name": name})
            overrides, named = build_overrides(config, params), frozenset(build_assignments(config, params))
            launches.append(Launch(name, config.task, config.hypothesis, overrides, named))
        _require_distinct_points(launches[-len(named_points) :])
    _require_distinct_names(launches)
    for launch in launches:
        _require_unambiguous_name(launch.name)
    return launches


def enqueue_launches(launches: Sequence[Launch]) -> list[str]:
    """Put experiments into the queue and return the commits of their entries.

    Raises UserError before queueing any of them if a name is taken, git's index stays locked, DVC could not run the
    queue here, or a queued run would not find a source.
    """
    git.require_unlocked_index()
    require_writable_cache_path()
    require_free_names([launch.name for launch in launches])
    for launch in launches:
        _require_reachable_source(launch)
        require_complete_code(launch.name)
    queued_before = {task.rev for task in dvc_queue.list_tasks()}
    with params_backup.preserve_params():
        for launch in launches:
            _run_dvc(launch.build_command(), launch.name)
    names = {launch.name for launch in launches}
    return [task.rev for task in dvc_queue.list_tasks() if task.rev not in queued_before and task.name in names]


def wait_for_tasks(revs: Sequence[str], progress: Progress) -> list[dvc_queue.QueuedTask]:
    """Run the queue until these entries are done, show which stage runs, and return their final states."""
    dvc_queue.clean_up_dead_tasks()
    while waiting := [task for task in _list_tasks_of(revs) if task.status in ("pending", "running")]:
        if any(task.status == "pending" for task in waiting) and not dvc_queue.has_worker():
            dvc_queue.start_worker()  # or restart it: DVC's workers sometimes stop with work left
        for task in _list_tasks_of(revs):
            stages = dvc_queue.extract_stages(dvc_queue.read_log(task.rev))
            progress.show_stages(task.name, stages, task.status == "running")
        time.sleep(POLL_SECONDS)
    dvc_queue.clean_up_dead_tasks()
    finished = _list_tasks_of(revs)
    for task in finished:
        progress.show_stages(task.name, dvc_queue.extract_stages(dvc_queue.read_log(task.rev)), False)
        progress.show_ending(task.name, task.status)
    return finished


def _load_config(file: Path | None, changes: Mapping[str, Any]) -> Config:
    return read_config(file, changes) if file else parse_config({}, changes, "the command line")


def _split_assignment(assignment: str) -> tuple[str, str]:
    key, separator, text = assignment.partition("=")
    if not (key and separator):
        raise UserError(f"{render_value(assignment)} is not an assignment; write key=value.")
    return key.strip(), text


def _parse_values(key: str, text: str) -> list[Any]:
    values: list[Any] = _parse_value(key, f"[{text}]")
    if not values:
        raise UserError(f"the grid of {key!r} lists no values; write {key}=a,b,c.")
    if repeated := [value for index, value in enumerate(values) if value in values[:index]]:
        raise UserError(f"the grid of {key!r} lists {render_value(repeated[0])} twice; name each value once.")
    return values


def _require_distinct_keys(keys: Sequence[str]) -> None:
    if repeated := [key for index, key in enumerate(keys) if key in keys[:index]]:
        raise UserError(f"--grid names {repeated[0]!r} twice; list all its values in one: {repeated[0]}=a,b,c.")


def _parse_value(key: str, text: str) -> Any:
    return parse_yaml(text, render_value(f"{key}={text}"))


def _require_distinct_names(launches: Sequence[Launch]) -> None:
    names = [launch.name for launch in launches]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"two experiments would be called {repeated[0]!r}; give each a name of its own.")


def _require_distinct_points(points: Sequence[Launch]) -> None:
    """Raise UserError if two grid points set the same values, names aside: two keys may mean one parameter."""
    for index, point in enumerate(points):
        duplicates = [
            earlier_point.name
            for earlier_point in points[:index]
            if _get_param_overrides(earlier_point) == _get_param_overrides(point)
        ]
        if duplicates:
            raise UserError(
                f"{duplicates[0]} and {point.name} would be the same experiment; list other values in the grid."
            )


def _get_param_overrides(launch: Launch) -> Overrides:
    return {param: value for param, value in launch.overrides.items() if param != "experiment.name"}


def _require_unambiguous_name(name: str) -> None:
    """Raise UserError if the name already means a git revision or the workspace where a run is named."""
    if name == WORKSPACE or git.resolve_commit(name):
        raise UserError(f"{name!r} already names a commit in git, or DVC's workspace; choose another name (--name).")


def require_free_names(names: Sequence[str]) -> None:
    """Raise UserError if an experiment, or a waiting or running queue entry, already has one of the names."""
    finished = [ref.name for ref in git.list_refs()]
    waiting = [task.name for task in dvc_queue.list_tasks() if task.status in ("pending", "running")]
    if taken_names := [name for name in names if name in {*finished, *waiting}]:
        raise UserError(
            f"there is already an experiment called {taken_names[0]!r}; choose another name (--name), or remove that "
            f"one (`dvc exp remove {taken_names[0]}`, or `dvc queue remove {taken_names[0]}` while it waits)."
        )


def _require_reachable_source(launch: Launch) -> None:
    """Raise UserError if the folder in which a queued run works would not contain its source."""
    path = resolve_source(launch.task, launch.overrides, read_current_params())
    if not path.exists():
        raise UserError(
            f"{launch.name}: the source {path} does not exist; point tasks.{launch.task}.source at the data."
        )
    require_complete_source(launch.name, path)


def _list_tasks_of(revs: Sequence[str]) -> list[dvc_queue.QueuedTask]:
    return [task for task in dvc_queue.list_tasks() if task.rev in revs]


def _run_dvc(arguments: Sequence[str], name: str) -> None:
    process = subprocess.run(
        dvc_queue.build_dvc_command(*arguments),
        env=dvc_queue.build_environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if process.returncode:
        raise UserError(f"{name} was not queued: {dvc_queue.find_last_error(process.stdout + process.stderr)}")
