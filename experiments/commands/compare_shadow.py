"""compare-shadow: a champion and its challenger (--shadow of the service) on the very same requests, paired."""

import argparse
from pathlib import Path
from typing import Any

from core.params import seed
from experiments import layout
from experiments.shadow import LOG, compare

HELP = "champion and challenger on the requests that both answered"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", help="whose answers")
    parser.add_argument("--log", type=Path, default=Path(LOG), help=f"the service's prediction log ({LOG})")
    parser.add_argument("--outcomes", type=Path, help="a prepared table that has outcomes; else the workspace's")


def main(asked: argparse.Namespace) -> Any:
    found = compare(asked.task, asked.log, asked.outcomes, seed())
    return found if asked.json else [line for said in found["sentences"] for line in layout.wrapped(said)]
