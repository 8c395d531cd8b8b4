"""list: every experiment of all baselines, newest first, and how often each test period was looked at."""

import argparse
from typing import Any

from trueline.experiments.cli import table_layout, to_json
from trueline.experiments.experiment_registry import STATUSES, Registry

HELP = "every experiment, newest first"
HEADS = ("experiment", "status", "task", "type", "score", "n", "created", "note")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=STATUSES, help="only those that stand so")
    parser.add_argument("--task", help="only those about a task of the plan")
    parser.add_argument("--type", dest="kind", help="only those of a type (experiment.type)")
    parser.add_argument("--tag", help="only those with a tag (experiment.tags)")
    parser.add_argument("--peek", action="store_true", help="leave the ledger as it is")
    parser.add_argument("--limit", type=int, help="at most so many")


def main(options: argparse.Namespace) -> Any:
    registry = Registry(peek=options.peek)
    matching = registry.list(options.status, options.task, options.kind, options.tag, options.limit)
    periods = [each for each in registry.list_test_periods() if options.task in (None, each["task"])]
    if options.json:
        return {
            "experiments": [to_json.describe_experiment(each, registry.invalidations) for each in matching],
            "test_periods": periods,
        }
    if not matching:
        return [
            "no experiment fits; `python -m trueline experiments run` makes one",
            *map(to_json.format_test_period, periods),
        ]
    rows = [to_json.build_list_row(each, registry.invalidations) for each in matching]
    return [
        *table_layout.format_table(HEADS, rows),
        "",
        *(table_layout.truncate_text(to_json.format_test_period(each)) for each in periods),
    ]
