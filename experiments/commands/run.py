"""run: configs become experiments of DVC's queue, worked off while you watch; what fails is kept as failed."""

import argparse
import sys
from pathlib import Path
from typing import Any

from core.refusals import Refusal
from experiments import ledger, plain
from experiments.in_place import WRITTEN, now
from experiments.progress import Progress
from experiments.run import Launch, assigned, enqueue, finish, grid, launches

HELP = "experiments from configs or from the command line, through DVC's queue"
INTERRUPTED = 130  # the code of what Ctrl-C ended: 128 and the number of the signal
FLAGS = {  # option → key of a config
    "task": "task",
    "name": "name",
    "hypothesis": "hypothesis",
    "type": "type",
    "train-start": "training.start_date",
    "train-end": "training.end_date",
    "eval-start": "evaluation.start_date",
    "eval-end": "evaluation.end_date",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("configs", nargs="*", type=Path, metavar="CONFIG", help="YAML files; without one, the options")
    for flag, key in FLAGS.items():
        parser.add_argument(f"--{flag}", metavar="VALUE", help=f"{key} of the config")
    parser.add_argument(
        "-S", dest="sets", action="append", default=[], metavar="KEY=VALUE", help="any other key or knob"
    )
    parser.add_argument("--grid", action="append", default=[], metavar="KEY=A,B,C", help="one experiment a value")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="print the commands of DVC and run nothing")
    how.add_argument("--queue", action="store_true", help="leave it in the queue; `dvc queue start` works it off")
    how.add_argument("--now", action="store_true", help="one experiment, in the workspace")


def main(asked: argparse.Namespace) -> Any:
    wanted = launches(asked.configs, _changes(asked), grid(asked.grid))
    if asked.dry_run:
        return [launch.line() for launch in wanted] + ["dvc queue start"]
    if asked.now:
        return _now(wanted)
    revs = enqueue(wanted)
    if asked.queue:
        return [f"{launch.name} waits; `dvc queue start` works the queue off" for launch in wanted]
    return _watched(revs, asked.json)


def _changes(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what the command line sets: dates read as YAML reads them, names and sentences as they stand."""
    texts = {key: getattr(asked, flag.replace("-", "_")) for flag, key in FLAGS.items()}
    given = {key: text for key, text in texts.items() if text is not None}
    dates = assigned([f"{key}={text}" for key, text in given.items() if key.endswith("_date")])
    usual = {} if asked.configs else {"type": "walk_forward"}
    return {**usual, **given, **dates, **assigned(asked.sets)}


def _now(wanted: list[Launch]) -> list[str]:
    if len(wanted) != 1:
        raise Refusal(f"--now takes one experiment, not {len(wanted)}: each would start from what the last one left.")
    try:
        now(wanted[0])
    except KeyboardInterrupt:
        print(f"experiments: {wanted[0].name} was interrupted; {', '.join(WRITTEN)} are as they were.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    ledger.sync()
    return [f"{wanted[0].name} completed; it stands in the workspace"]


def _watched(revs: list[str], as_json: bool) -> Any:
    try:
        done = finish(revs, Progress())
    except KeyboardInterrupt:
        raise Refusal("no longer watched, but the queue goes on; `dvc queue kill NAME` ends an experiment.") from None
    ledger.sync()
    failed = [task for task in done if task.status != "completed"]
    found = [vars(task) for task in done]
    if failed and as_json:
        print(plain.document(found))
        sys.exit(1)
    if failed:
        each = "; ".join(f"{task.name}: {task.error}" for task in failed)
        raise Refusal(f"{len(failed)} of {len(done)} failed; {each}")
    return found if as_json else [f"{task.name}: {task.status}" for task in done]
