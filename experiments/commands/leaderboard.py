"""leaderboard: the comparable experiments of each task, best first, beside the last commit; --md for a pull request."""

import argparse
from typing import Any

from core.refusals import Refusal
from experiments import layout, plain
from experiments.experiment import Experiment
from experiments.metrics import metric
from experiments.ranking import Asked
from experiments.registry import Best, Registry

HELP = "the comparable experiments of each task, best first"
SHOWN = 20  # experiments of a task


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--md", action="store_true", help="as Markdown, for a pull request")
    parser.add_argument("--task", help="only one task of the plan")
    parser.add_argument("--metric", help="by another metric than the headline of the task")


def main(asked: argparse.Namespace) -> Any:
    if asked.metric:
        metric(asked.metric)
    registry = Registry()
    tasks = dict.fromkeys(task for each in registry.experiments for task in each.scores)
    wanted = [asked.task] if asked.task else sorted(tasks)
    boards = {task: board for task in wanted if (board := _board(registry, task, asked)) is not None}
    if not boards:
        raise Refusal("no finished experiment can be ranked; `python -m experiments list` shows what there is.")
    if asked.json:
        return {task: _json(registry, board) for task, board in boards.items()}
    lines = [line for board in boards.values() for line in (*_page(registry, board, asked.md), "")]
    return lines[:-1]


def _board(registry: Registry, task: str, asked: argparse.Namespace) -> Best | None:
    try:
        return registry.head(registry.rank(Asked(asked.metric, task)))
    except Refusal:
        if asked.task:
            raise
        return None


def _page(registry: Registry, board: Best, md: bool) -> list[str]:
    ranking, by = board.ranking, board.ranking.metric
    heads = ("", "experiment", by.name, by.count, "status", "type", "hypothesis")
    rows = [
        (
            place,
            each.name,
            _score(each, board),
            _count(each, board),
            each.status,
            each.type or "",
            each.hypothesis or "",
        )
        for place, each in enumerate(ranking.ranked[:SHOWN], 1)
    ]
    rows += _head(registry, board)
    title = f"{ranking.task}, {plain.rows(ranking.scored)}"
    left = "" if board.deflated is None else f": {layout.number(board.deflated)} deflated"
    notes = [
        f"{board.experiment.name} is {board.why}." if board.tie is not None else f"{board.why}.",
        f"Looked at {board.looks.all}×, {board.looks.different} different{left}.",
        *([f"Not comparable, judged on other rows: {_names(ranking.elsewhere)}."] if ranking.elsewhere else []),
        *([f"Invalidated: {', '.join(ranking.void)}."] if ranking.void else []),
    ]
    if md:
        return [f"### {title}", "", *layout.markdown(heads, rows), "", *(f"- {note}" for note in notes)]
    return [title, *layout.table(heads, rows), *(line for note in notes for line in layout.wrapped(note))]


def _head(registry: Registry, board: Best) -> list[tuple[Any, ...]]:
    """Return the last commit as a row, if it was judged on the same rows."""
    ranking, base = board.ranking, registry.baseline(board.ranking.task)
    if base is None or base.rows(ranking.task) != ranking.rows:
        return []
    return [("", "HEAD", _score(base, board), _count(base, board), "committed", "", "what the branch has now")]


def _score(each: Experiment, board: Best) -> str:
    return plain.value(each.figures(board.ranking.task), board.ranking.metric.name)


def _count(each: Experiment, board: Best) -> Any:
    return each.scores[board.ranking.task].get(board.ranking.metric.count)


def _names(experiments: list[Any]) -> str:
    return ", ".join(each.name for each in experiments)


def _json(registry: Registry, board: Best) -> dict[str, Any]:
    ranking = board.ranking
    return {
        "metric": ranking.metric.name,
        "scored": ranking.scored,
        "ranked": [plain.experiment(each, registry.void) for each in ranking.ranked],
        "tie": board.tie,
        "why": board.why,
        "deflated": board.deflated,
        "looks": {"all": board.looks.all, "different": board.looks.different},
        "not_comparable": [each.name for each in ranking.elsewhere],
        "invalidated": ranking.void,
    }
