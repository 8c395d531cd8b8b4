"""compare-shadow: compare a champion with its challenger (--shadow of the service) on the same requests."""

import argparse
from pathlib import Path
from typing import Any

from trueline.core.runtime.params import load_seed
from trueline.experiments.cli.table_layout import wrap_text
from trueline.experiments.shadow.shadow_comparison import LOG_FOLDER, compare_answers

HELP = "compare champion and challenger on the requests that both answered"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", help="the task whose answers are compared")
    parser.add_argument(
        "--log",
        type=Path,
        default=Path(LOG_FOLDER),
        help=f"the folder of the service's prediction log; {LOG_FOLDER} by default",
    )
    parser.add_argument("--outcomes", type=Path, help="a prepared table with outcomes; the workspace's by default")


def main(options: argparse.Namespace) -> Any:
    comparison = compare_answers(options.task, options.log, options.outcomes, load_seed())
    if options.json:
        return comparison
    return [line for sentence in comparison["sentences"] for line in wrap_text(sentence)]
