"""rollback: restore the previous model of a stage."""

import argparse
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.decisions.promotion import PROD, format_push_hint, push_tags, rollback_stage
from trueline.experiments.store.workspace_tags import list_assigned_commits, list_tagged_tasks, read_events

HELP = "restore the previous model of a stage"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", help="the task, if several have a model in the stage")
    parser.add_argument("--stage", default=PROD, help=f"the stage; {PROD} by default")
    parser.add_argument("--why", help="the reason, kept in the tag's message")
    parser.add_argument("--push", action="store_true", help="push the new tags to origin, or take them back")


def main(options: argparse.Namespace) -> Any:
    restored, new_tags = rollback_stage(options.task or _resolve_only_task(options.stage), options.stage, options.why)
    if options.push:
        push_tags(new_tags)
    if options.json:
        return {"rev": restored.rev, "experiment": restored.experiment, "tags": new_tags}
    name = restored.experiment or restored.rev[:7]
    return [f"{name} ({restored.rev[:7]}) is in {options.stage} again."] + (
        [] if options.push else [format_push_hint(new_tags)]
    )


def _resolve_only_task(stage: str) -> str:
    events = read_events()
    assigned_tasks = [task for task in list_tagged_tasks(events) if list_assigned_commits(events, task, stage)]
    if len(assigned_tasks) != 1:
        tasks = ", ".join(assigned_tasks) or "none"
        raise UserError(f"give --task, the task to roll back; tasks with a model in {stage}: {tasks}.")
    return assigned_tasks[0]
