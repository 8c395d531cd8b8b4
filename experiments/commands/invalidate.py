"""invalidate: say that data were wrong, and every result that was made from them is void."""

import argparse
from typing import Any

from experiments import layout, ledger, repository
from experiments.registry import Registry

HELP = "say that data were wrong: their descendants are void"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "hash", help="md5 of a dependency or an output in a dvc.lock, or its first eight digits or more"
    )
    parser.add_argument("--why", required=True, help="what was wrong with the data")


def main(asked: argparse.Namespace) -> Any:
    marked = [each.name for each in Registry().invalidate(asked.hash, asked.why)]
    head = ledger.invalidated(repository.commit("HEAD") or "")
    if asked.json:
        return {"why": asked.why, "invalidated": marked, "head": head is not None}
    said = f"{len(marked)} experiments are void{': ' if marked else ''}{', '.join(marked)}"
    branch = ["and so is the last commit of this branch"] if head else []
    return [*layout.wrapped(said), *branch, "commit experiments/ledger.jsonl, so that others know"]
