"""history: which version stood in a stage, and when; with --on, which stood there on a day."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from core.refusals import Refusal, suggest
from experiments import tags
from experiments.promotion import PROD
from experiments.registry import planned
from experiments.tags import Event, Period, artifact, word

HELP = "which version stood in a stage, and when"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", help="one task; all unless given")
    parser.add_argument("--stage", default=PROD, help=f"{PROD} unless given")
    parser.add_argument("--on", metavar="DATE", help="a day (UTC), as 2026-02-01, or a moment, as 2026-02-01T18:30")


def main(asked: argparse.Namespace) -> Any:
    tags.readable(asked.stage)
    told = tags.events()
    known = {*tags.tasks(told), *planned()}
    if asked.task and asked.task not in known:
        raise Refusal(f"no task is called {asked.task!r}; {suggest(asked.task, known)}")
    chosen = [asked.task] if asked.task else tags.tasks(told)
    found = [(task, each) for task in chosen for each in tags.periods(told, task, asked.stage)]
    if asked.on:
        first, last = _span(asked.on)
        found = [(task, each) for task, each in found if each.covers(first, last)]
    if asked.json:
        return [_figures(task, asked.stage, each) for task, each in found]
    nothing = f"Nothing stood in {asked.stage}{' on ' + asked.on if asked.on else ''}."
    return [_line(task, asked.stage, each) for task, each in found] or [nothing]


def _span(text: str) -> tuple[datetime, datetime]:
    """Return the day or the moment that a text names, from and before."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"--on got {text!r}; give a day, as 2026-02-01, or a moment, as 2026-02-01T18:30.") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    span = timedelta(days=1) if len(text) == len("2026-02-01") else timedelta(microseconds=1)
    try:
        return at, at + span
    except OverflowError:
        raise Refusal(f"--on got {text!r}, where the calendar ends; give an earlier day, as 2026-02-01.") from None


def _line(task: str, stage: str, each: Period) -> str:
    event = each.event
    until = _moment(each.until) if each.until else "now"
    forced = f", forced: {event.forced}" if event.forced else ""
    name = f"{artifact(task)}@{word(each.version)}"
    return f"{_moment(each.since)} to {until:<16}  {stage}  {name}  {_named(event)}  by {event.by}{forced}"


def _figures(task: str, stage: str, each: Period) -> dict[str, Any]:
    event = each.event
    return {
        "task": task,
        "stage": stage,
        "version": word(each.version),
        "experiment": event.experiment,
        "rev": event.rev,
        "since": each.since.isoformat(),
        "until": each.until.isoformat() if each.until else None,
        "by": event.by,
        "forced": event.forced,
        "tag": event.tag,
    }


def _named(event: Event) -> str:
    return f"{event.experiment} ({event.rev[:7]})" if event.experiment else event.rev[:7]


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")
