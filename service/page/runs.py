"""Runs: what was tried, with intervals, and how often each test period was looked at."""

from collections.abc import Mapping
from typing import Any

from service.page.drawing import DASH, Html, badge, counted, number, plain, section, spoken, table, tag, within
from service.registry import Experiment, Experiments, Period

HEADS = ("Experiment", "Status", "Task", "Score", "Type", "Created", "Hypothesis or note")
PERIODS = ("Task", "Rows", "Days", "Looked at", "Best", "Deflated")
COUNTS = ("rows", "races", "bets")  # among scores, no figures
SHOWN = 50


def runs(found: Experiments, headlines: Mapping[str, str]) -> Html:
    """Return the experiments as a table; `headlines` names the score that counts for each task."""
    rows = [row for one in found.experiments[:SHOWN] for row in _rows(one, headlines)]
    more = len(found.experiments) - SHOWN + found.left_out
    told = [tag("p", found.reason)] if found.reason else []
    told += [table("The newest experiments, with 95 % intervals", HEADS, rows)] if rows else []
    told += (
        [tag("p", f"{counted(more, 'older one is', 'older ones are')} left out.", class_="soft")] if more > 0 else []
    )
    looks = [_period(one) for one in found.test_periods]
    title = "Test periods, how often they were looked at, and what is left of the best score"
    told += [table(title, PERIODS, looks)] if looks else []
    return section("Experiments", *told, name="experiments")


def _rows(one: Experiment, headlines: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return a row for each task that an experiment is about."""
    void = next(iter(one.invalidated.values()), "")
    note = (void and f"Invalidated: {void}") or one.error or one.hypothesis or ", ".join(one.tags)
    state = badge("failed", "invalidated") if void else badge(one.status)
    return [
        (
            one.name,
            state,
            task,
            _score(one, task, headlines.get(task)),
            one.type or DASH,
            one.created[:10],
            note or DASH,
        )
        for task in one.tasks or [DASH]
    ]


def _score(one: Experiment, task: str, name: str | None) -> str:
    held: dict[str, Any] = {**one.intervals.get(task, {}), **one.scores.get(task, {})}
    if name is None or number(held.get(name)) is None:
        return DASH
    value, low, high = (number(held.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    return f"{spoken(name)} {within(value, low, high) if low is not None else plain(value, 4)}"


def _period(one: Period) -> tuple[str, ...]:
    clock = one.first != one.last
    looks = f"{one.looks}×, {one.different} different"
    best = f"{spoken(one.metric)} {plain(one.best, 4)} ({one.experiment})"
    days = f"{one.first} to {one.last}" if clock else "no clock"
    return one.task, plain(float(one.scored)), days, looks, best, plain(one.deflated, 4)
