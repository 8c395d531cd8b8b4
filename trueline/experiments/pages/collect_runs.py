"""Collect what a page shows: of runs that were named, or of all experiments that can be ranked."""

from collections.abc import Iterator, Sequence

from trueline.core.errors import UserError
from trueline.experiments.cli import to_json
from trueline.experiments.decisions import run_comparison
from trueline.experiments.decisions.ranking import Ranking, RankingQuery
from trueline.experiments.experiment_registry import Registry, choose_shared_tasks
from trueline.experiments.ledger import ledger
from trueline.experiments.pages.run_files import read_calibration_cells, read_run_curves
from trueline.experiments.pages.task_runs import PageRun, PairedResult, TaskRuns
from trueline.experiments.store import dvc_lock
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.metric_definitions import find_headline_metric
from trueline.experiments.store.run_tables import PREDICTIONS_PATH, Run, build_run, load_run

MAX_COMPARED = 6  # runs whose curves and paired differences a page of all experiments shows
MAX_SEARCHED = 50  # of the ranking, for runs with other predictions than the first


def collect_named_runs(
    registry: Registry, names: Sequence[str], task: str | None = None, common: bool = False
) -> list[TaskRuns]:
    """Return what runs scored on each task that all are about, the first of them compared with each of the others.

    Runs that cannot be compared, such as those of other rows, are shown with the reason. Raises UserError for a run
    that does not exist or has no result, and for runs without a task in common.
    """
    runs = [load_run(name, registry.experiments) for name in dict.fromkeys(names)]
    return [_collect_task(registry, shared_task, runs, common) for shared_task in choose_shared_tasks(runs, task)]


def collect_ranked_runs(registry: Registry, query: RankingQuery) -> TaskRuns:
    """Return the experiments of a task that can be ranked, best first, the best compared with the next different ones.

    What is committed is shown too, if it was scored on the same rows. Nothing is fetched from a remote. Raises
    UserError if no experiment can be ranked.
    """
    ranking = registry.rank_experiments(query)
    best, task = registry.compare_leader(ranking), ranking.task
    committed = registry.load_baseline(task)
    is_same_test = committed is not None and committed.get_rows_hash(task) == ranking.rows_hash
    shown_runs = [_describe_experiment(experiment, experiment.name, task) for experiment in ranking.ranked]
    if committed and is_same_test:
        shown_runs.append(_describe_experiment(committed, f"HEAD ({committed.rev[:7]})", task))
    compared = _list_different(ranking)
    if committed and is_same_test and committed.rev not in {experiment.rev for experiment in ranking.ranked}:
        compared.append(build_run(committed, f"HEAD ({committed.rev[:7]})"))
    left_out = [experiment.name for experiment in ranking.on_other_rows]
    periods = [period for period in registry.list_test_periods() if period["rows"] == ranking.rows_hash]
    return TaskRuns(
        task,
        ranking.metric,
        [
            f"{best.experiment.name}: {best.why}." if best.tie is None else f"{best.experiment.name} is {best.why}.",
            *(f"{to_json.format_test_period(period)}." for period in periods if period["task"] == task),
            *([f"Not comparable, scored on other rows: {', '.join(left_out)}."] if left_out else []),
            *([f"Invalidated: {', '.join(ranking.invalidated)}."] if ranking.invalidated else []),
        ],
        shown_runs,
        list(_iterate_paired_results(task, compared, common=False, fetch=False)),
        ledger.list_evaluations_of_test_set(task, ranking.rows_hash, registry.ledger_lines),
        {run.name: read_run_curves(run, task) for run in compared},
    )


def _collect_task(registry: Registry, task: str, runs: Sequence[Run], common: bool) -> TaskRuns:
    figures = runs[0].get_figures(task)
    metric = find_headline_metric(figures)
    if metric is None:
        raise UserError(f"{runs[0].name} has no score of {task}; run it up to evaluate, or name another run first.")
    first_experiment = runs[0].experiment
    rows_hash = first_experiment.get_rows_hash(task) if first_experiment else None
    other_names = ", ".join(run.name for run in runs[1:])
    return TaskRuns(
        task,
        metric,
        [f"{runs[0].name} is compared with {other_names}, on the rows that it was scored on."],
        [_describe_run(run, task) for run in runs],
        list(_iterate_paired_results(task, runs, common, fetch=True)),
        ledger.list_evaluations_of_test_set(task, rows_hash, registry.ledger_lines) if rows_hash else (),
        {run.name: read_run_curves(run, task) for run in runs},
        {run.name: read_calibration_cells(run, task) for run in runs},
    )


def _describe_run(run: Run, task: str) -> PageRun:
    if run.experiment:
        return _describe_experiment(run.experiment, run.name, task)
    return PageRun(run.name, run.params, run.get_figures(task), run.get_believability(task))


def _describe_experiment(experiment: Experiment, name: str, task: str) -> PageRun:
    note = experiment.conclusion or experiment.hypothesis or ""
    figures, believable = experiment.get_figures(task), experiment.get_believability(task)[0]
    return PageRun(name, experiment.params, figures, believable, note)


def _iterate_paired_results(task: str, runs: Sequence[Run], common: bool, fetch: bool) -> Iterator[PairedResult]:
    for other_run in runs[1:]:
        try:
            comparison = run_comparison.compare_runs(task, runs[0], other_run, common, fetch)
        except UserError as error:
            yield PairedResult(other_run.name, problem=str(error))
        else:
            yield PairedResult(other_run.name, comparison["metrics"])


def _list_different(ranking: Ranking) -> list[Run]:
    """Return the best experiments whose predictions differ from one another, the best first."""
    searched = ranking.ranked[:MAX_SEARCHED]
    locks = dvc_lock.read_locks(experiment.rev for experiment in searched)
    runs = [Run(experiment.name, experiment, experiment.params, locks[experiment.rev]) for experiment in searched]
    path = PREDICTIONS_PATH.format(task=ranking.task)
    by_predictions = {dvc_lock.get_output_hashes(run.lock).get(path): run for run in reversed(runs)}
    return sorted(by_predictions.values(), key=runs.index)[:MAX_COMPARED]
