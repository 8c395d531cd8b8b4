"""Filter experiments by parameters and scores: `depth > 4 and r2 > 0.19`, parsed into a tree and never executed."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import expand_params
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.metric_definitions import get_nested
from trueline.experiments.store.param_diff import flatten_params

COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
SHARED_SECTIONS = ("baseline", "comparison", "vectors")  # of a task under `train`; the others are the learners'
MAX_FILTER_CHARS = 1000
MAX_PATHS_NAMED = 4


def select_experiments(experiments: Sequence[Experiment], condition: str | None) -> list[Experiment]:
    """Return the experiments that meet a condition, all of them without one.

    A name is a score, a dotted parameter or the end of one; of several parameters that end alike, that of the
    experiment's own learner is meant. An experiment without a value does not match. Raises UserError for a condition
    that cannot be parsed, and a name that no experiment has or that means several parameters.

    >>> select_experiments([], "depth > 4")
    []
    """
    if condition is None:
        return list(experiments)
    tree = _parse_condition(condition)
    values = [_collect_values(experiment) for experiment in experiments]
    names = dict.fromkeys(name for node in ast.walk(tree) if (name := _get_name(node)) is not None)
    for name in _list_outer_names(tree, names):
        _require_known(name, values)
    return [
        experiment
        for experiment, experiment_values in zip(experiments, values, strict=True)
        if _evaluate(tree, experiment_values)
    ]


class _Values:
    """The scores and parameters of one experiment, by name."""

    def __init__(self, scores: Mapping[str, Any], params: Mapping[str, Any], learner_paths: Sequence[str]) -> None:
        self.scores, self.params, self.learner_paths = scores, params, learner_paths

    def list_paths(self, name: str) -> list[str]:
        """Return the parameters that a name may mean: the one of that path, else that of the learner, else any.

        Those of other learners are not the experiment's.
        """
        if name in self.params:
            return [name]
        of_learner = [path for prefix in self.learner_paths if (path := f"{prefix}.{name}") in self.params]
        return of_learner or [
            path
            for path in self.params
            if path.endswith(f".{name}") and not self._is_of_other_learner(path.removesuffix(f".{name}"))
        ]

    def _is_of_other_learner(self, section: str) -> bool:
        task_sections = {learner_path.rpartition(".")[0] for learner_path in self.learner_paths}
        parent, _, name = section.rpartition(".")
        return parent in task_sections and section not in self.learner_paths and name not in SHARED_SECTIONS

    def get_value(self, name: str) -> Any:
        """Return the value of a name, or None; raises UserError if several parameters with different values match."""
        if name in self.scores:
            return self.scores[name]
        paths = self.list_paths(name)
        if any(self.params[path] != self.params[paths[0]] for path in paths):
            raise _list_meanings(name, paths)
        return self.params[paths[0]] if paths else None


def _parse_condition(condition: str) -> ast.expr:
    try:
        tree = ast.parse(condition[:MAX_FILTER_CHARS].strip(), mode="eval").body
        _require_supported(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UserError(
            f"--where {condition[:60]!r} cannot be read; compare names with numbers or quoted texts (== != < <= > >=) "
            f"and join them with and, or, not: --where \"depth > 4 and learner == 'forest'\"."
        ) from None
    return tree


def _require_supported(node: ast.AST) -> None:
    """Raise ValueError for anything other than comparisons of names and constants, joined by and, or, not."""
    if isinstance(node, ast.BoolOp):
        clauses: list[ast.AST] = [*node.values]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        clauses = [node.operand]
    elif isinstance(node, ast.Compare) and all(type(comparison) in COMPARISONS for comparison in node.ops):
        for operand in (node.left, *node.comparators):
            if _get_name(operand) is None:
                ast.literal_eval(operand)
        return
    else:
        raise ValueError("not a condition")
    for clause in clauses:
        _require_supported(clause)


def _evaluate(node: ast.expr, values: _Values) -> bool:
    if isinstance(node, ast.BoolOp):
        combine = all if isinstance(node.op, ast.And) else any
        return combine(_evaluate(clause, values) for clause in node.values)
    if isinstance(node, ast.UnaryOp):
        return not _evaluate(node.operand, values)
    assert isinstance(node, ast.Compare)
    operands = [_get_operand(operand, values) for operand in (node.left, *node.comparators)]
    return all(
        _compare(COMPARISONS[type(comparison)], left, right)
        for comparison, left, right in zip(node.ops, operands, operands[1:], strict=False)
    )


def _compare(comparison: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    try:
        return bool(comparison(left, right))
    except TypeError:  # a text with a number, or an experiment without the value
        return False


def _get_operand(node: ast.expr, values: _Values) -> Any:
    name = _get_name(node)
    return ast.literal_eval(node) if name is None else values.get_value(name)


def _get_name(node: ast.AST) -> str | None:
    """Return the dotted name that a node is, or None."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (prefix := _get_name(node.value)) is not None:
        return f"{prefix}.{node.attr}"
    return None


def _list_outer_names(tree: ast.expr, names: Mapping[str, None]) -> list[str]:
    """Return the names that are compared, without the beginnings of dotted ones."""
    compared = {
        _get_name(operand)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for operand in (node.left, *node.comparators)
    }
    return [name for name in names if name in compared]


def _require_known(name: str, values: Sequence[_Values]) -> None:
    if values and not any(name in each_values.scores or each_values.list_paths(name) for each_values in values):
        paths = [path for each_values in values for path in each_values.params if path.endswith(f".{name}")]
        if paths:
            raise _list_meanings(name, list(dict.fromkeys(paths)))
        known_names = {path.rpartition(".")[2] for each_values in values for path in each_values.params}
        known_names |= {score for each_values in values for score in each_values.scores}
        suggestion = did_you_mean(name, known_names).partition("Allowed:")[0]
        raise UserError(f"--where: no experiment has a score or a parameter {name!r}; {suggestion}see params.yaml.")


def _list_meanings(name: str, paths: Sequence[str]) -> UserError:
    return UserError(f"--where: {name!r} may mean {', '.join(paths[:MAX_PATHS_NAMED])}; write more of the path.")


def _collect_values(experiment: Experiment) -> _Values:
    """Return what a condition may name: the experiment's scores, and its parameters without those of other tasks."""
    other_tasks = set(map(str, experiment.params.get("tasks") or {})) - set(experiment.tasks)
    flat = flatten_params(expand_params(experiment.params))
    params = {
        path: value for path, value in flat.items() if path.split(".")[1:2] not in [[task] for task in other_tasks]
    }
    scores: dict[str, Any] = {}
    for task in reversed(experiment.tasks):
        figures = {**experiment.get_figures(task), "believable": experiment.get_believability(task)[0]}
        scores |= figures | {f"{task}.{name}": value for name, value in figures.items()}
    learners = [(task, get_nested(experiment.params, ("tasks", task, "learner"))) for task in experiment.tasks]
    return _Values(scores, params, [f"train.{task}.{learner}" for task, learner in learners])
