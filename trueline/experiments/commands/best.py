"""best: the best experiment on the same test rows, whether it is a tie, and its score with luck deducted."""

import argparse
from datetime import datetime
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.cli import to_json
from trueline.experiments.cli.swept_columns import build_columns
from trueline.experiments.cli.table_layout import format_number, format_table, wrap_text
from trueline.experiments.decisions.ranking import Ranking
from trueline.experiments.experiment_registry import BestExperiment, Registry
from trueline.experiments.store.metric_definitions import METRICS

HELP = "show the best experiment by a metric, and whether it is a tie"
MAX_ROWS_SHOWN = 10  # of the ranking


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--metric", help=f"one of {' '.join(METRICS)}; by default the task's headline metric")
    parser.add_argument("--task", help="a task of params.yaml")
    parser.add_argument("--min-n", type=int, default=0, help="minimum number of bets, races or rows behind a score")
    parser.add_argument("--since", help="only experiments made since a day, such as 2026-02-01")
    parser.add_argument("--type", dest="kind", help="only experiments of a type (experiment.type)")
    parser.add_argument("--tag", help="only experiments with a tag (experiment.tags)")
    parser.add_argument("--where", metavar="CONDITION", help="only experiments that meet it: 'depth > 4 and r2 > 0.19'")


def main(options: argparse.Namespace) -> Any:
    registry = Registry()
    since = _parse_day(options.since)
    best = registry.best(options.metric, options.task, options.min_n, since, options.kind, options.tag, options.where)
    if options.json:
        return _build_json(best, registry)
    sentences = (line for sentence in _describe_best(best) for line in wrap_text(sentence))
    return [*sentences, "", *_format_ranking(best.ranking, registry)]


def _parse_day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--since {text!r} is not a date; write it like 2026-02-01.") from None


def _describe_best(best: BestExperiment) -> list[str]:
    ranking = best.ranking
    name, task, metric = best.experiment.name, ranking.task, ranking.metric.name
    different = to_json.format_different(best.evaluations.distinct, best.evaluations.overlapping)
    evaluation_text = f"evaluated {best.evaluations.total}×, {different}"
    deflated_text = "no interval to deflate by" if best.deflated is None else f"{format_number(best.deflated)} deflated"
    return [
        f"{name}: {to_json.format_score(best.experiment.get_figures(task), metric)} "
        f"of {format_number(best.n)} {ranking.metric.count_name}, {task}, "
        f"{to_json.format_rows(ranking.scored)}",
        best.why,
        *([best.committed] if best.committed else []),
        f"this test period was {evaluation_text}: {deflated_text}",
        *_describe_left_out(ranking),
    ]


def _describe_left_out(ranking: Ranking) -> list[str]:
    invalidated = [f"{name} (invalidated: {why})" for name, why in ranking.invalidated.items()]
    on_other_rows = [
        f"{experiment.name} ({_format_rows(experiment.scored.get(ranking.task))})"
        for experiment in ranking.on_other_rows
    ]
    too_few = [experiment.name for experiment in ranking.too_few]
    names_by_reason = {
        "left out": invalidated,
        "too few": too_few,
        "not comparable, scored on other rows": on_other_rows,
    }
    return [f"{reason}: {', '.join(names)}" for reason, names in names_by_reason.items() if names]


def _format_rows(scored: dict[str, Any] | None) -> str:
    return to_json.format_rows(scored) if scored and scored.get("hash") else "rows not recorded"


def _format_ranking(ranking: Ranking, registry: Registry) -> list[str]:
    shown = ranking.ranked[:MAX_ROWS_SHOWN]
    swept_heads, swept_values = build_columns(shown)
    scores = ("experiment", ranking.metric.name, ranking.metric.count_name)
    heads = (*scores, *swept_heads, "status", "type", "created", "note")
    rows = [
        (
            experiment.name,
            to_json.format_value(experiment.get_figures(ranking.task), ranking.metric.name),
            experiment.scores[ranking.task].get(ranking.metric.count_name),
            *values,
            experiment.status,
            experiment.type or "",
            experiment.created.date().isoformat(),
            to_json.format_note(experiment, registry.invalidations),
        )
        for experiment, values in zip(shown, swept_values, strict=True)
    ]
    more = len(ranking.ranked) - len(rows)
    return format_table(heads, rows) + ([f"and {more} more"] if more > 0 else [])


def _build_json(best: BestExperiment, registry: Registry) -> dict[str, Any]:
    ranking = best.ranking
    return {
        "task": ranking.task,
        "metric": ranking.metric.name,
        "experiment": to_json.describe_experiment(best.experiment, registry.invalidations),
        "value": best.value,
        "interval": best.interval,
        "n": best.n,
        "scored": ranking.scored,
        "looks": {
            "all": best.evaluations.total,
            "different": best.evaluations.distinct,
            "overlapping": best.evaluations.overlapping,
        },
        "deflated": best.deflated,
        "runner_up": best.runner_up.name if best.runner_up else None,
        "paired": best.paired,
        "tie": best.tie,
        "why": best.why,
        "committed": best.committed,
        "ranked": [experiment.name for experiment in ranking.ranked],
        "not_comparable": [experiment.name for experiment in ranking.on_other_rows],
        "too_few": [experiment.name for experiment in ranking.too_few],
        "invalidated": ranking.invalidated,
    }
