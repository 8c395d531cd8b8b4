"""rollback: what stood in a stage before stands there again."""

import argparse
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.decisions.promotion import PROD, format_push_hint, rollback_stage
from trueline.experiments.store import model_tags

HELP = "what stood in a stage before stands there again"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", help="the task whose stage is meant, where several have one")
    parser.add_argument("--stage", default=PROD, help=f"{PROD} unless given")
    parser.add_argument("--why", help="kept in the tag's message")


def main(options: argparse.Namespace) -> Any:
    restored, new_tags = rollback_stage(options.task or _resolve_only_task(options.stage), options.stage, options.why)
    if options.json:
        return {"rev": restored.rev, "experiment": restored.experiment, "tags": new_tags}
    name = restored.experiment or restored.rev[:7]
    return [f"{name} ({restored.rev[:7]}) stands in {options.stage} again.", format_push_hint(new_tags)]


def _resolve_only_task(stage: str) -> str:
    events = model_tags.read_events()
    assigned_tasks = [
        task for task in model_tags.list_tagged_tasks(events) if model_tags.list_assigned_commits(events, task, stage)
    ]
    if len(assigned_tasks) != 1:
        raise UserError(f"{', '.join(assigned_tasks) or 'no task'} has something in {stage}; say which with --task.")
    return assigned_tasks[0]
