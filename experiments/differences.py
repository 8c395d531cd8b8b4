"""Differences: the parameters in which two params.yaml differ, and which tasks these are about."""

from collections.abc import Iterable, Mapping
from typing import Any

Leaves = dict[str, Any]


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the parameters in which two params.yaml differ, by dotted path; what is absent is None."""
    first, second = leaves(one), leaves(other)
    paths = [path for path in first | second if first.get(path) != second.get(path)]
    return {path: (first.get(path), second.get(path)) for path in paths}


def leaves(value: Mapping[str, Any], path: str = "") -> Leaves:
    """Return nested parameters by dotted path; lists are values."""
    found: Leaves = {}
    for word, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            found |= leaves(inner, f"{path}{word}.")
        else:
            found[path + str(word)] = inner
    return found


def tasks(params: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tasks whose parameters were changed; if none were, or those of all, the task that is named, or all."""
    planned = tuple(params.get("tasks") or {})
    changed = {word for section in _sections(params, before) for word in _words(params, before, section)}
    touched = tuple(task for task in planned if task in changed)
    named = (params.get("experiment") or {}).get("task")
    if isinstance(named, str) and named in planned and (named in touched or not touched):
        return (named,)
    return touched if touched and changed <= set(planned) else planned


def _sections(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterable[str]:
    return (word for word in one.keys() | other.keys() if word != "experiment" and one.get(word) != other.get(word))


def _words(one: Mapping[str, Any], other: Mapping[str, Any], section: str) -> Iterable[str]:
    """Return the words right below a section whose values differ; of a section that is a single value, its own."""
    first, second = one.get(section), other.get(section)
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return [section]
    return [word for word in first.keys() | second.keys() if first.get(word) != second.get(word)]
