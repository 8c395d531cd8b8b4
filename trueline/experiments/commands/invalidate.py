"""invalidate: say that data were wrong, and every result that was made from them is void."""

import argparse
from typing import Any

from trueline.experiments.cli import table_layout
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.ledger import ledger
from trueline.experiments.store import git

HELP = "say that data were wrong: their descendants are void"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "hash", help="md5 of a dependency or an output in a dvc.lock, or its first eight digits or more"
    )
    parser.add_argument("--why", required=True, help="what was wrong with the data")


def main(options: argparse.Namespace) -> Any:
    invalidated_names = [experiment.name for experiment in Registry().invalidate_data(options.hash, options.why)]
    head_reason = ledger.find_invalidation_reason(git.resolve_commit("HEAD") or "")
    if options.json:
        return {"why": options.why, "invalidated": invalidated_names, "head": head_reason is not None}
    summary = f"{len(invalidated_names)} experiments are void{': ' if invalidated_names else ''}{', '.join(invalidated_names)}"
    branch_note = ["and so is the last commit of this branch"] if head_reason else []
    return [*table_layout.wrap_text(summary), *branch_note, "commit experiments/ledger.jsonl, so that others know"]
