"""archive: an experiment is kept and marked as not to be used."""

import argparse
from typing import Any

from experiments.promotion import archive, push

HELP = "an experiment marked as not to be used"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision")
    parser.add_argument("--task", help="the task whose model is meant, where it has results of several")
    parser.add_argument("--why", help="kept in the tag's message")


def main(asked: argparse.Namespace) -> Any:
    from experiments.records import find  # reads git; the help does without

    made = archive(find(asked.name, stale=True), task=asked.task, why=asked.why)
    return {"tags": made} if asked.json else [f"{asked.name} is archived.", push(made)]
