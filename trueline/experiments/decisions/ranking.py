"""Ranking: the comparable experiments of a task, best first, and why the others are left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from trueline.core.errors import UserError
from trueline.core.scorer_description import Metric
from trueline.experiments.decisions import deflation
from trueline.experiments.decisions.experiment_filter import select_experiments
from trueline.experiments.ledger import ledger
from trueline.experiments.store import metric_definitions
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.metric_definitions import METRICS

Invalidations = Mapping[str, Mapping[str, str]]  # by commit and task: why a result is void


@dataclass(frozen=True)
class RankingQuery:
    """The metric and task to rank by, and which experiments take part."""

    metric: str | None = None
    task: str | None = None
    min_n: int = 0
    since: datetime | None = None  # UTC if it has no time zone
    kind: str | None = None  # experiment.type in params.yaml
    tag: str | None = None
    where: str | None = None  # a condition on scores and parameters

    def matches_experiment(self, experiment: Experiment) -> bool:
        """Return whether an experiment matches, regardless of its results."""
        is_recent = self.since is None or experiment.created >= (
            self.since if self.since.tzinfo else self.since.replace(tzinfo=UTC)
        )
        return is_recent and self.kind in (None, experiment.type) and (self.tag is None or self.tag in experiment.tags)


@dataclass(frozen=True)
class Ranking:
    """Experiments of one task on the same test rows, best first, and the others by why they are left out."""

    task: str
    metric: Metric
    rows_hash: str | None
    ranked: list[Experiment]
    on_other_rows: list[Experiment] = field(default_factory=list)  # scored on other test rows
    too_few: list[Experiment] = field(default_factory=list)
    invalidated: dict[str, str] = field(default_factory=dict)

    @property
    def scored(self) -> dict[str, Any]:
        """The rows that all of them were scored on: how many, and their first and last day."""
        return self.ranked[0].scored.get(self.task, {}) if self.ranked else {}


def rank_experiments(experiments: Sequence[Experiment], query: RankingQuery, invalidations: Invalidations) -> Ranking:
    """Return the ranking of a query, on the test rows that most experiments were scored on.

    If several test sets are equally common, that of the newest experiment is used. Invalidated results and those with
    fewer than `min_n` are left out. Raises UserError if no experiment has the metric, or if several tasks do and none
    is named.
    """
    finished = (experiment for experiment in experiments if experiment.is_finished)
    fitting = [experiment for experiment in finished if query.matches_experiment(experiment)]
    fitting = select_experiments(fitting, query.where)
    task, metric = _resolve_task_and_metric(fitting, query)
    with_metric = [experiment for experiment in fitting if _get_metric_value(experiment, task, metric) is not None]
    invalidated = {
        experiment.name: invalidations[experiment.rev][task]
        for experiment in with_metric
        if task in invalidations.get(experiment.rev, {})
    }
    valid = [experiment for experiment in with_metric if task not in invalidations.get(experiment.rev, {})]
    sufficient = [
        experiment for experiment in valid if (experiment.scores[task].get(metric.count_name) or 0) >= query.min_n
    ]
    rows_hash = _find_common_rows(sufficient, task)
    ranked = sorted(
        (experiment for experiment in sufficient if experiment.get_rows_hash(task) == rows_hash and rows_hash),
        key=lambda experiment: (
            -_get_metric_value(experiment, task, metric)
            if metric.more_is_better
            else _get_metric_value(experiment, task, metric),
            experiment.name,
        ),
    )
    on_other_rows = [experiment for experiment in sufficient if experiment not in ranked]
    return Ranking(
        task,
        metric,
        rows_hash,
        ranked,
        on_other_rows,
        [experiment for experiment in valid if experiment not in sufficient],
        invalidated,
    )


def list_test_periods(lines: Sequence[ledger.LedgerLine], invalidations: Invalidations) -> list[dict[str, Any]]:
    """Return for each evaluated test period how often it was evaluated, its best score, and that score deflated.

    Evaluations of invalidated data are counted, but none of them can be the best.
    """
    keys = dict.fromkeys((line["task"], line["rows"]) for line in lines if line["kind"] == "look" and line["rows"])
    periods = (_describe_test_period(task, rows_hash, lines, invalidations) for task, rows_hash in keys)
    return [period for period in periods if period]


def _describe_test_period(
    task: str, rows_hash: str, lines: Sequence[ledger.LedgerLine], invalidations: Invalidations
) -> dict[str, Any] | None:
    evaluations = ledger.list_evaluations_of_test_set(task, rows_hash, lines)
    valid = [line for line in evaluations if task not in invalidations.get(line["rev"], {})]
    metric = next(
        (headline for line in valid if (headline := metric_definitions.find_headline_metric(line["metrics"]))), None
    )
    if metric is None:
        return None
    rankable = [
        line for line in valid if metric_definitions.get_finite_number(line["metrics"].get(metric.name)) is not None
    ]
    pick = max if metric.more_is_better else min
    best = pick(rankable, key=lambda line: line["metrics"][metric.name])
    counts = ledger.count_evaluations(task, rows_hash, lines)
    named_line = next(line for line in evaluations if line["rows"] == rows_hash)
    return {
        "task": task,
        **{key: named_line[key] for key in ("rows", "scored", "from", "to")},
        "looks": counts.total,
        "different": counts.distinct,
        "overlapping": counts.overlapping,
        "metric": metric.name,
        "best": best["metrics"][metric.name],
        "experiment": best["experiment"] or best["rev"][:7],
        "deflated": deflate_best_score(metric, best["metrics"], counts.overlapping),
    }


def deflate_best_score(metric: Metric, figures: Mapping[str, Any], evaluation_count: int) -> float | None:
    """Return a best score with the luck of so many evaluations deducted; None if it has no interval."""
    bounds = metric_definitions.get_interval(figures, metric.name)
    if bounds is None or not evaluation_count:
        return None
    return round(deflation.deflate_score(metric, figures[metric.name], *bounds, evaluation_count), 4)


def _resolve_task_and_metric(fitting: Sequence[Experiment], query: RankingQuery) -> tuple[str, Metric]:
    """Return the task and the metric that a query means."""
    requested_metric = metric_definitions.get_metric(query.metric) if query.metric else None
    tasks = dict.fromkeys(task for experiment in fitting for task in experiment.scores if query.task in (None, task))
    metrics_by_task = {
        task: [metric for metric in METRICS.values() if _has_metric(fitting, task, metric)] for task in tasks
    }
    metrics_by_task = {
        task: task_metrics
        for task, task_metrics in metrics_by_task.items()
        if requested_metric in task_metrics or (requested_metric is None and task_metrics)
    }
    if not metrics_by_task:
        subject, where = query.metric or "score", f" of {query.task}" if query.task else ""
        raise UserError(
            f"no finished experiment that matches has a {subject}{where}; "
            f"`python -m trueline experiments list` shows all."
        )
    if len(metrics_by_task) > 1:
        raise UserError(
            f"several tasks have experiments to rank ({', '.join(sorted(metrics_by_task))}); name one with --task."
        )
    task, task_metrics = next(iter(metrics_by_task.items()))
    return task, requested_metric or task_metrics[0]


def _find_common_rows(experiments: Sequence[Experiment], task: str) -> str | None:
    """Return the test rows that most experiments were scored on.

    Experiments come newest first, so in a tie the newest one's rows win.
    """
    counts = Counter(rows_hash for experiment in experiments if (rows_hash := experiment.get_rows_hash(task)))
    return max(counts, key=lambda rows_hash: counts[rows_hash]) if counts else None


def _has_metric(experiments: Sequence[Experiment], task: str, metric: Metric) -> bool:
    return any(_get_metric_value(experiment, task, metric) is not None for experiment in experiments)


def _get_metric_value(experiment: Experiment, task: str, metric: Metric) -> Any:
    return metric_definitions.get_finite_number(experiment.scores.get(task, {}).get(metric.name))
