"""Varied parameters: those in which the runs on a page differ, most varied first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trueline.core.runtime.params import expand_params
from trueline.experiments.cli.swept_columns import shorten_paths
from trueline.experiments.decisions.run_comparison import IGNORED_SECTIONS
from trueline.experiments.store.param_diff import flatten_params

MAX_NAMES = 8  # different values, other than numbers, that an axis has room for
MISSING = "–"

AxisValue = float | str


@dataclass(frozen=True)
class VariedParam:
    """A parameter by its short name, with its value in each run: all are numbers, or all are texts."""

    name: str
    values: tuple[AxisValue, ...]


def find_varied_params(params: Sequence[Mapping[str, Any]], task: str, max_count: int) -> list[VariedParam]:
    """Return the parameters of a task whose values differ between runs, at most `max_count` of them.

    First are those in which most runs differ from the most common value. Texts of more than MAX_NAMES kinds, which no
    axis could show, are left out.
    """
    tasks = {name for run_params in params for name in run_params.get("tasks") or ()}
    flat = [_flatten_task_params(run_params, task, tasks) for run_params in params]
    all_paths = dict.fromkeys(path for run_params in flat for path in run_params)
    values = {path: _align_values([run_params.get(path) for run_params in flat]) for path in all_paths}
    paths = [path for path in values if len(set(values[path])) > 1 and _has_room(values[path])]
    paths = sorted(paths, key=lambda path: (_count_most_common(values[path]), path))[:max_count]
    return [VariedParam(name, values[path]) for name, path in zip(shorten_paths(paths), paths, strict=True)]


def _flatten_task_params(params: Mapping[str, Any], task: str, tasks: set[str]) -> dict[str, Any]:
    flat = flatten_params(expand_params(params))
    other_tasks = tasks - {task}
    return {
        path: value
        for path, value in flat.items()
        if (segments := path.split("."))[0] not in IGNORED_SECTIONS and not set(segments[1:2]) & other_tasks
    }


def _align_values(values: Sequence[Any]) -> tuple[AxisValue, ...]:
    """Return values as numbers if all of them are, and else as texts."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return tuple(map(float, values))
    return tuple(MISSING if value is None else str(value) for value in values)


def _has_room(values: Sequence[AxisValue]) -> bool:
    return isinstance(values[0], float) or len(set(values)) <= MAX_NAMES


def _count_most_common(values: Sequence[AxisValue]) -> int:
    return Counter(values).most_common(1)[0][1]
