"""review: what a pull request changes, as a comment for its page; the exit code is 1 if a required gate stops it."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from trueline.core.errors import UserError
from trueline.experiments.cli.table_layout import format_markdown_table, format_number

if TYPE_CHECKING:
    from trueline.experiments.experiment_registry import Registry
    from trueline.experiments.pull_request import TaskReview

HELP = "show what a pull request changes, as a comment for its page"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("base", help="the commit that the request is to be merged into, such as origin/main")
    parser.add_argument("head", nargs="?", default="HEAD", help="the last commit of the request; HEAD by default")
    parser.add_argument(
        "--require", nargs="+", default=[], metavar="GATE", help="gates that must pass, such as leaks 'score audit'"
    )


def main(options: argparse.Namespace) -> Any:
    # imports DVC and pandas, which --help does not need
    from trueline.experiments.cli import to_json
    from trueline.experiments.experiment_registry import Registry
    from trueline.experiments.pull_request import compare_commits, require_gate_names

    require_gate_names(options.require)
    registry = Registry()
    reviews = compare_commits(registry, options.base, options.head)
    records = [dataclasses.asdict(review) | {"head": review.head.rev} for review in reviews]
    lines = _format_reviews(registry, reviews, options.base)
    failures = [_describe_failure(review, options.require) for review in reviews]
    if any(failures):
        print(to_json.format_json(records) if options.json else "\n".join(lines))
        raise UserError(f"{'; '.join(filter(None, failures))}.")
    return records if options.json else lines


def _describe_failure(review: "TaskReview", required: list[str]) -> str:
    stopping = review.list_stopping(required)
    if review.problem:
        return f"{review.task} has no results of its own ({review.problem})"
    return f"{review.task} is stopped by {', '.join(stopping)}" if stopping else ""


def _format_reviews(registry: "Registry", reviews: list["TaskReview"], base: str) -> list[str]:
    if not reviews:
        return [f"No task has other results than {base}."]
    return [line for review in reviews for line in _format_review(registry, review, base)]


def _format_review(registry: "Registry", review: "TaskReview", base: str) -> list[str]:
    title = [f"### {review.task}, against {base}", ""]
    if review.problem or review.looks is None:
        return [*title, f"No results of its own: {review.problem}", ""]
    answer, reasons = review.head.get_believability(review.task)
    gates = format_markdown_table(
        ("gate", "answer", ""),
        [(gate.name, "passed" if gate.passed else "**stopped**", gate.sentence) for gate in review.gates],
    )
    looks = f"{review.looks.distinct:,} different, {review.looks.overlapping:,} with overlapping periods"
    return [
        *title,
        f"- believable: **{answer}**",
        *(f"  - {reason}" for reason in reasons),
        f"- looks: its test rows were evaluated {review.looks.total}×, {looks}",
        *_format_comparison(review),
        "",
        *gates,
        "",
        *_format_leaderboard(registry, review.task),
    ]


def _format_comparison(review: "TaskReview") -> list[str]:
    if review.comparison is None:
        return [f"- paired verdict: none, {review.no_comparison}"]
    sentences = [f"- paired verdict: {sentence}" for sentence in review.comparison["sentences"]]
    heads = ("metric", "before", "now", "difference, paired", "verdict")
    rows = [
        (
            metric["of"],
            *map(format_number, reversed(metric["values"])),
            f"{metric['difference']:+.4f}"
            + ("" if metric["low"] is None else f" ({metric['low']:+.4f} to {metric['high']:+.4f})"),
            metric["verdict"],
        )
        for metric in review.comparison["metrics"]
    ]
    return [*sentences, "", *format_markdown_table(heads, rows)]


def _format_leaderboard(registry: "Registry", task: str) -> list[str]:
    from trueline.experiments.commands.leaderboard import format_task_board

    try:
        return [*format_task_board(registry, task), ""]
    except UserError as error:
        return [f"Leaderboard: {error}", ""]
