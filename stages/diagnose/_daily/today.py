"""Today: one day's level, cause and message, for people, cron and Python."""

import argparse
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn

import pandas as pd

from core import tables
from core.refusals import Refusal
from stages.diagnose._daily.webhook import notify

TABLE = "metrics/{task}/daily.parquet"
CODES = {"none": 0, "info": 0, "warning": 1, "critical": 2}
UNKNOWN = 3  # the level cannot be told; 2 is critical, so wrong words exit so as well


@dataclass(frozen=True)
class Today:
    """What is to be said of a day, and the exit code: 0 ok, 1 warning, 2 critical, 3 that it cannot be told."""

    day: date
    status: str
    level: str | None
    cause: str | None
    confidence: float | None
    message: str
    code: int

    def sentence(self) -> str:
        """Return level, cause and message in one line."""
        sure = "" if self.confidence is None else f" ({self.confidence:.2f})"
        cause = self.cause or "not told"
        return f"{self.day:%Y-%m-%d} {self.level or 'unknown'} · cause: {cause}{sure} · {self.message}"


def today(daily: pd.DataFrame, on: date | None = None) -> Today:
    """Return what the daily table says of a day, the newest without `on`; refuses an empty table and an unknown day.

    A level that is missing is code 3, with the reason as message: silence would read as ok.
    """
    if daily.empty:
        raise Refusal("the daily table has no days: the task has no clock or nothing of it is scored.")
    days = pd.to_datetime(daily["game_date"]).dt.date
    chosen = on or days.iloc[-1]
    if not (days == chosen).any():
        raise Refusal(f"{chosen:%Y-%m-%d} is not in the daily table; it runs from {days.iloc[0]} to {days.iloc[-1]}.")
    row = daily[(days == chosen).to_numpy()].iloc[0]
    level, cause, sure = (
        None if pd.isna(row[name]) else row[name] for name in ("alert_level", "primary_cause", "cause_confidence")
    )
    said = row["alert_message"] if level is not None else row["alert_reason"]
    if level is not None and level not in CODES:
        raise Refusal(f"the daily table has the level {level!r}; {', '.join(CODES)} are known.")
    code = UNKNOWN if level is None else CODES[str(level)]
    return Today(chosen, str(row["status"]), level, cause, None if sure is None else float(sure), str(said), code)


def main(words: list[str]) -> int:
    """Print what `today TASK [--date YYYY-MM-DD] [--notify]` asks for and return the exit code.

    0 ok (none or info), 1 warning, 2 critical, 3 cannot be told: no table, no such day, wrong words, or limits not yet
    set. With --notify a warning or critical is posted to TRUELINE_WEBHOOK, whose failure changes no code.
    """
    try:
        asked = _asked(words)
        path = Path(TABLE.format(task=asked.task))
        if not path.exists():
            raise Refusal(f"{path} is missing; run `dvc repro diagnose@{asked.task}` to build it.")
        found = today(_read(path, asked.task), asked.date)
    except Refusal as refusal:
        print(f"today: {refusal}", file=sys.stderr)
        return UNKNOWN
    print(f"{asked.task} {found.sentence()}")
    if asked.notify and found.code in (1, 2):
        notify(f"{asked.task} {found.sentence()}")
    return found.code


def _read(path: Path, task: str) -> pd.DataFrame:
    try:
        return tables.read(path)
    except (OSError, ValueError) as error:
        raise Refusal(
            f"{path} cannot be read ({error}); run `dvc repro -f diagnose@{task}` to build it again."
        ) from None


class _Words(argparse.ArgumentParser):
    """A parser that refuses in place of leaving with code 2, which would read as critical."""

    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{message}; usage: python -m stages.diagnose today TASK [--date YYYY-MM-DD] [--notify]")


def _asked(words: list[str]) -> argparse.Namespace:
    parser = _Words(prog="python -m stages.diagnose today", description="Tell one day's level, cause and message.")
    parser.add_argument("task")
    parser.add_argument("--date", type=_date, help="YYYY-MM-DD; the newest day without it")
    parser.add_argument("--notify", action="store_true", help="post warnings to TRUELINE_WEBHOOK")
    return parser.parse_args(words)


def _date(word: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is not a date like 2024-01-31") from None
