"""The registry as an object: `Registry().list(status="completed", limit=10)`, `.best(metric="hit_rate")`, and so on.

Every question first brings the ledger up to date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from trueline.core.errors import UserError, did_you_mean
from trueline.experiments.decisions import run_comparison
from trueline.experiments.decisions.ranking import (
    Invalidations,
    Ranking,
    RankingQuery,
    deflate_best_score,
    list_test_periods,
    rank_experiments,
)
from trueline.experiments.ledger import ledger
from trueline.experiments.spec.config_schema import ExperimentType
from trueline.experiments.store import dvc_lock, experiments_index, file_cache, git, param_diff
from trueline.experiments.store.experiment import Experiment, Status
from trueline.experiments.store.file_cache import PARAMS
from trueline.experiments.store.run_tables import Run, build_run, load_run

STATUSES: tuple[Status, ...] = ("pending", "running", "completed", "failed", "promoted", "archived")


@dataclass(frozen=True)
class BestExperiment:
    """The best experiment of a ranking, how it stands to the next, and what is left of its score without luck."""

    ranking: Ranking
    value: float
    interval: tuple[float, float] | None
    n: int | None
    evaluations: ledger.EvaluationCounts
    deflated: float | None
    runner_up: Experiment | None  # the next with predictions of its own
    paired: dict[str, Any] | None  # the difference to it, on the same rows
    tie: bool | None  # None where it could not be told
    why: str  # a sentence

    @property
    def experiment(self) -> Experiment:
        """The first of the ranking."""
        return self.ranking.ranked[0]


class Registry:
    """All experiments as they stand when the object is made; their looks go into the ledger unless it is a peek."""

    def __init__(self, peek: bool = False) -> None:
        self.experiments = experiments_index.list_experiments()
        finished = [experiment for experiment in self.experiments if experiment.is_finished]
        self.ledger_lines = (
            ledger.add_pending_evaluations(ledger.read_all_lines(), finished)
            if peek
            else ledger.update_ledger(finished)
        )
        self.invalidations: Invalidations = ledger.find_invalidations(finished, self.ledger_lines)

    def list(
        self,
        status: str | None = None,
        task: str | None = None,
        kind: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Experiment]:
        """Return experiments, newest first; a status is one of pending running completed failed promoted archived.

        Refuses a status, a task or a type that nothing has, and a limit below 1.
        """
        if status is not None and status not in STATUSES:
            raise UserError(f"no experiment is ever {status!r}; {did_you_mean(status, STATUSES)}")
        if limit is not None and limit < 1:
            raise UserError(f"the limit is {limit}; give 1 or more, or none for all.")
        self._require_known(task, kind)
        matching = [
            experiment
            for experiment in self.experiments
            if status in (None, experiment.status)
            and (task is None or task in experiment.tasks)
            and RankingQuery(kind=kind, tag=tag).matches_experiment(experiment)
        ]
        return matching[:limit]

    def list_test_periods(self) -> Sequence[dict[str, Any]]:
        """Return each test period: how often it was looked at, its best score, and that score deflated."""
        return list_test_periods(self.ledger_lines, self.invalidations)

    def show_experiment(self, name: str) -> dict[str, Any]:
        """Return all that is known of an experiment, or of a git revision."""
        experiment = experiments_index.find_experiment(name, self.experiments)
        lock = dvc_lock.read_locks([experiment.rev])[experiment.rev]
        # a baseline that was rebased away may be gone
        base_params = (
            experiments_index.load_experiment_at_commit(experiment.baseline).params
            if git.resolve_commit(experiment.baseline)
            else experiment.params
        )
        invalidated = ledger.find_invalidations([experiment], self.ledger_lines).get(experiment.rev, {})
        evaluation_counts = {
            task: ledger.count_evaluations(task, experiment.get_rows_hash(task), self.ledger_lines)
            for task in experiment.scored
        }
        return {
            "experiment": experiment,
            "changed": {
                path: list(pair) for path, pair in param_diff.compare_params(base_params, experiment.params).items()
            },
            "invalidated": invalidated,
            "looks": {
                task: {"all": count.total, "different": count.distinct} for task, count in evaluation_counts.items()
            },
            "outputs": {
                path: md5
                for path, md5 in dvc_lock.get_output_hashes(lock).items()
                if set(path.split("/")) & set(experiment.tasks)
            },
        }

    def rank_experiments(self, query: RankingQuery) -> Ranking:
        """Return the comparable experiments, best first, and the others by why they are not."""
        return rank_experiments(self.experiments, query, self.invalidations)

    def best(
        self,
        metric: str | None = None,
        task: str | None = None,
        min_n: int = 0,
        since: datetime | None = None,
        kind: str | None = None,
        tag: str | None = None,
    ) -> BestExperiment:
        """Return the best experiment by a metric, or by the headline of its task, and whether it is more than a tie.

        Only results that can be ranked take part: those on the same test rows, completed and not invalidated.
        """
        return self.compare_leader(self.rank_experiments(RankingQuery(metric, task, min_n, since, kind, tag)))

    def compare_leader(self, ranking: Ranking) -> BestExperiment:
        """Return the first of a ranking beside the next that is not the same; refuses an empty one."""
        if not ranking.ranked:
            raise UserError(f"no experiment of {ranking.task} can be ranked: {_describe_absence(ranking)}.")
        leader, metric, task = ranking.ranked[0], ranking.metric, ranking.task
        evaluation_counts = ledger.count_evaluations(task, ranking.rows_hash, self.ledger_lines)
        figures = leader.get_figures(task)
        bounds = (figures.get(f"{metric.name}_low"), figures.get(f"{metric.name}_high"))
        return BestExperiment(
            ranking,
            figures[metric.name],
            bounds if None not in bounds else None,  # type: ignore[arg-type]  # None was looked for
            figures.get(metric.count_name),
            evaluation_counts,
            deflate_best_score(metric, figures, evaluation_counts.distinct),
            *self._compare_with_runner_up(ranking),
        )

    def compare(
        self, name: str, other_name: str, task: str | None = None, common: bool = False
    ) -> dict[str, dict[str, Any]]:
        """Return by task how two runs differ; of the tasks that both are about where none is named.

        Refuses a task that one of them is not about: its figures there are those of the commit it started from.
        """
        pair = load_run(name, self.experiments), load_run(other_name, self.experiments)
        for each in pair:
            if task is not None and task not in each.tasks:
                raise UserError(f"{each.name} is not about {task!r}; {did_you_mean(task, each.tasks)}")
        shared = [task] if task else [each for each in pair[0].tasks if each in pair[1].tasks]
        if not shared:
            raise UserError(f"{name} and {other_name} are not about a common task; name one with --task.")
        return {each: self._compare_task(each, pair, common) for each in shared}

    def invalidate_data(self, data_hash: str, why: str) -> Sequence[Experiment]:
        """Record that data were wrong and return the experiments that descend from them."""
        return ledger.invalidate_data(data_hash, why)

    def promote(self, name: str, stage: str = "prod", force: str | None = None) -> Any:
        """Promote an experiment if the gates let it pass; `force` is why they are overridden."""
        from trueline.experiments.decisions import promotion  # GTO takes a second to import

        return promotion.promote_experiment(
            experiments_index.find_experiment(name, self.experiments), stage=stage, force=force
        )

    def load_baseline(self, task: str) -> Experiment | None:
        """Return the last commit of the current branch as if it were an experiment, where it has scores."""
        experiment = experiments_index.load_experiment_at_commit("HEAD") if git.resolve_commit("HEAD") else None
        return experiment if experiment and experiment.scores.get(task) else None

    def _require_known(self, task: str | None, kind: str | None) -> None:
        """Refuse a task that neither the plan nor an experiment has, and a type likewise."""
        tasks = {*list_planned_tasks(), *(each for experiment in self.experiments for each in experiment.tasks)}
        if task is not None and task not in tasks:
            raise UserError(f"no task is called {task!r}; {did_you_mean(task, tasks)}")
        kinds = {*get_args(ExperimentType), *(each.type for each in self.experiments if each.type)}
        if kind is not None and kind not in kinds:
            raise UserError(f"no type is called {kind!r}; {did_you_mean(kind, kinds)}")

    def _compare_task(self, task: str, pair: tuple[Run, Run], common: bool) -> dict[str, Any]:
        comparison = run_comparison.compare_origins(task, *pair) | run_comparison.compare_runs(task, *pair, common)
        invalidations = ledger.find_invalidations((run.experiment for run in pair if run.experiment), self.ledger_lines)
        reasons = {run.name: invalidations.get(run.experiment.rev, {}).get(task) for run in pair if run.experiment}
        invalidated = {name: reason for name, reason in reasons.items() if reason}
        warnings = [f"INVALIDATED: {name} was made from wrong data ({reason})." for name, reason in invalidated.items()]
        return comparison | {"invalidated": invalidated, "sentences": [*warnings, *comparison["sentences"]]}

    def _compare_with_runner_up(
        self, ranking: Ranking
    ) -> tuple[Experiment | None, dict[str, Any] | None, bool | None, str]:
        """Return the next experiment with predictions of its own, the paired difference, and what it says."""
        leader, task = ranking.ranked[0], ranking.task
        predictions_by_rev = {
            line["rev"]: line["predictions"]
            for line in ledger.list_evaluations_of_test_set(task, ranking.rows_hash, self.ledger_lines)
        }
        leader_predictions = predictions_by_rev.get(leader.rev)
        candidates = (
            experiment
            for experiment in ranking.ranked[1:]
            if leader_predictions is None or predictions_by_rev.get(experiment.rev) != leader_predictions
        )
        rival = next(candidates, None)
        if rival is None:
            return None, None, None, "nothing to compare it with: no other predictions were judged on these rows"
        return rival, *self._compare_pair(ranking, rival)

    def _compare_pair(self, ranking: Ranking, rival: Experiment) -> tuple[dict[str, Any] | None, bool | None, str]:
        leader, name = ranking.ranked[0], ranking.metric.name
        try:
            comparison = run_comparison.compare_runs(ranking.task, build_run(leader), build_run(rival), fetch=False)
        except UserError as refusal:
            return None, None, f"whether it is more than luck cannot be told: {refusal}"
        difference = next(
            (metric_difference for metric_difference in comparison["metrics"] if metric_difference["metric"] == name),
            None,
        )
        if difference is None:
            return (
                None,
                None,
                f"no paired test tells {name} apart; see `compare {leader.name} {rival.name}`",
            )
        return difference, difference["verdict"] == "undecided", _format_verdict(leader, rival, difference)


def list_planned_tasks() -> list[str]:
    """Return the tasks of params.yaml."""
    return list(map(str, (file_cache.read_workspace_file(PARAMS) or {}).get("tasks") or ()))


def _format_verdict(leader: Experiment, rival: Experiment, difference: dict[str, Any]) -> str:
    within = "" if difference["low"] is None else f" ({difference['low']:+.4f} to {difference['high']:+.4f})"
    summary = f"{difference['of']} of {leader.name} less that of {rival.name}: {difference['difference']:+.4f}{within}, paired"
    if difference["verdict"] == "undecided":
        return f"a tie within noise with {rival.name}: {summary}"
    return f"{difference['verdict']} than {rival.name} beyond noise: {summary}"


def _describe_absence(ranking: Ranking) -> str:
    reasons = {
        "invalidated": list(ranking.invalidated),
        "of too few": [experiment.name for experiment in ranking.too_few],
        "without a record of the rows they were judged on": [experiment.name for experiment in ranking.on_other_rows],
    }
    return "; ".join(f"{len(names)} {why} ({', '.join(names[:3])})" for why, names in reasons.items() if names)
