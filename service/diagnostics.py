"""Diagnostics: what the checks made of a task, and how its newest day stands."""

from typing import Any

from pydantic import Field

from service.days import Alert, Days
from service.fields import Told
from service.headline import part
from service.outputs import Outputs

ORDER = ("failed", "warning", "ok", "declined")
WORDS = ("status", "primary_cause", "alert_level", "alert_message", "contributing_factors", "alert_triggered")


class Check(Told):
    """What a check found."""

    name: str
    status: str = Field(description="ok, warning, failed or declined")
    summary: str = Field(description="one sentence")
    details: dict[str, Any] = Field(description="the figures behind it")


class Day(Told):
    """The newest day of the daily table."""

    day: str
    status: str | None = Field(description="graded, or why there is nothing to grade")
    alert: str | None = Field(description="none, info, warning or critical; null if it cannot be told")
    message: str | None = Field(description="what was raised")
    primary_cause: str | None
    cause_confidence: float | None = Field(description="share of redrawn days that name the same cause")
    figures: dict[str, float] = Field(description="the figures of the day; rates in per cent")
    missing: dict[str, str] = Field(description="why figures are missing")


class Raised(Told):
    """Alerts that say the same on days one after the other."""

    first: str
    last: str
    days: int
    level: str
    message: str
    cause: str


class Diagnostics(Told):
    """A task's diagnosis, the gravest findings first."""

    success: bool
    task: str
    verdict: str | None = Field(description="ok, warning, failed or declined")
    checks: list[Check]
    newest: Day | None
    alerts: list[Raised] = Field(description="of the newest days, newest first")
    days: int = Field(description="days that the daily table was read of, the newest")
    reasons: dict[str, str] = Field(description="by the name of a field that is null or empty, why it is")


def diagnostics(outputs: Outputs) -> Diagnostics:
    """Return a task's diagnosis out of its outputs."""
    where, table = f"metrics/{outputs.task}/diagnosis.json", f"metrics/{outputs.task}/daily.csv"
    days, verdict = Days.of(outputs.days), outputs.diagnosis.get("verdict")
    verdict = None if verdict is None else str(verdict)
    reasons = {} if verdict else {"verdict": outputs.absent.get(where, f"{where} has no verdict.")}
    reasons |= {} if days else {"newest": outputs.absent.get(table, f"{table} has no days.")}
    return Diagnostics(
        success=True,
        task=outputs.task,
        verdict=verdict,
        checks=checks(outputs),
        newest=_newest(days) if days else None,
        alerts=[_raised(run) for run in days.raised()] if days else [],
        days=len(days.names) if days else 0,
        reasons=reasons,
    )


def checks(outputs: Outputs) -> list[Check]:
    """Return what every check found, the gravest first."""
    held = part(outputs.diagnosis.get("checks"))
    found = [
        Check(
            name=name,
            status=str(one.get("status", "declined")),
            summary=str(one.get("summary", "")),
            details=dict(part(one.get("details"))),
        )
        for name, one in sorted((name, part(one)) for name, one in held.items())
    ]
    return sorted(found, key=lambda one: ORDER.index(one.status) if one.status in ORDER else 0)


def _newest(days: Days) -> Day:
    row = days.rows[-1]
    reasons = {name.removesuffix("_reason"): why for name, why in row.items() if name.endswith("_reason") and why}
    columns = [name for name in row if name not in WORDS and not name.endswith("_reason")]
    figures = {name: value for name in columns if (value := days.numbers(name)[-1]) is not None}
    return Day(
        day=days.names[-1],
        status=row.get("status") or None,
        alert=row.get("alert_level") or None,
        message=row.get("alert_message") or None,
        primary_cause=row.get("primary_cause") or None,
        cause_confidence=figures.pop("cause_confidence", None),
        figures=figures,
        missing=reasons,
    )


def _raised(run: list[Alert]) -> Raised:
    first, last = run[0], run[-1]
    return Raised(
        first=first.day,
        last=last.day,
        days=len(run),
        level=last.level,
        message=last.message,
        cause=last.cause,
    )
