"""Compare two params.yaml: which parameters differ, each task's over its defaults, and which tasks they are about."""

from collections.abc import Iterable, Mapping
from typing import Any

from trueline.core.runtime.params import expand_params

FlatParams = dict[str, Any]


def compare_params(params: Mapping[str, Any], other_params: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the parameters that differ between two params.yaml, by dotted path; a missing one is None."""
    flat, other_flat = map(flatten_params, _expand_differing_sections(params, other_params))
    paths = [path for path in flat | other_flat if flat.get(path) != other_flat.get(path)]
    return {path: (flat.get(path), other_flat.get(path)) for path in paths}


def flatten_params(value: Mapping[str, Any], path: str = "") -> FlatParams:
    """Return nested parameters by dotted path; lists are values."""
    flat: FlatParams = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            flat |= flatten_params(inner, f"{path}{key}.")
        else:
            flat[path + str(key)] = inner
    return flat


def find_changed_tasks(params: Mapping[str, Any], base_params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tasks that the changed parameters are about; all tasks if none changed, or a shared one did.

    The task that the `experiment` section names is returned alone if its parameters changed, or those of no task did.
    """
    params, base_params = _expand_differing_sections(params, base_params)
    tasks = tuple(params.get("tasks") or {})
    changed = {
        key
        for section in _find_changed_sections(params, base_params)
        for key in _find_changed_keys(params, base_params, section)
    }
    touched = tuple(task for task in tasks if task in changed)
    named = (params.get("experiment") or {}).get("task")
    if isinstance(named, str) and named in tasks and (named in touched or not touched):
        return (named,)
    return touched if touched and changed <= set(tasks) else tasks


def _expand_differing_sections(
    params: Mapping[str, Any], other_params: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both with complete sections, without those that are the same in both: to complete them takes longest."""
    always_compared = ("tasks", "experiment")
    has_same_tasks = params.get("tasks") == other_params.get("tasks")  # the rows say which sections a task uses
    same = {
        section
        for section in params.keys() | other_params.keys()
        if has_same_tasks and section not in always_compared and params.get(section) == other_params.get(section)
    }
    expanded, other_expanded = (
        expand_params({section: value for section, value in sections.items() if section not in same})
        for sections in (params, other_params)
    )
    return expanded, other_expanded


def _find_changed_sections(params: Mapping[str, Any], base_params: Mapping[str, Any]) -> Iterable[str]:
    return (
        section
        for section in params.keys() | base_params.keys()
        if section != "experiment" and params.get(section) != base_params.get(section)
    )


def _find_changed_keys(params: Mapping[str, Any], base_params: Mapping[str, Any], section: str) -> Iterable[str]:
    """Return the keys directly below a section whose values differ; of a section without keys, its own name."""
    values, base_values = params.get(section), base_params.get(section)
    if not isinstance(values, Mapping) or not isinstance(base_values, Mapping):
        return [section]
    return [key for key in values.keys() | base_values.keys() if values.get(key) != base_values.get(key)]
