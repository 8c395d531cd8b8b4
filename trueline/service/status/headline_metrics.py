"""Headline metrics: the figures that people ask for, read from a report as its scorer describes it."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from trueline.core.scorer_description import (
    ReportFigure,
    ScorerDescription,
    get_path,
    list_scorers,
    load_description,
    parse_finite,
)
from trueline.service.request_fields import ResponseModel
from trueline.service.status.stage_outputs import TaskOutputs


class Interval(ResponseModel):
    """An estimate with its 95 % interval, if the report gives one."""

    value: float = Field(examples=[0.8753])
    low: float | None = Field(description="lower end of the 95 % interval", examples=[0.8563])
    high: float | None = Field(description="upper end of the 95 % interval", examples=[0.8932])


class Figure(Interval):
    """A measured figure, what it measures, and where it was read."""

    metric: str = Field(description="what is measured, and of what", examples=["micro-F1 over tags"])
    n: int | None = Field(
        description="independent groups that the interval was resampled over: days, races, clusters", examples=[193]
    )
    rows: int | None = Field(description="rows, races or bets that were counted")
    beside: dict[str, Interval] = Field(description="the same figure of what it is compared with")
    source: str = Field(
        description="the output and the place in it", examples=["metrics/events/report.json#baselines.tuned.micro_f1"]
    )
    reason: str | None = Field(description="why there is no interval", examples=[None])


HEADLINE_FIELDS = ("accuracy", "auc_score", "f1_score", "log_loss")


def find_description(outputs: TaskOutputs) -> ScorerDescription | None:
    """Return the description of the task's scorer, None if this code does not have the scorer."""
    scorer = str(outputs.task_config.get("scorer", ""))
    return load_description(scorer) if scorer in list_scorers() else None


def read_headline_metrics(outputs: TaskOutputs) -> tuple[dict[str, Figure], dict[str, str]]:
    """Return the available figures by name, and by name why the others are missing."""
    description, report_path = find_description(outputs), f"metrics/{outputs.task}/report.json"
    if report_path in outputs.missing_reasons:
        return {}, dict.fromkeys(HEADLINE_FIELDS, outputs.missing_reasons[report_path])
    if description is None:
        scorer = str(outputs.task_config.get("scorer", ""))
        return {}, dict.fromkeys(HEADLINE_FIELDS, f"The scorer {scorer!r} is unknown, so its report cannot be read.")
    figures, reasons = {}, dict.fromkeys(HEADLINE_FIELDS, "The report of its scorer has none.")
    for name, entry in description.figures.items():
        if isinstance(entry, str):
            reasons[name] = entry
        elif figure := _build_figure(outputs.report, entry, report_path):
            figures[name] = figure
        else:
            reasons[name] = f"{report_path} has no {entry.path}."
    return figures, {name: reason for name, reason in reasons.items() if name not in figures}


def parse_interval(value: Any) -> Interval | None:
    """Return an estimate from a report, with bounds if it has them; None if it is not a finite number."""
    estimate = value if isinstance(value, Mapping) else {"value": value}
    number = parse_finite(estimate.get("value"))
    return (
        None
        if number is None
        else Interval(value=number, low=parse_finite(estimate.get("low")), high=parse_finite(estimate.get("high")))
    )


def ensure_mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def parse_count(value: Any) -> int | None:
    """Return a count as an integer, None if it is not a finite number."""
    number = parse_finite(value)
    return None if number is None else int(number)


def _build_figure(report: Mapping[str, Any], metric_path: ReportFigure, report_path: str) -> Figure | None:
    estimate = get_path(report, metric_path.path)
    parsed = parse_interval(estimate)
    if parsed is None:
        return None
    beside = {
        name: comparison
        for name, path in metric_path.beside.items()
        if (comparison := parse_interval(get_path(report, path)))
    }
    return Figure(
        **parsed.model_dump(),
        metric=metric_path.metric,
        n=parse_count(get_path(report, f"{metric_path.path}.n")),
        rows=parse_count(get_path(report, metric_path.rows)) if metric_path.rows else None,
        beside=beside,
        source=f"{report_path}#{metric_path.path}",
        reason=f"The report gives no interval for {metric_path.path}." if parsed.low is None else None,
    )
