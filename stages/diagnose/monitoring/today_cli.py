"""The command `today`: one day's alert level, cause and message, for people, cron and Python."""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NoReturn

import pandas as pd

from stages.diagnose.monitoring.webhook import notify
from trueline.core.errors import UserError
from trueline.core.tables import table_schema

TABLE_PATH = "metrics/{task}/daily.parquet"
DIAGNOSIS_PATH = "metrics/{task}/diagnosis.json"
EXIT_CODES = {"none": 0, "info": 0, "warning": 1, "critical": 2}
UNKNOWN_EXIT_CODE = 3  # the level is unknown; also for wrong arguments, because 2 means critical


@dataclass(frozen=True)
class DayReport:
    """The report on a day, and the exit code: 0 ok, 1 warning, 2 critical, 3 unknown."""

    day: date
    status: str
    level: str | None
    cause: str | None
    confidence: float | None
    message: str
    exit_code: int

    def format_sentence(self) -> str:
        """Return level, cause and message in one line."""
        confidence_text = "" if self.confidence is None else f" ({self.confidence:.2f})"
        cause_text = self.cause or "unknown"
        return f"{self.day:%Y-%m-%d} {self.level or 'unknown'} · cause: {cause_text}{confidence_text} · {self.message}"


def report_day(daily: pd.DataFrame, requested_day: date | None = None) -> DayReport:
    """Return the report on a day of the daily table, by default the newest.

    A missing level gives code 3 with its reason as the message, because silence would read as ok. Raises UserError if
    the table is empty, does not contain the day, or has an unknown level.
    """
    if daily.empty:
        raise UserError("the daily table has no days, because the task has no clock or none of its rows is scored.")
    days = pd.to_datetime(daily["game_date"]).dt.date
    selected_day = requested_day or days.iloc[-1]
    if not (days == selected_day).any():
        raise UserError(
            f"{selected_day:%Y-%m-%d} is not in the daily table; it runs from {days.iloc[0]} to {days.iloc[-1]}."
        )
    row = daily[(days == selected_day).to_numpy()].iloc[0]
    level, cause, confidence = (
        None if pd.isna(row[name]) else row[name] for name in ("alert_level", "primary_cause", "cause_confidence")
    )
    message = row["alert_message"] if level is not None else row["alert_reason"]
    if level is not None and level not in EXIT_CODES:
        raise UserError(f"the daily table has an unknown level {level!r}; allowed are {', '.join(EXIT_CODES)}.")
    exit_code = UNKNOWN_EXIT_CODE if level is None else EXIT_CODES[str(level)]
    confidence = None if confidence is None else float(confidence)
    return DayReport(selected_day, str(row["status"]), level, cause, confidence, str(message), exit_code)


def add_failed_checks(report: DayReport, failed_checks: list[str]) -> DayReport:
    """Return the report with the checks that failed, on account of which no day is better than a warning."""
    if not failed_checks:
        return report
    level = "warning" if report.exit_code == 0 else report.level
    message = f"{report.message} · failed checks: {', '.join(failed_checks)}"
    return replace(report, level=level, message=message, exit_code=report.exit_code or EXIT_CODES["warning"])


def main(arguments: list[str]) -> int:
    """Run `today TASK [--date YYYY-MM-DD] [--notify]` and return the exit code.

    0 is ok (none or info), 1 warning or a failed check, 2 critical, 3 unknown: no table, no such day, wrong arguments,
    or limits not yet set. With --notify a warning or critical is posted to TRUELINE_WEBHOOK; a failed post does not
    change the exit code.
    """
    try:
        options = _parse_arguments(arguments)
        path = Path(TABLE_PATH.format(task=options.task))
        if not path.exists():
            raise UserError(f"{path} is missing; run `dvc repro diagnose@{options.task}` to build it.")
        failed_checks, believable = _read_diagnosis(Path(DIAGNOSIS_PATH.format(task=options.task)))
        report = report_day(_read_table(path, options.task), options.date)
        if believable is not None:
            report = replace(report, message=f"{report.message} · scores believable: {believable}")
        report = add_failed_checks(report, failed_checks)
    except UserError as error:
        print(f"today: {error}", file=sys.stderr)
        return UNKNOWN_EXIT_CODE
    print(f"{options.task} {report.format_sentence()}")
    if options.notify and report.exit_code in (1, 2):
        notify(f"{options.task} {report.format_sentence()}")
    return report.exit_code


def _read_table(path: Path, task: str) -> pd.DataFrame:
    try:
        return table_schema.read_table(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run `dvc repro -f diagnose@{task}` to rebuild it.") from None


def _read_diagnosis(path: Path) -> tuple[list[str], str | None]:
    """Return the names of the checks that failed, and whether the scores can be believed, if that is known."""
    if not path.exists():
        return [], None
    try:
        diagnosis = json.loads(path.read_text())
        failed_checks = [str(name) for name, finding in diagnosis["checks"].items() if finding["status"] == "failed"]
        return failed_checks, diagnosis.get("believable")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error!r}); run `dvc repro -f` to rebuild it.") from None


class _ArgumentParser(argparse.ArgumentParser):
    """A parser that raises UserError instead of exiting with code 2, which would read as critical."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; usage: python -m trueline today TASK [--date YYYY-MM-DD] [--notify]")


def _parse_arguments(arguments: list[str]) -> argparse.Namespace:
    description = "Print one day's alert level, cause and message."
    parser = _ArgumentParser(prog="python -m trueline today", description=description)
    parser.add_argument("task")
    parser.add_argument("--date", type=_parse_date, help="YYYY-MM-DD; by default the newest day")
    parser.add_argument("--notify", action="store_true", help="post warnings to TRUELINE_WEBHOOK")
    return parser.parse_args(arguments)


def _parse_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2024-01-31") from None
