"""Diagnostics: what a task's checks found, and the state of its newest day."""

from typing import Any

from pydantic import Field

from trueline.service.request_fields import ResponseModel
from trueline.service.status.daily_rows import Alert, DailyRows
from trueline.service.status.headline_metrics import ensure_mapping
from trueline.service.status.stage_outputs import TaskOutputs

STATUS_ORDER = ("failed", "warning", "ok", "declined")
TEXT_COLUMNS = ("status", "primary_cause", "alert_level", "alert_message", "contributing_factors", "alert_triggered")


class Check(ResponseModel):
    """What a check found."""

    name: str
    status: str = Field(description="ok, warning, failed or declined")
    summary: str = Field(description="one sentence")
    details: dict[str, Any] = Field(description="the figures behind it")


class Day(ResponseModel):
    """The newest day of the daily table."""

    day: str
    status: str | None = Field(description="graded, or why there is nothing to grade")
    alert: str | None = Field(description="none, info, warning or critical; null if it is unknown")
    message: str | None = Field(description="the alert's message")
    primary_cause: str | None
    cause_confidence: float | None = Field(description="share of bootstrap resamples that name the same cause")
    figures: dict[str, float] = Field(description="the figures of the day; rates in per cent")
    missing: dict[str, str] = Field(description="why figures are missing")


class Raised(ResponseModel):
    """The same alert on consecutive days."""

    first: str
    last: str
    days: int
    level: str
    message: str
    cause: str


class Diagnostics(ResponseModel):
    """A task's diagnosis, gravest findings first."""

    success: bool
    task: str
    verdict: str | None = Field(description="ok, warning, failed or declined")
    believable: str | None = Field(description="whether the scores can be believed: yes, doubtful or no")
    believable_reasons: list[str] = Field(description="the checks on account of which it is not yes")
    checks: list[Check]
    newest: Day | None
    alerts: list[Raised] = Field(description="of the newest days, newest first")
    days: int = Field(description="number of newest days that were read from the daily table")
    reasons: dict[str, str] = Field(description="by the name of a field that is null or empty, why it is")


def build_diagnostics(outputs: TaskOutputs) -> Diagnostics:
    """Return a task's diagnosis, read from its outputs."""
    diagnosis_path, daily_path = f"metrics/{outputs.task}/diagnosis.json", f"metrics/{outputs.task}/daily.csv"
    days, verdict = DailyRows.from_rows(outputs.days), outputs.diagnosis.get("verdict")
    verdict, believable = (
        None if answer is None else str(answer) for answer in (verdict, outputs.diagnosis.get("believable"))
    )
    belief_reasons = outputs.diagnosis.get("believable_reasons")
    reasons = {
        name: outputs.missing_reasons.get(diagnosis_path, f"{diagnosis_path} has no verdict.")
        for name, answer in (("verdict", verdict), ("believable", believable))
        if answer is None
    }
    reasons |= {} if days else {"newest": outputs.missing_reasons.get(daily_path, f"{daily_path} has no days.")}
    return Diagnostics(
        success=True,
        task=outputs.task,
        verdict=verdict,
        believable=believable,
        believable_reasons=list(map(str, belief_reasons)) if isinstance(belief_reasons, list) else [],
        checks=list_checks(outputs),
        newest=_build_newest_day(days) if days else None,
        alerts=[_merge_alerts(run) for run in days.group_alerts()] if days else [],
        days=len(days.day_names) if days else 0,
        reasons=reasons,
    )


def list_checks(outputs: TaskOutputs) -> list[Check]:
    """Return what every check found, gravest findings first."""
    check_reports = ensure_mapping(outputs.diagnosis.get("checks"))
    checks = [
        Check(
            name=name,
            status=str(check.get("status", "declined")),
            summary=str(check.get("summary", "")),
            details=dict(ensure_mapping(check.get("details"))),
        )
        for name, check in sorted((name, ensure_mapping(check)) for name, check in check_reports.items())
    ]
    return sorted(checks, key=lambda check: STATUS_ORDER.index(check.status) if check.status in STATUS_ORDER else 0)


def _build_newest_day(days: DailyRows) -> Day:
    row = days.rows[-1]
    named_reasons = ((name, reason) for name, reason in row.items() if name.endswith("_reason"))
    reasons = {name.removesuffix("_reason"): reason for name, reason in named_reasons if reason}
    columns = [name for name in row if name not in TEXT_COLUMNS and not name.endswith("_reason")]
    figures = {name: value for name in columns if (value := days.read_numbers(name)[-1]) is not None}
    return Day(
        day=days.day_names[-1],
        status=row.get("status") or None,
        alert=row.get("alert_level") or None,
        message=row.get("alert_message") or None,
        primary_cause=row.get("primary_cause") or None,
        cause_confidence=figures.pop("cause_confidence", None),
        figures=figures,
        missing=reasons,
    )


def _merge_alerts(alerts: list[Alert]) -> Raised:
    start_alert, end_alert = alerts[0], alerts[-1]
    return Raised(
        first=start_alert.day,
        last=end_alert.day,
        days=len(alerts),
        level=end_alert.level,
        message=end_alert.message,
        cause=end_alert.cause,
    )
