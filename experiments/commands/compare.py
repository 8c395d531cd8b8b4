"""compare: is the difference of two runs more than noise?"""

import argparse
from typing import Any

from experiments.compare import WORKSPACE, compare

HELP = "two runs on their common rows, paired"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", help="a task of the plan")
    parser.add_argument("one", help=f"an experiment, a git revision, or {WORKSPACE}")
    parser.add_argument("other", help="another")


def main(asked: argparse.Namespace) -> Any:
    found = compare(asked.task, asked.one, asked.other)
    return found if asked.json else found["sentences"]
