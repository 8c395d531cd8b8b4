"""Experiments section: the experiments with their intervals, and how often each test period was evaluated."""

from collections.abc import Mapping
from typing import Any

from trueline.core.charts.html import Html, html_tag, render_section, render_table
from trueline.core.charts.number_format import (
    DASH,
    format_count,
    format_interval,
    format_name,
    format_number,
    parse_number,
)
from trueline.service.artifacts.experiments_client import Experiment, Experiments, Period
from trueline.service.page.badges import render_badge

EXPERIMENT_HEADS = ("Experiment", "Status", "Task", "Score", "Type", "Created", "Hypothesis or note")
PERIOD_HEADS = ("Task", "Rows", "Days", "Evaluated", "Best", "Deflated")

MAX_EXPERIMENTS_SHOWN = 50


def render_experiments(experiments: Experiments, headlines: Mapping[str, str]) -> Html:
    """Return the experiments as a table; `headlines` names the score that counts for each task."""
    rows = [row for entry in experiments.experiments[:MAX_EXPERIMENTS_SHOWN] for row in _build_rows(entry, headlines)]
    hidden_count = len(experiments.experiments) - MAX_EXPERIMENTS_SHOWN + experiments.left_out
    content = [html_tag("p", experiments.reason)] if experiments.reason else []
    content += (
        [render_table("The newest experiments, with 95 % intervals", EXPERIMENT_HEADS, rows, True)] if rows else []
    )
    content += (
        [html_tag("p", f"{format_count(hidden_count, 'older one is', 'older ones are')} left out.", class_="soft")]
        if hidden_count > 0
        else []
    )
    period_rows = [_build_period_row(entry) for entry in experiments.test_periods]
    title = "Test periods, how often they were evaluated, and the best score corrected for that"
    content += [render_table(title, PERIOD_HEADS, period_rows, True)] if period_rows else []
    return render_section("Experiments", *content, name="experiments")


def _build_rows(experiment: Experiment, headlines: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return a row for each of an experiment's tasks."""
    invalidation = next(iter(experiment.invalidated.values()), "")
    note = (
        (invalidation and f"Invalidated: {invalidation}")
        or experiment.error
        or experiment.hypothesis
        or ", ".join(experiment.tags)
    )
    state = render_badge("failed", "invalidated") if invalidation else render_badge(experiment.status)
    return [
        (
            experiment.name,
            state,
            task,
            _format_score(experiment, task, headlines.get(task)),
            experiment.type or DASH,
            experiment.created[:10],
            note or DASH,
        )
        for task in experiment.tasks or [DASH]
    ]


def _format_score(experiment: Experiment, task: str, name: str | None) -> str:
    scores: dict[str, Any] = {**experiment.intervals.get(task, {}), **experiment.scores.get(task, {})}
    if name is None or parse_number(scores.get(name)) is None:
        return DASH
    value, low, high = (parse_number(scores.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    return f"{format_name(name)} {format_interval(value, low, high) if low is not None else format_number(value, 4)}"


def _build_period_row(period: Period) -> tuple[str, ...]:
    has_clock = period.first != period.last
    evaluations = f"{period.looks}×, {period.different} different"
    best = f"{format_name(period.metric)} {format_number(period.best, 4)} ({period.experiment})"
    days = f"{period.first} to {period.last}" if has_clock else "no clock"
    return period.task, format_number(float(period.scored)), days, evaluations, best, format_number(period.deflated, 4)
