"""Find the parameters that an experiment would take over from an edited params.yaml without naming them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.running.launch import Launch
from trueline.experiments.spec.config_schema import render_value
from trueline.experiments.spec.dvc_overrides import read_current_params
from trueline.experiments.store import file_cache, git
from trueline.experiments.store.file_cache import PARAMS
from trueline.experiments.store.param_diff import compare_params

MAX_PARAMS_NAMED = 3

Changes = Mapping[str, tuple[Any, Any]]  # parameter → its value in the last commit and in the workspace


def find_inherited_params(launch: Launch, changes: Changes) -> dict[str, tuple[Any, Any]]:
    """Return those of the workspace's changes that an experiment would have too although it does not set them.

    Changes of other tasks and of the description of an earlier experiment are none.
    """
    return {
        param: values
        for param, values in changes.items()
        if not any(f"{param}.".startswith(f"{name}.") for name in launch.named)
    }


def list_workspace_changes(tasks: Iterable[str]) -> dict[str, tuple[Any, Any]]:
    """Return the parameters of some tasks, and those of no task, in which params.yaml differs from the last commit."""
    if git.resolve_commit("HEAD") is None:
        return {}
    committed = file_cache.read_files([("HEAD", PARAMS)])["HEAD", PARAMS] or {}
    current, selected = read_current_params(), set(tasks)
    other_tasks = {str(task) for params in (committed, current) for task in params.get("tasks") or {}} - selected
    return {
        param: values
        for param, values in compare_params(committed, current).items()
        if not param.startswith("experiment.") and param.split(".")[1:2] not in [[task] for task in other_tasks]
    }


def require_own_params(launches: Sequence[Launch]) -> None:
    """Raise UserError, by name, if an experiment would inherit what an earlier one or an edit left in params.yaml."""
    for launch in launches:
        inherited = find_inherited_params(launch, list_workspace_changes([launch.task]))
        if inherited:
            raise UserError(
                f"{launch.name} would also have {describe_changes(inherited)}, which it does not name: {PARAMS} "
                f"differs from the last commit; run `git checkout {PARAMS}`, commit it, or allow it with --carry."
            )


def describe_changes(changes: Changes) -> str:
    """Return changed parameters as a phrase: "train.props.depth 7 (was 5) and 2 more"."""
    phrases = [f"{param} {render_value(new)} (was {render_value(old)})" for param, (old, new) in changes.items()]
    more = f" and {len(phrases) - MAX_PARAMS_NAMED} more" if len(phrases) > MAX_PARAMS_NAMED else ""
    return ", ".join(phrases[:MAX_PARAMS_NAMED]) + more
