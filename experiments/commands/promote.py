"""promote: an experiment's model into a stage, if every gate lets it pass."""

import argparse
import dataclasses
from typing import Any

from core.refusals import Refusal
from experiments import plain
from experiments.promotion import PROD, Outcome, promote, push

HELP = "an experiment's model into a stage, if every gate lets it pass"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision with metrics and dvc.lock")
    parser.add_argument("--task", help="the task whose model is meant, where it has results of several")
    parser.add_argument("--stage", default=PROD, help=f"where it is to stand; {PROD} unless given")
    parser.add_argument("--version", help="such as v2.0.0; the next minor version unless given")
    parser.add_argument("--claim", action="append", default=[], choices=["break-even"], help="what else it must show")
    parser.add_argument("--dry-run", action="store_true", help="ask the gates and tag nothing")
    parser.add_argument("--force", action="store_true", help="tag it even if gates stop it; needs --why")
    parser.add_argument("--why", help="why the gates are overridden; kept in the tag's message")


def main(asked: argparse.Namespace) -> Any:
    from experiments.records import find  # reads git; the help does without

    if asked.force and not (asked.why or "").strip():
        raise Refusal("--force needs --why: one sentence that whoever reads the tag later will understand.")
    outcome = promote(
        find(asked.name),
        asked.stage,
        asked.why if asked.force else None,
        task=asked.task,
        version=asked.version,
        claims=asked.claim,
        dry=asked.dry_run,
    )
    found = dataclasses.asdict(outcome) if asked.json else _lines(outcome)
    if outcome.stopped and not outcome.forced:
        print(plain.document(found) if asked.json else "\n".join(found))
        raise Refusal(f"{outcome.experiment} is stopped by {', '.join(outcome.stopped)}; nothing was tagged.")
    return found


def _lines(outcome: Outcome) -> list[str]:
    gates = [str(gate) for gate in outcome.gates]
    if outcome.tags:
        forced = f", forced: {outcome.forced}" if outcome.forced else ""
        gates += [
            f"{outcome.experiment} is {outcome.task} {outcome.version} in {outcome.stage}{forced}.",
            push(outcome.tags),
        ]
    return gates
