"""demote: an experiment's model out of the stage that it stands in; nothing stands there afterwards."""

import argparse
from typing import Any

from experiments.promotion import PROD, demote, push

HELP = "an experiment's model out of its stage"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision")
    parser.add_argument("--task", help="the task whose model is meant, where it has results of several")
    parser.add_argument("--stage", default=PROD, help=f"where it stands; {PROD} unless given")
    parser.add_argument("--why", help="kept in the tag's message")


def main(asked: argparse.Namespace) -> Any:
    from experiments.records import find  # reads git; the help does without

    made = demote(find(asked.name, stale=True), asked.stage, task=asked.task, why=asked.why)
    if asked.json:
        return {"tags": made}
    return [f"{asked.name} is out of {asked.stage}.", push(made)]
