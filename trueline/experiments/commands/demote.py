"""demote: an experiment's model out of the stage that it stands in; nothing stands there afterwards."""

import argparse
from typing import Any

from trueline.experiments.decisions.promotion import PROD, demote_experiment, format_push_hint

HELP = "an experiment's model out of its stage"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision")
    parser.add_argument("--task", help="the task whose model is meant, where it has results of several")
    parser.add_argument("--stage", default=PROD, help=f"where it stands; {PROD} unless given")
    parser.add_argument("--why", help="kept in the tag's message")


def main(options: argparse.Namespace) -> Any:
    from trueline.experiments.store.experiments_index import find_experiment  # reads git; the help does without

    new_tags = demote_experiment(
        find_experiment(options.name, allow_stale=True), options.stage, task=options.task, why=options.why
    )
    if options.json:
        return {"tags": new_tags}
    return [f"{options.name} is out of {options.stage}.", format_push_hint(new_tags)]
