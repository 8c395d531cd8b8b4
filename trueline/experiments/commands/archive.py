"""archive: mark an experiment as kept, but not to be used."""

import argparse
from typing import Any

from trueline.experiments.decisions.promotion import archive_experiment, format_push_hint

HELP = "mark an experiment as not to be used"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision")
    parser.add_argument("--task", help="the task of the model, if the experiment has results of several")
    parser.add_argument("--why", help="the reason, kept in the tag's message")


def main(options: argparse.Namespace) -> Any:
    from trueline.experiments.store.experiments_index import find_experiment  # not needed by --help

    new_tags = archive_experiment(find_experiment(options.name, allow_stale=True), task=options.task, why=options.why)
    return {"tags": new_tags} if options.json else [f"{options.name} is archived.", format_push_hint(new_tags)]
