"""rollback: what stood in a stage before stands there again."""

import argparse
from typing import Any

from core.refusals import Refusal
from experiments import tags
from experiments.promotion import PROD, push, rollback

HELP = "what stood in a stage before stands there again"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", help="the task whose stage is meant, where several have one")
    parser.add_argument("--stage", default=PROD, help=f"{PROD} unless given")
    parser.add_argument("--why", help="kept in the tag's message")


def main(asked: argparse.Namespace) -> Any:
    back, made = rollback(asked.task or _only(asked.stage), asked.stage, asked.why)
    if asked.json:
        return {"rev": back.rev, "experiment": back.experiment, "tags": made}
    name = back.experiment or back.rev[:7]
    return [f"{name} ({back.rev[:7]}) stands in {asked.stage} again.", push(made)]


def _only(stage: str) -> str:
    told = tags.events()
    having = [task for task in tags.tasks(told) if tags.inside(told, task, stage)]
    if len(having) != 1:
        raise Refusal(f"{', '.join(having) or 'no task'} has something in {stage}; say which with --task.")
    return having[0]
