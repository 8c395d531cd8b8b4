"""`python -m trueline daily TASK`: take in new files, run the pipeline, predict the card, and report the day."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from stages.diagnose.monitoring.today_cli import UNKNOWN_EXIT_CODE
from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import lock_outputs
from trueline.daily.daily_loop import DailyOptions, run_day
from trueline.predict.event_starts import parse_moment
from trueline.service.settings import Settings


class _ArgumentParser(argparse.ArgumentParser):
    """A parser whose wrong arguments do not exit with code 2, which would read as critical."""

    def error(self, message: str) -> NoReturn:
        print(f"daily: {message}; see python -m trueline daily --help", file=sys.stderr)
        sys.exit(UNKNOWN_EXIT_CODE)


def main(arguments: list[str] | None = None) -> int:
    """Run the daily loop of a task and return its exit code; a second run at the same time waits for the first."""
    options = _parse_arguments(arguments)
    try:
        with lock_outputs(f"daily-{options.task}"):
            return run_day(options)
    except UserError as error:
        print(f"daily {options.task}: {error}", file=sys.stderr)
        return UNKNOWN_EXIT_CODE


def _parse_arguments(arguments: list[str] | None) -> DailyOptions:
    parser = _ArgumentParser(prog="python -m trueline daily", description="Run the steps of a day.")
    parser.add_argument("task", help="the task, such as racing")
    parser.add_argument("--incoming", type=Path, help="folder of new raw files and the card; data/incoming/TASK")
    parser.add_argument("--out", type=Path, help="file of predictions to write; predictions/TASK.csv")
    parser.add_argument("--log", type=Path, default=Path(Settings.log), help="folder of the prediction log")
    parser.add_argument("--model", help="promoted model, such as racing-model#prod; without it, the workspace's")
    parser.add_argument("--now", help="when it is, in UTC, such as 2024-04-30T09:00; without it, the clock says")
    parser.add_argument("--notify", action="store_true", help="post warnings to TRUELINE_WEBHOOK")
    options = parser.parse_args(arguments)
    try:
        moment = parse_moment(options.now or None)
    except UserError as error:
        parser.error(str(error).rstrip("."))
    if options.out is None:
        Path(Settings.log).mkdir(exist_ok=True)
    return DailyOptions(
        options.task,
        options.incoming or Path("data/incoming") / options.task,
        options.log,
        options.out or Path(Settings.log) / f"{options.task}.csv",
        moment,
        options.model,
        options.notify,
    )


if __name__ == "__main__":
    sys.exit(main())
