"""demote: take an experiment's model out of the stage in which it is current; the stage is then empty."""

import argparse
from typing import Any

from trueline.experiments.decisions.promotion import PROD, demote_experiment, format_push_hint

HELP = "take an experiment's model out of its stage"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision")
    parser.add_argument("--task", help="the task of the model, if the experiment has results of several")
    parser.add_argument("--stage", default=PROD, help=f"the stage it is in; {PROD} by default")
    parser.add_argument("--why", help="the reason, kept in the tag's message")


def main(options: argparse.Namespace) -> Any:
    from trueline.experiments.store.experiments_index import find_experiment  # not needed by --help

    new_tags = demote_experiment(
        find_experiment(options.name, allow_stale=True), options.stage, task=options.task, why=options.why
    )
    if options.json:
        return {"tags": new_tags}
    return [f"{options.name} is out of {options.stage}.", format_push_hint(new_tags)]
