"""promote: put an experiment's model into a stage if every gate passes."""

import argparse
import dataclasses
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.cli import to_json
from trueline.experiments.decisions.promotion import (
    PROD,
    PromotionOutcome,
    format_push_hint,
    promote_experiment,
    push_tags,
)

HELP = "put an experiment's model into a stage if every gate passes"

KEEP_HINT = "Keep its outputs: dvc push --all-tags; `dvc gc` deletes them here unless it is given --all-tags."


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="an experiment, or a git revision with metrics and dvc.lock")
    parser.add_argument("--task", help="the task of the model, if the experiment has results of several")
    parser.add_argument("--stage", default=PROD, help=f"the stage to put it into; {PROD} by default")
    parser.add_argument("--version", help="such as v2.0.0; the next minor version by default")
    parser.add_argument(
        "--claim", action="append", default=[], choices=["break-even"], help="a further claim that it must prove"
    )
    parser.add_argument("--accept-doubt", action="store_true", help="let it pass although its scores are doubtful")
    parser.add_argument("--dry-run", action="store_true", help="run the gates and tag nothing")
    parser.add_argument("--push", action="store_true", help="push the new tags to origin, or take them back")
    parser.add_argument("--force", action="store_true", help="promote it even if gates stop it; needs --why")
    parser.add_argument("--why", help="why the gates are overridden; kept in the tag's message")


def main(options: argparse.Namespace) -> Any:
    from trueline.experiments.store.experiments_index import find_experiment, list_experiments  # not needed by --help

    if options.force and not (options.why or "").strip():
        raise UserError("--force needs --why: one sentence that a later reader of the tag will understand.")
    experiments = list_experiments()
    outcome = promote_experiment(
        find_experiment(options.name, experiments),
        options.stage,
        options.why if options.force else None,
        task=options.task,
        version=options.version,
        claims=options.claim,
        accept_doubt=options.accept_doubt,
        dry_run=options.dry_run,
        listed=experiments,
    )
    if options.push and outcome.tags:
        push_tags(outcome.tags)
    result = dataclasses.asdict(outcome) if options.json else _format_outcome(outcome, options.push)
    if outcome.stopped and not outcome.forced:
        print(to_json.format_json(result) if options.json else "\n".join(result))
        raise UserError(f"{outcome.experiment} is stopped by {', '.join(outcome.stopped)}; nothing was tagged.")
    return result


def _format_outcome(outcome: PromotionOutcome, is_pushed: bool) -> list[str]:
    lines = [str(gate) for gate in outcome.gates]
    if outcome.tags:
        forced = f", forced: {outcome.forced}" if outcome.forced else ""
        place = f"{outcome.task} {outcome.version} in {outcome.stage}"
        lines += [f"{outcome.experiment} is {place}{forced}."]
        lines += [KEEP_HINT] if is_pushed else [format_push_hint(outcome.tags), KEEP_HINT]
    return lines
