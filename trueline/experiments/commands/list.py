"""list: every experiment of all baselines, newest first, and how often each test period was evaluated."""

import argparse
from typing import Any

from trueline.experiments.cli import to_json
from trueline.experiments.cli.swept_columns import format_settings, list_settings
from trueline.experiments.cli.table_layout import drop_empty_columns, format_table, truncate_text
from trueline.experiments.experiment_registry import STATUSES, Registry

HELP = "list every experiment, newest first"
WHERE_HELP = "only experiments that meet a condition, such as 'depth > 4 and r2 > 0.19'"
HEADS = ("experiment", "status", "task", "type", "score", "believe", "n", "set", "created", "note")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=STATUSES, help="only experiments with this status")
    parser.add_argument("--task", help="only experiments about a task of params.yaml")
    parser.add_argument("--type", dest="kind", help="only experiments of a type (experiment.type)")
    parser.add_argument("--tag", help="only experiments with a tag (experiment.tags)")
    parser.add_argument("--where", metavar="CONDITION", help=WHERE_HELP)
    parser.add_argument(
        "--open", action="store_true", dest="is_open", help="only finished experiments without a conclusion (`note`)"
    )
    parser.add_argument("--limit", type=int, help="maximum number of experiments")


def main(options: argparse.Namespace) -> Any:
    registry = Registry()
    matching = registry.list(
        options.status, options.task, options.kind, options.tag, options.limit, options.where, options.is_open
    )
    periods = [period for period in registry.list_test_periods() if options.task in (None, period["task"])]
    if options.json:
        return {
            "experiments": [to_json.describe_experiment(experiment, registry.invalidations) for experiment in matching],
            "test_periods": periods,
        }
    if not matching:
        message = "no experiment matches; `python -m trueline experiments run` makes one"
        return [message, *map(to_json.format_test_period, periods)]
    rows = [
        to_json.build_list_row(experiment, registry.invalidations, format_settings(changed))
        for experiment, changed in zip(matching, list_settings(matching), strict=True)
    ]
    return [
        *format_table(*drop_empty_columns(HEADS, rows)),
        "",
        *(truncate_text(to_json.format_test_period(period)) for period in periods),
    ]
