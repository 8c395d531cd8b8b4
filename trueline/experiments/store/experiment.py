"""The record of one experiment, assembled from its commit, queue entry and tags; it is stored nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from trueline.experiments.store.metric_definitions import BELIEVABLE, BELIEVABLE_REASONS

Status = Literal["pending", "running", "completed", "failed", "promoted", "archived"]


@dataclass(frozen=True)
class Experiment:
    """One experiment; without results of its own it has no scores, never those of the commit it started from.

    `created` is the time of the commit or of the queue entry. Scores and scored rows are keyed by task.
    """

    name: str
    rev: str
    baseline: str
    status: Status
    created: datetime
    tasks: tuple[str, ...]
    type: str | None
    hypothesis: str | None
    tags: tuple[str, ...]
    parent: str | None
    error: str | None
    scores: dict[str, dict[str, Any]]
    scored: dict[str, dict[str, Any]]
    params: dict[str, Any]
    intervals: dict[str, dict[str, float]] = field(default_factory=dict)  # by task: hit_rate_low, hit_rate_high, …
    conclusion: str | None = None  # what was learned, noted in the ledger after the run

    @property
    def is_finished(self) -> bool:
        """Whether it has results to read: it was completed, and perhaps promoted or archived since."""
        return self.status in ("completed", "promoted", "archived")

    @property
    def display_name(self) -> str:
        """The name to record: the commit for a git revision, since its name may soon mean another commit."""
        return self.rev[:7] if self.rev == self.baseline else self.name

    def with_results(self, **results: dict[str, dict[str, Any]]) -> "Experiment":
        """Return a copy with scores, scored rows and intervals, each keyed by task."""
        return replace(self, **results)  # type: ignore[arg-type]  # mypy cannot tell which fields these are

    def without_believability(self, tasks: Sequence[str]) -> "Experiment":
        """Return a copy that does not say whether the scores of some tasks can be believed."""
        return replace(self, scores=self.scores | {task: self.get_scores(task) for task in tasks})

    def get_scores(self, task: str) -> dict[str, Any]:
        """Return the scores of a task, without the word on whether they can be believed."""
        left_out = (BELIEVABLE, BELIEVABLE_REASONS)
        return {name: value for name, value in self.scores.get(task, {}).items() if name not in left_out}

    def get_figures(self, task: str) -> dict[str, Any]:
        """Return the scores of a task and the bounds of their intervals."""
        return {**self.intervals.get(task, {}), **self.get_scores(task)}

    def get_believability(self, task: str) -> tuple[str, list[str]]:
        """Return whether the scores of a task can be believed (yes, doubtful, no, or unknown), and why not."""
        scores = self.scores.get(task, {})
        return str(scores.get(BELIEVABLE, "unknown")), list(map(str, scores.get(BELIEVABLE_REASONS) or ()))

    def get_rows_hash(self, task: str) -> str | None:
        """Return the hash of the rows and outcomes that a task was scored on; equal hashes mean the same test."""
        rows_hash = self.scored.get(task, {}).get("hash")
        return str(rows_hash) if rows_hash else None
