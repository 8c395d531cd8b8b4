"""What the registry knows of one experiment: read from its commit, queue entry and tags; stored nowhere else."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

Status = Literal["pending", "running", "completed", "failed", "promoted", "archived"]


@dataclass(frozen=True)
class Experiment:
    """One experiment. Whoever has no result has no scores: nothing is borrowed from the commit it started from.

    `created` is the commit's own time, or that of the queue entry. Scores and scored rows are keyed by task.
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
    scores: dict[str, dict[str, float]]
    scored: dict[str, dict[str, Any]]
    params: dict[str, Any]
    intervals: dict[str, dict[str, float]] = field(default_factory=dict)  # by task: hit_rate_low, hit_rate_high, …

    @property
    def is_finished(self) -> bool:
        """Whether it has results that may be read: completed, and whatever became of it afterwards."""
        return self.status in ("completed", "promoted", "archived")

    def with_results(self, **results: dict[str, dict[str, Any]]) -> "Experiment":
        """Return it with scores, scored rows and intervals, each by task."""
        return replace(self, **results)  # type: ignore[arg-type]  # mypy does not see which fields these are

    def get_figures(self, task: str) -> dict[str, Any]:
        """Return the scores of a task together with the ends of their intervals."""
        return {**self.intervals.get(task, {}), **self.scores.get(task, {})}

    def get_rows_hash(self, task: str) -> str | None:
        """Return the fingerprint of the rows and outcomes that a task was scored on: equal is the same test."""
        rows_hash = self.scored.get(task, {}).get("hash")
        return str(rows_hash) if rows_hash else None
