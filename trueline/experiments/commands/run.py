"""run: run configs as experiments in DVC's queue and watch them; what fails is kept as failed."""

import argparse
import sys
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.cli import INTERRUPTED_EXIT_CODE, to_json
from trueline.experiments.in_place import RESTORED_PATHS, run_in_workspace
from trueline.experiments.ledger import ledger
from trueline.experiments.running.inherited_params import require_own_params
from trueline.experiments.running.launch import (
    Launch,
    build_grid,
    build_launches,
    enqueue_launches,
    parse_assignments,
    wait_for_tasks,
)
from trueline.experiments.running.params_backup import restore_after_kill
from trueline.experiments.running.progress import Progress

HELP = "run experiments from configs or from the command line, in DVC's queue"
CONFIG_KEY_BY_FLAG = {  # option → key of a config
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
    parser.add_argument(
        "configs",
        nargs="*",
        type=Path,
        metavar="CONFIG",
        help="YAML files; without any, the options describe one experiment",
    )
    for flag, key in CONFIG_KEY_BY_FLAG.items():
        parser.add_argument(f"--{flag}", metavar="VALUE", help=f"{key} of the config")
    parser.add_argument(
        "-S",
        dest="sets",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any other key of the config, or a parameter",
    )
    parser.add_argument("--grid", action="append", default=[], metavar="KEY=A,B,C", help="one experiment per value")
    parser.add_argument(
        "--carry", action="store_true", help="allow parameters that params.yaml has beyond the last commit"
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="print the DVC commands and run nothing")
    mode.add_argument("--queue", action="store_true", help="only queue it; `dvc queue start` runs the queue")
    mode.add_argument("--now", action="store_true", help="run one experiment in the workspace")


def main(options: argparse.Namespace) -> Any:
    if restore_after_kill():
        print("experiments: params.yaml was restored; an earlier run was killed while DVC edited it", file=sys.stderr)
    launches = build_launches(options.configs, _collect_changes(options), build_grid(options.grid))
    if not options.carry:
        require_own_params(launches)
    if options.dry_run:
        return [launch.format_command() for launch in launches] + ["dvc queue start"]
    if options.now:
        return _run_in_workspace(launches)
    revs = enqueue_launches(launches)
    if options.queue:
        return [f"{launch.name} is queued; `dvc queue start` runs the queue" for launch in launches]
    return _wait_for_results(revs, options.json)


def _collect_changes(options: argparse.Namespace) -> dict[str, Any]:
    """Return the values that the command line sets: dates parsed as YAML, names and sentences taken literally."""
    texts = {key: getattr(options, flag.replace("-", "_")) for flag, key in CONFIG_KEY_BY_FLAG.items()}
    given_texts = {key: text for key, text in texts.items() if text is not None}
    dates = parse_assignments([f"{key}={text}" for key, text in given_texts.items() if key.endswith("_date")])
    defaults = {} if options.configs else {"type": "walk_forward"}
    return {**defaults, **given_texts, **dates, **parse_assignments(options.sets)}


def _run_in_workspace(launches: list[Launch]) -> list[str]:
    if len(launches) != 1:
        raise UserError(
            f"--now takes one experiment, not {len(launches)}, because each would start from the last one's results; "
            f"leave out --now to queue them."
        )
    try:
        run_in_workspace(launches[0])
    except KeyboardInterrupt:
        print(
            f"experiments: {launches[0].name} was interrupted; {', '.join(RESTORED_PATHS)} were restored.",
            file=sys.stderr,
        )
        sys.exit(INTERRUPTED_EXIT_CODE)
    ledger.update_ledger()
    return [f"{launches[0].name} completed; its results are in the workspace"]


def _wait_for_results(revs: list[str], as_json: bool) -> Any:
    try:
        finished = wait_for_tasks(revs, Progress())
    except KeyboardInterrupt:
        raise UserError("stopped watching, but the queue goes on; `dvc queue kill NAME` ends an experiment.") from None
    ledger.update_ledger()
    failed = [task for task in finished if task.status != "completed"]
    records = [vars(task) for task in finished]
    if failed and as_json:
        print(to_json.format_json(records))
        sys.exit(1)
    if failed:
        failures = "; ".join(f"{task.name}: {task.error}" for task in failed)
        raise UserError(f"{len(failed)} of {len(finished)} failed; {failures}")
    return records if as_json else [f"{task.name}: {task.status}" for task in finished]
