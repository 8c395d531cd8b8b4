"""Progress: a line a stage, and where a person watches, a clock that runs on the last one."""

import sys
import time
from collections.abc import Sequence
from typing import TextIO

CLEAR = "\r\033[K"  # back to the first column and nothing to its right


class Progress:
    """Says on a stream which stages of which experiment ran, each once; a terminal also sees for how long."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown_counts: dict[str, int] = {}  # stages of an experiment that were said
        self._stage_started_at = time.monotonic()  # the last of them began

    def show_stages(self, name: str, stages: Sequence[str], is_running: bool) -> None:
        """Say which stages of an experiment were begun since the last call; `is_running` the last of them still runs."""
        for stage in stages[self._shown_counts.get(name, 0) :]:
            self._stage_started_at = time.monotonic()
            self._print_line(f"{name}: {stage}")
        self._shown_counts[name] = len(stages)
        if is_running and stages and self._stream.isatty():
            self._stream.write(f"{CLEAR}{name}: {stages[-1]} … {time.monotonic() - self._stage_started_at:.0f} s")
            self._stream.flush()

    def show_ending(self, name: str, status: str) -> None:
        """Say what became of an experiment."""
        self._print_line(f"{name}: {status}")

    def _print_line(self, text: str) -> None:
        clear = CLEAR if self._stream.isatty() else ""
        print(f"{clear}{text}", file=self._stream, flush=True)
