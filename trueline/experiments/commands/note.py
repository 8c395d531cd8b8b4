"""note: record what was learned from an experiment, or add tags to it; committed with the ledger."""

import argparse
from typing import Any

from trueline.experiments.ledger import ledger
from trueline.experiments.ledger.append_only_file import LEDGER_FILE
from trueline.experiments.store import git
from trueline.experiments.store.experiments_index import find_experiment

HELP = "record what was learned from an experiment, or tags"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision")
    parser.add_argument("text", nargs="?", default="", help="the conclusion, in one sentence")
    parser.add_argument("--tag", action="append", default=[], help="a tag to add; repeat it for several")


def main(options: argparse.Namespace) -> Any:
    experiment = find_experiment(options.name, allow_stale=True)
    ledger.record_note(experiment, options.text, options.tag, git.read_setting("user.name"))
    if options.json:
        return {"experiment": experiment.name, "rev": experiment.rev, "text": options.text, "tags": options.tag}
    return [f"noted on {experiment.name} ({experiment.rev[:7]}); commit {LEDGER_FILE} to share it"]
