"""The registry as a Python object: `Registry().list(status="completed", limit=10)`, `.best(metric="hit_rate")`, …

Reading changes no file that git tracks; only `promote` and `invalidate_data` write the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from trueline.core.errors import UserError, did_you_mean
from trueline.experiments.decisions import run_comparison
from trueline.experiments.decisions.experiment_filter import select_experiments
from trueline.experiments.decisions.ranking import (
    Invalidations,
    Ranking,
    RankingQuery,
    deflate_best_score,
    list_test_periods,
    rank_experiments,
)
from trueline.experiments.ledger import cost_lines, ledger
from trueline.experiments.spec.config_schema import ExperimentType
from trueline.experiments.store import dvc_lock, file_cache, git
from trueline.experiments.store.experiment import Experiment, Status
from trueline.experiments.store.experiments_index import find_experiment, list_experiments, load_experiment_at_commit
from trueline.experiments.store.file_cache import PARAMS
from trueline.experiments.store.param_diff import compare_params
from trueline.experiments.store.run_tables import PREDICTIONS_PATH, Run, build_run, load_run

STATUSES: tuple[Status, ...] = ("pending", "running", "completed", "failed", "promoted", "archived")


@dataclass(frozen=True)
class BestExperiment:
    """The best experiment of a ranking, its comparison with the runner-up, and its score with luck deducted."""

    ranking: Ranking
    value: float
    interval: tuple[float, float] | None
    n: int | None
    evaluations: ledger.EvaluationCounts
    deflated: float | None
    runner_up: Experiment | None  # the next experiment with different predictions
    paired: dict[str, Any] | None  # the paired difference to the runner-up, on the same rows
    tie: bool | None  # None if the two could not be compared
    why: str  # one sentence that explains `tie`
    committed: str | None  # one sentence that compares it with the last commit, if that has other results on these rows

    @property
    def experiment(self) -> Experiment:
        """The first experiment of the ranking."""
        return self.ranking.ranked[0]


class Registry:
    """A snapshot of all experiments and their evaluations; creating it changes no file that git tracks."""

    def __init__(self) -> None:
        experiments = list_experiments()
        finished = [experiment for experiment in experiments if experiment.is_finished]
        self.ledger_lines = ledger.observe_evaluations(finished)
        self.experiments = ledger.add_notes(experiments, self.ledger_lines)
        self.invalidations: Invalidations = ledger.find_invalidations(finished, self.ledger_lines)

    def list(
        self,
        status: str | None = None,
        task: str | None = None,
        kind: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
        where: str | None = None,
        is_open: bool = False,
    ) -> Sequence[Experiment]:
        """Return the experiments that match, newest first; `status` is one of `STATUSES`.

        `where` is a condition on scores and parameters; `is_open` selects finished experiments without a conclusion.

        Raises UserError for a status, task or type that does not exist, and for a limit below 1.
        """
        if status is not None and status not in STATUSES:
            raise UserError(f"{status!r} is not a status of experiments; {did_you_mean(status, STATUSES)}")
        if limit is not None and limit < 1:
            raise UserError(f"the limit is {limit}; give 1 or more, or leave it out to get all.")
        self._require_known(task, kind)
        matching = [
            experiment
            for experiment in self.experiments
            if status in (None, experiment.status)
            and (task is None or task in experiment.tasks)
            and RankingQuery(kind=kind, tag=tag).matches_experiment(experiment)
            and not (is_open and (experiment.conclusion or not experiment.is_finished))
        ]
        return select_experiments(matching, where)[:limit]

    def list_test_periods(self) -> Sequence[dict[str, Any]]:
        """Return for each test period how often it was evaluated, its best score, and that score deflated."""
        return list_test_periods(self.ledger_lines, self.invalidations)

    def show_experiment(self, name: str) -> dict[str, Any]:
        """Return all that is known of an experiment or of a git revision."""
        (experiment,) = ledger.add_notes([find_experiment(name, self.experiments)], self.ledger_lines)
        lock = dvc_lock.read_locks([experiment.rev])[experiment.rev]
        # the baseline commit may be gone, for example after a rebase
        base_params = (
            load_experiment_at_commit(experiment.baseline).params
            if git.resolve_commit(experiment.baseline)
            else experiment.params
        )
        invalidated = ledger.find_invalidations([experiment], self.ledger_lines).get(experiment.rev, {})
        evaluation_counts = {
            task: ledger.count_evaluations(task, experiment.get_rows_hash(task), self.ledger_lines)
            for task in experiment.scored
        }
        parent = self._find_parent(experiment)
        return {
            "experiment": experiment,
            "parent": parent.display_name if parent else None,
            "costs": {task: self._compare_costs(task, experiment, parent) for task in experiment.tasks},
            "changed": {path: list(pair) for path, pair in compare_params(base_params, experiment.params).items()},
            "invalidated": invalidated,
            "looks": {
                task: {"all": count.total, "different": count.distinct, "overlapping": count.overlapping}
                for task, count in evaluation_counts.items()
            },
            "outputs": {
                path: md5
                for path, md5 in dvc_lock.get_output_hashes(lock).items()
                if set(path.split("/")) & set(experiment.tasks)
            },
        }

    def rank_experiments(self, query: RankingQuery) -> Ranking:
        """Return the comparable experiments, best first, and those left out, by reason."""
        return rank_experiments(self.experiments, query, self.invalidations)

    def best(
        self,
        metric: str | None = None,
        task: str | None = None,
        min_n: int = 0,
        since: datetime | None = None,
        kind: str | None = None,
        tag: str | None = None,
        where: str | None = None,
    ) -> BestExperiment:
        """Return the best experiment by a metric (by default the headline metric of its task) and whether it is a tie.

        Only results that can be ranked take part: completed, not invalidated, and scored on the same test rows.
        """
        return self.compare_leader(self.rank_experiments(RankingQuery(metric, task, min_n, since, kind, tag, where)))

    def compare_leader(self, ranking: Ranking) -> BestExperiment:
        """Return the first experiment of a ranking, compared with the next one whose predictions differ.

        Raises UserError if the ranking is empty.
        """
        if not ranking.ranked:
            raise UserError(f"no experiment of {ranking.task} can be ranked: {_describe_absence(ranking)}.")
        leader, metric, task = ranking.ranked[0], ranking.metric, ranking.task
        evaluation_counts = ledger.count_evaluations(task, ranking.rows_hash, self.ledger_lines)
        figures = leader.get_figures(task)
        bounds = (figures.get(f"{metric.name}_low"), figures.get(f"{metric.name}_high"))
        return BestExperiment(
            ranking,
            figures[metric.name],
            bounds if None not in bounds else None,  # type: ignore[arg-type]  # both are checked not to be None
            figures.get(metric.count_name),
            evaluation_counts,
            deflate_best_score(metric, figures, evaluation_counts.overlapping),
            *self._compare_with_runner_up(ranking),
            self._compare_with_commit(ranking),
        )

    def compare(
        self, name: str, other_name: str, task: str | None = None, common: bool = False
    ) -> dict[str, dict[str, Any]]:
        """Return by task how two runs differ, for one task or for all tasks that both are about.

        Raises UserError if one of them is not about the task: its figures for that task come from the commit it started
        from.
        """
        pair = load_run(name, self.experiments), load_run(other_name, self.experiments)
        shared = choose_shared_tasks(pair, task)
        return {shared_task: self._compare_task(shared_task, pair, common) for shared_task in shared}

    def invalidate_data(self, data_hash: str, why: str) -> Sequence[Experiment]:
        """Record that data were wrong and return the experiments that were made from them."""
        return ledger.invalidate_data(data_hash, why)

    def promote(self, name: str, stage: str = "prod", force: str | None = None) -> Any:
        """Promote an experiment if all gates pass; `force` is the reason for overriding gates that do not."""
        from trueline.experiments.decisions import promotion  # GTO takes a second to import

        experiment = find_experiment(name, self.experiments)
        return promotion.promote_experiment(experiment, stage=stage, force=force, listed=self.experiments)

    def load_baseline(self, task: str) -> Experiment | None:
        """Return the last commit of the current branch as an experiment, or None if it has no scores for the task."""
        experiment = load_experiment_at_commit("HEAD") if git.resolve_commit("HEAD") else None
        return experiment if experiment and experiment.scores.get(task) else None

    def _require_known(self, task: str | None, kind: str | None) -> None:
        """Raise UserError for a task that neither params.yaml nor any experiment has, and for an unknown type."""
        tasks = set(list_planned_tasks()).union(*(experiment.tasks for experiment in self.experiments))
        if task is not None and task not in tasks:
            raise UserError(f"there is no task {task!r}; {did_you_mean(task, tasks)}")
        kinds = {*get_args(ExperimentType), *(experiment.type for experiment in self.experiments if experiment.type)}
        if kind is not None and kind not in kinds:
            raise UserError(f"there is no type {kind!r}; {did_you_mean(kind, kinds)}")

    def _compare_task(self, task: str, pair: tuple[Run, Run], common: bool) -> dict[str, Any]:
        comparison = run_comparison.compare_origins(task, *pair) | run_comparison.compare_runs(task, *pair, common)
        invalidations = ledger.find_invalidations((run.experiment for run in pair if run.experiment), self.ledger_lines)
        reasons = {run.name: invalidations.get(run.experiment.rev, {}).get(task) for run in pair if run.experiment}
        invalidated = {name: reason for name, reason in reasons.items() if reason}
        warnings = [f"INVALIDATED: {name} was made from wrong data ({reason})." for name, reason in invalidated.items()]
        believable = {run.name: run.get_believability(task) for run in pair}
        warnings += [
            f"The scores of {name} are not to be believed." for name, answer in believable.items() if answer == "no"
        ]
        return comparison | {
            "believable": believable,
            "invalidated": invalidated,
            "sentences": [*warnings, *comparison["sentences"]],
        }

    def _find_parent(self, experiment: Experiment) -> Experiment | None:
        """Return the experiment that one says it goes on from, else the commit it started from, or None."""
        named = [listed for listed in self.experiments if listed.name == experiment.parent and listed.is_finished]
        if len(named) == 1:
            return named[0]
        has_baseline = experiment.baseline != experiment.rev and git.resolve_commit(experiment.baseline)
        return load_experiment_at_commit(experiment.baseline) if has_baseline else None

    def _compare_costs(
        self, task: str, experiment: Experiment, parent: Experiment | None
    ) -> dict[str, dict[str, dict[str, Any] | None]]:
        """Return by stage what it took (`own`) and took the parent; stages as in the parent are left out."""
        revs = [experiment.rev, *([parent.rev] if parent else [])]
        locks = dvc_lock.read_locks(revs)
        own_costs, parent_costs = (
            cost_lines.get_stage_costs(rev, task, self.ledger_lines) if rev else {}
            for rev in (experiment.rev, parent.rev if parent else None)
        )
        stages = cost_lines.list_rerun_stages(locks[experiment.rev], locks[parent.rev] if parent else {}, task)
        return {
            stage: {"own": own_costs.get(stage), "parent": parent_costs.get(stage)}
            for stage in stages
            if stage in own_costs
        }

    def _compare_with_runner_up(
        self, ranking: Ranking
    ) -> tuple[Experiment | None, dict[str, Any] | None, bool | None, str]:
        """Return the next experiment with different predictions, the paired difference, tie or not, and why."""
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
        runner_up = next(candidates, None)
        if runner_up is None:
            return None, None, None, "nothing to compare it with: no other predictions were scored on these rows"
        return runner_up, *self._compare_pair(ranking, runner_up)

    def _compare_with_commit(self, ranking: Ranking) -> str | None:
        """Return how the leader compares with what is committed, or None if that is the same or on other rows."""
        leader, committed = ranking.ranked[0], self.load_baseline(ranking.task)
        if committed is None or committed.get_rows_hash(ranking.task) != ranking.rows_hash:
            return None
        if committed.rev == leader.rev or self._predict_alike(ranking, committed):
            return None
        return self._compare_pair(ranking, replace(committed, name=f"HEAD ({committed.rev[:7]})"))[2]

    def _predict_alike(self, ranking: Ranking, committed: Experiment) -> bool:
        path = PREDICTIONS_PATH.format(task=ranking.task)
        locks = dvc_lock.read_locks([ranking.ranked[0].rev, committed.rev]).values()
        return len({dvc_lock.get_output_hashes(lock).get(path) for lock in locks}) == 1

    def _compare_pair(self, ranking: Ranking, runner_up: Experiment) -> tuple[dict[str, Any] | None, bool | None, str]:
        leader, name = ranking.ranked[0], ranking.metric.name
        try:
            comparison = run_comparison.compare_runs(ranking.task, build_run(leader), build_run(runner_up), fetch=False)
        except UserError as error:
            return None, None, f"whether it is more than luck cannot be told: {error}"
        difference = next(
            (metric_difference for metric_difference in comparison["metrics"] if metric_difference["metric"] == name),
            None,
        )
        if difference is None:
            return (None, None, f"no paired test tells {name} apart; see `compare {leader.name} {runner_up.name}`")
        return difference, difference["verdict"] == "undecided", _format_verdict(leader, runner_up, difference)


def choose_shared_tasks(runs: Sequence[Run], task: str | None = None) -> list[str]:
    """Return the tasks that all runs are about, or only the one that is named; raises UserError if there is none."""
    for run in runs:
        if task is not None and task not in run.tasks:
            raise UserError(f"{run.name} is not about {task!r}; {did_you_mean(task, run.tasks)}")
    shared = [name for name in runs[0].tasks if all(name in run.tasks for run in runs)]
    if not shared:
        raise UserError(
            f"{' and '.join(run.name for run in runs)} have no task in common; compare runs of the same task."
        )
    return [task] if task else shared


def list_planned_tasks() -> list[str]:
    """Return the names of the tasks in params.yaml."""
    return list(map(str, (file_cache.read_workspace_file(PARAMS) or {}).get("tasks") or ()))


def _format_verdict(leader: Experiment, runner_up: Experiment, difference: dict[str, Any]) -> str:
    within = "" if difference["low"] is None else f" ({difference['low']:+.4f} to {difference['high']:+.4f})"
    names = f"{difference['of']} of {leader.name} less that of {runner_up.name}"
    summary = f"{names}: {difference['difference']:+.4f}{within}, paired"
    if difference["verdict"] == "undecided":
        return f"a tie within noise with {runner_up.name}: {summary}"
    return f"{difference['verdict']} than {runner_up.name} beyond noise: {summary}"


def _describe_absence(ranking: Ranking) -> str:
    reasons = {
        "invalidated": list(ranking.invalidated),
        "of too few": [experiment.name for experiment in ranking.too_few],
        "without a record of the rows they were scored on": [experiment.name for experiment in ranking.on_other_rows],
    }
    return "; ".join(f"{len(names)} {why} ({', '.join(names[:3])})" for why, names in reasons.items() if names)
