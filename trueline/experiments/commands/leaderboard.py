"""leaderboard: the comparable experiments of each task, best first, and the last commit; --md for a pull request."""

import argparse
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.cli import to_json
from trueline.experiments.cli.swept_columns import build_columns
from trueline.experiments.cli.table_layout import format_markdown_table, format_number, format_table, wrap_text
from trueline.experiments.decisions.ranking import RankingQuery
from trueline.experiments.experiment_registry import BestExperiment, Registry
from trueline.experiments.store.experiment import Experiment
from trueline.experiments.store.metric_definitions import get_metric

HELP = "list the comparable experiments of each task, best first"
MAX_EXPERIMENTS_SHOWN = 20  # per task


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--md", action="store_true", help="print Markdown, for a pull request")
    parser.add_argument("--task", help="only one task of params.yaml")
    parser.add_argument("--metric", help="the metric to rank by; the task's headline metric by default")
    parser.add_argument("--where", metavar="CONDITION", help="only experiments that meet it: 'depth > 4 and r2 > 0.19'")


def main(options: argparse.Namespace) -> Any:
    if options.metric:
        get_metric(options.metric)
    registry = Registry()
    tasks = dict.fromkeys(task for experiment in registry.experiments for task in experiment.scores)
    selected_tasks = [options.task] if options.task else sorted(tasks)
    best_by_task = {task: best for task in selected_tasks if (best := _find_best(registry, task, options)) is not None}
    if not best_by_task:
        raise UserError(
            "no finished experiment can be ranked; `python -m trueline experiments list` shows what there is."
        )
    if options.json:
        return {task: _build_json(registry, best) for task, best in best_by_task.items()}
    lines = [line for best in best_by_task.values() for line in (*_format_board(registry, best, options.md), "")]
    return lines[:-1]


def format_task_board(registry: Registry, task: str) -> list[str]:
    """Return the leaderboard of a task in Markdown; raises UserError if nothing can be ranked."""
    return _format_board(registry, registry.compare_leader(registry.rank_experiments(RankingQuery(task=task))), md=True)


def _find_best(registry: Registry, task: str, options: argparse.Namespace) -> BestExperiment | None:
    try:
        return registry.compare_leader(
            registry.rank_experiments(RankingQuery(options.metric, task, where=options.where))
        )
    except UserError:
        if options.task:
            raise
        return None


def _format_board(registry: Registry, best: BestExperiment, md: bool) -> list[str]:
    ranking, metric = best.ranking, best.ranking.metric
    shown = ranking.ranked[:MAX_EXPERIMENTS_SHOWN]
    baseline = _find_scored_alike(registry, best)
    swept_heads, swept_values = build_columns([*shown, *([baseline] if baseline else [])])
    heads = ("", "experiment", metric.name, metric.count_name, *swept_heads, "status", "type", "hypothesis")
    rows = [
        (
            position,
            experiment.name,
            _format_score(experiment, best),
            _get_count(experiment, best),
            *values,
            experiment.status,
            experiment.type or "",
            experiment.hypothesis or "",
        )
        for position, (experiment, values) in enumerate(zip(shown, swept_values, strict=False), 1)
    ]
    if baseline:
        head_texts = ("committed", "", "what the branch has now")
        score = _format_score(baseline, best)
        rows.append(("", "HEAD", score, _get_count(baseline, best), *swept_values[-1], *head_texts))
    title = f"{ranking.task}, {to_json.format_rows(ranking.scored)}"
    different = to_json.format_different(best.evaluations.distinct, best.evaluations.overlapping)
    deflated_text = "" if best.deflated is None else f": {format_number(best.deflated)} deflated"
    notes = [
        f"{best.experiment.name} is {best.why}." if best.tie is not None else f"{best.why}.",
        f"Evaluated {best.evaluations.total}×, {different}{deflated_text}.",
        *(
            [f"Not comparable, scored on other rows: {_join_names(ranking.on_other_rows)}."]
            if ranking.on_other_rows
            else []
        ),
        *([f"Invalidated: {', '.join(ranking.invalidated)}."] if ranking.invalidated else []),
    ]
    if md:
        return [f"### {title}", "", *format_markdown_table(heads, rows), "", *(f"- {note}" for note in notes)]
    return [title, *format_table(heads, rows), *(line for note in notes for line in wrap_text(note))]


def _find_scored_alike(registry: Registry, best: BestExperiment) -> Experiment | None:
    """Return the last commit, if it was scored on the same rows."""
    ranking, baseline = best.ranking, registry.load_baseline(best.ranking.task)
    return baseline if baseline and baseline.get_rows_hash(ranking.task) == ranking.rows_hash else None


def _format_score(experiment: Experiment, best: BestExperiment) -> str:
    return to_json.format_value(experiment.get_figures(best.ranking.task), best.ranking.metric.name)


def _get_count(experiment: Experiment, best: BestExperiment) -> Any:
    return experiment.scores[best.ranking.task].get(best.ranking.metric.count_name)


def _join_names(experiments: list[Any]) -> str:
    return ", ".join(experiment.name for experiment in experiments)


def _build_json(registry: Registry, best: BestExperiment) -> dict[str, Any]:
    ranking = best.ranking
    return {
        "metric": ranking.metric.name,
        "scored": ranking.scored,
        "ranked": [to_json.describe_experiment(experiment, registry.invalidations) for experiment in ranking.ranked],
        "tie": best.tie,
        "why": best.why,
        "deflated": best.deflated,
        "looks": {
            "all": best.evaluations.total,
            "different": best.evaluations.distinct,
            "overlapping": best.evaluations.overlapping,
        },
        "not_comparable": [experiment.name for experiment in ranking.on_other_rows],
        "invalidated": ranking.invalidated,
    }
