"""invalidate: declare data wrong, which makes every result made from them void."""

import argparse
from typing import Any

from trueline.experiments.cli import table_layout
from trueline.experiments.experiment_registry import Registry
from trueline.experiments.ledger import ledger
from trueline.experiments.store import git

HELP = "declare data wrong; results made from them become void"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "hash", help="MD5 of a dependency or an output in a dvc.lock, or at least its first eight digits"
    )
    parser.add_argument("--why", required=True, help="what was wrong with the data")


def main(options: argparse.Namespace) -> Any:
    invalidated_names = [experiment.name for experiment in Registry().invalidate_data(options.hash, options.why)]
    head_reason = ledger.find_invalidation_reason(git.resolve_commit("HEAD") or "")
    if options.json:
        return {"why": options.why, "invalidated": invalidated_names, "head": head_reason is not None}
    names = f": {', '.join(invalidated_names)}" if invalidated_names else ""
    summary = f"{len(invalidated_names)} experiments are void{names}"
    branch_note = ["the last commit of this branch is void too"] if head_reason else []
    return [*table_layout.wrap_text(summary), *branch_note, "commit experiments/ledger.jsonl to tell others"]
