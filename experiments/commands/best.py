"""best: the best experiment on the same test rows, whether it is a tie, and what is left of its score without luck."""

import argparse
from datetime import datetime
from typing import Any

from core.refusals import Refusal
from experiments import layout, plain
from experiments.metrics import METRICS
from experiments.ranking import Ranking
from experiments.registry import Best, Registry

HELP = "the best by a metric, and whether it is a tie"
SHOWN = 10  # rows of the ranking


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--metric", help=f"one of {' '.join(METRICS)}; else the headline of the task")
    parser.add_argument("--task", help="a task of the plan")
    parser.add_argument("--min-n", type=int, default=0, help="fewest bets, races or rows behind a score")
    parser.add_argument("--since", help="only those made since a day (2026-02-01)")
    parser.add_argument("--type", dest="kind", help="only those of a type (experiment.type)")
    parser.add_argument("--tag", help="only those with a tag (experiment.tags)")


def main(asked: argparse.Namespace) -> Any:
    registry = Registry()
    found = registry.best(asked.metric, asked.task, asked.min_n, _day(asked.since), asked.kind, asked.tag)
    if asked.json:
        return _json(found, registry)
    return [
        *(line for said in _sentences(found) for line in layout.wrapped(said)),
        "",
        *_table(found.ranking, registry),
    ]


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"--since {text!r} is not a day; write it as 2026-02-01.") from None


def _sentences(found: Best) -> list[str]:
    ranking = found.ranking
    name, task, metric = found.experiment.name, ranking.task, ranking.metric.name
    luck = f"looked at {found.looks.all}×, {found.looks.different} different"
    left = "no interval to deflate by" if found.deflated is None else f"{layout.number(found.deflated)} deflated"
    return [
        f"{name}: {plain.score(found.experiment.figures(task), metric)} of {layout.number(found.n)} "
        f"{ranking.metric.count}, {task}, {plain.rows(ranking.scored)}",
        found.why,
        f"this test period was {luck}: {left}",
        *_left_out(ranking),
    ]


def _left_out(ranking: Ranking) -> list[str]:
    void = [f"{name} (invalidated: {why})" for name, why in ranking.void.items()]
    elsewhere = [f"{each.name} ({_where(each.scored.get(ranking.task))})" for each in ranking.elsewhere]
    few = [each.name for each in ranking.few]
    parts = {"left out": void, "too few": few, "not comparable, judged on other rows": elsewhere}
    return [f"{said}: {', '.join(names)}" for said, names in parts.items() if names]


def _where(scored: dict[str, Any] | None) -> str:
    return plain.rows(scored) if scored and scored.get("hash") else "rows not recorded"


def _table(ranking: Ranking, registry: Registry) -> list[str]:
    heads = ("experiment", ranking.metric.name, ranking.metric.count, "status", "type", "created", "note")
    rows = [
        (
            each.name,
            plain.value(each.figures(ranking.task), ranking.metric.name),
            each.scores[ranking.task].get(ranking.metric.count),
            each.status,
            each.type or "",
            each.created.date().isoformat(),
            plain.note(each, registry.void),
        )
        for each in ranking.ranked[:SHOWN]
    ]
    more = len(ranking.ranked) - len(rows)
    return layout.table(heads, rows) + ([f"and {more} more"] if more > 0 else [])


def _json(found: Best, registry: Registry) -> dict[str, Any]:
    ranking = found.ranking
    return {
        "task": ranking.task,
        "metric": ranking.metric.name,
        "experiment": plain.experiment(found.experiment, registry.void),
        "value": found.value,
        "interval": found.interval,
        "n": found.n,
        "scored": ranking.scored,
        "looks": {"all": found.looks.all, "different": found.looks.different},
        "deflated": found.deflated,
        "runner_up": found.runner_up.name if found.runner_up else None,
        "paired": found.paired,
        "tie": found.tie,
        "why": found.why,
        "ranked": [each.name for each in ranking.ranked],
        "not_comparable": [each.name for each in ranking.elsewhere],
        "too_few": [each.name for each in ranking.few],
        "invalidated": ranking.void,
    }
