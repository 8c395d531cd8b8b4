"""What a reviewer is told of a pull request: for each task whose results it changes, a verdict, looks and gates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.decisions import run_gates
from trueline.experiments.decisions.gates import Gate
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.ledger import ledger
from trueline.experiments.store import workspace_tags
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.experiments_index import load_experiment_at_commit
from trueline.experiments.store.workspace_tags import list_assigned_commits

PROD = "prod"


@dataclass(frozen=True)
class TaskReview:
    """What a pull request does to one task; without scores of its own only `problem` is known."""

    task: str
    head: Experiment
    problem: str | None = None  # why the request has no scores of the task
    comparison: dict[str, Any] | None = None  # with the base, paired
    no_comparison: str | None = None  # why it could not be compared
    looks: ledger.EvaluationCounts | None = None
    gates: tuple[Gate, ...] = ()

    def list_stopping(self, required: Sequence[str]) -> list[str]:
        """Return the required gates that stop it."""
        return [gate.name for gate in self.gates if gate.name in required and not gate.passed]


def compare_commits(registry: Registry, base: str, head: str) -> list[TaskReview]:
    """Return a review of every task of which one commit has other parameters, predictions or scores than the other.

    Raises UserError if one of them is not a commit.
    """
    base_commit, head_commit = (load_experiment_at_commit(revision) for revision in (base, head))
    changed = [task for task in head_commit.tasks if _has_changed(task, base_commit, head_commit)]
    return [_review_task(registry, task, base_commit, head_commit) for task in changed]


def require_gate_names(names: Sequence[str]) -> None:
    """Raise UserError for a name that is no gate's."""
    unknown = [name for name in names if name not in run_gates.GATE_NAMES]
    if unknown:
        raise UserError(f"{unknown[0]!r} is not a gate; name some of {', '.join(run_gates.GATE_NAMES)}.")


def _has_changed(task: str, base: Experiment, head: Experiment) -> bool:
    return task not in head.scores or any(
        get_results(head) != get_results(base)
        for get_results in (
            lambda commit: commit.get_figures(task),
            lambda commit: commit.get_believability(task),
            lambda commit: run_gates.get_predictions_hash(commit.rev, task),
        )
    )


def _review_task(registry: Registry, task: str, base: Experiment, head: Experiment) -> TaskReview:
    if task not in head.scores:
        return TaskReview(task, head, head.error or "metrics/ has no scores of it; run `dvc repro` and commit.")
    comparison, problem = None, None
    try:
        comparison = registry.compare(head.rev, base.rev, task)[task]
    except UserError as error:
        problem = str(error)
    incumbent = next(reversed(list_assigned_commits(workspace_tags.read_events(), task, PROD)), None)
    is_promoted = incumbent is not None and incumbent.rev == head.rev
    gates = run_gates.evaluate_gates(head, task, None if is_promoted else incumbent, registry.ledger_lines)
    looks = ledger.count_evaluations(task, head.get_rows_hash(task), registry.ledger_lines)
    return TaskReview(task, head, None, comparison, problem, looks, tuple(gates))
