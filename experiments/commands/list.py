"""list: every experiment of all baselines, newest first, and how often each test period was looked at."""

import argparse
from typing import Any

from experiments import layout, plain
from experiments.registry import STATES, Registry

HELP = "every experiment, newest first"
HEADS = ("experiment", "status", "task", "type", "score", "n", "created", "note")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=STATES, help="only those that stand so")
    parser.add_argument("--task", help="only those about a task of the plan")
    parser.add_argument("--type", dest="kind", help="only those of a type (experiment.type)")
    parser.add_argument("--tag", help="only those with a tag (experiment.tags)")
    parser.add_argument("--peek", action="store_true", help="leave the ledger as it is")
    parser.add_argument("--limit", type=int, help="at most so many")


def main(asked: argparse.Namespace) -> Any:
    registry = Registry(peek=asked.peek)
    found = registry.list(asked.status, asked.task, asked.kind, asked.tag, asked.limit)
    periods = [each for each in registry.periods() if asked.task in (None, each["task"])]
    if asked.json:
        return {"experiments": [plain.experiment(each, registry.void) for each in found], "test_periods": periods}
    if not found:
        return ["no experiment fits; `python -m experiments run` makes one", *map(plain.period, periods)]
    rows = [plain.row(each, registry.void) for each in found]
    return [*layout.table(HEADS, rows), "", *(layout.cut(plain.period(each)) for each in periods)]
