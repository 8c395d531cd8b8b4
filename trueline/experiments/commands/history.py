"""history: which version was current in a stage, and when; with --on, which was current on a day."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from trueline.core.errors import UserError, did_you_mean
from trueline.core.model_tags import Tag
from trueline.experiments.decisions.promotion import PROD
from trueline.experiments.experiment_registry import list_planned_tasks
from trueline.experiments.store import workspace_tags
from trueline.experiments.store.workspace_tags import StagePeriod, format_version, get_artifact_name

HELP = "show which version was in a stage, and when"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", help="one task; all by default")
    parser.add_argument("--stage", default=PROD, help=f"the stage; {PROD} by default")
    parser.add_argument(
        "--on", metavar="DATE", help="a day (UTC) such as 2026-02-01, or a moment such as 2026-02-01T18:30"
    )


def main(options: argparse.Namespace) -> Any:
    workspace_tags.require_stage_name(options.stage)
    events = workspace_tags.read_events()
    known_tasks = {*workspace_tags.list_tagged_tasks(events), *list_planned_tasks()}
    if options.task and options.task not in known_tasks:
        raise UserError(f"there is no task {options.task!r}; {did_you_mean(options.task, known_tasks)}")
    selected_tasks = [options.task] if options.task else workspace_tags.list_tagged_tasks(events)
    periods_by_task = {task: workspace_tags.list_stage_periods(events, task, options.stage) for task in selected_tasks}
    task_periods = [(task, period) for task, periods in periods_by_task.items() for period in periods]
    if options.on:
        start, end = _parse_span(options.on)
        task_periods = [(task, period) for task, period in task_periods if period.overlaps_span(start, end)]
    if options.json:
        return [_build_json(task, options.stage, period) for task, period in task_periods]
    empty_message = f"Nothing was in {options.stage}{' on ' + options.on if options.on else ''}."
    return [_format_period(task, options.stage, period) for task, period in task_periods] or [empty_message]


def _parse_span(text: str) -> tuple[datetime, datetime]:
    """Return the start and the end (excluded) of the day or moment that a text names.

    Raises UserError for text that is neither.
    """
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"--on got {text!r}; give a day such as 2026-02-01, or a moment such as 2026-02-01T18:30."
        ) from None
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    length = timedelta(days=1) if len(text) == len("2026-02-01") else timedelta(microseconds=1)
    try:
        return start, start + length
    except OverflowError:
        raise UserError(
            f"--on got {text!r}, where the calendar ends; give an earlier day such as 2026-02-01."
        ) from None


def _format_period(task: str, stage: str, period: StagePeriod) -> str:
    event = period.event
    until = _format_time(period.until) if period.until else "now"
    forced = f", forced: {event.forced}" if event.forced else ""
    name = f"{get_artifact_name(task)}@{format_version(period.version)}"
    span = f"{_format_time(period.since)} to {until:<16}"
    return f"{span}  {stage}  {name}  {_format_experiment(event)}  by {event.tagger}{forced}"


def _build_json(task: str, stage: str, period: StagePeriod) -> dict[str, Any]:
    event = period.event
    return {
        "task": task,
        "stage": stage,
        "version": format_version(period.version),
        "experiment": event.experiment,
        "rev": event.rev,
        "since": period.since.isoformat(),
        "until": period.until.isoformat() if period.until else None,
        "by": event.tagger,
        "forced": event.forced,
        "tag": event.name,
    }


def _format_experiment(event: Tag) -> str:
    return f"{event.experiment} ({event.rev[:7]})" if event.experiment else event.rev[:7]


def _format_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
