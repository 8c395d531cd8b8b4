"""Progress of running experiments: one line per stage, and on a terminal a clock for the current stage."""

import sys
import time
from collections.abc import Sequence
from typing import TextIO

CLEAR = "\r\033[K"  # return to the first column and erase the line


class Progress:
    """Print each stage of each experiment once; a terminal also shows how long the current stage has run."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown_counts: dict[str, int] = {}  # by experiment, the number of stages printed
        self._stage_started_at = time.monotonic()  # start of the stage printed last

    def show_stages(self, name: str, stages: Sequence[str], is_running: bool) -> None:
        """Print the stages begun since the last call; `is_running` tells whether the last one still runs."""
        for stage in stages[self._shown_counts.get(name, 0) :]:
            self._stage_started_at = time.monotonic()
            self._print_line(f"{name}: {stage}")
        self._shown_counts[name] = len(stages)
        if is_running and stages and self._stream.isatty():
            self._stream.write(f"{CLEAR}{name}: {stages[-1]} … {time.monotonic() - self._stage_started_at:.0f} s")
            self._stream.flush()

    def show_ending(self, name: str, status: str) -> None:
        """Print the final status of an experiment."""
        self._print_line(f"{name}: {status}")

    def _print_line(self, text: str) -> None:
        clear = CLEAR if self._stream.isatty() else ""
        print(f"{clear}{text}", file=self._stream, flush=True)
