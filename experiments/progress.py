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
        self._said: dict[str, int] = {}  # stages of an experiment that were said
        self._since = time.monotonic()  # the last of them began

    def runs(self, name: str, stages: Sequence[str], now: bool) -> None:
        """Say which stages of an experiment were begun since the last call; `now` the last of them still runs."""
        for stage in stages[self._said.get(name, 0) :]:
            self._since = time.monotonic()
            self._line(f"{name}: {stage}")
        self._said[name] = len(stages)
        if now and stages and self._stream.isatty():
            self._stream.write(f"{CLEAR}{name}: {stages[-1]} … {time.monotonic() - self._since:.0f} s")
            self._stream.flush()

    def ended(self, name: str, status: str) -> None:
        """Say what became of an experiment."""
        self._line(f"{name}: {status}")

    def _line(self, text: str) -> None:
        clear = CLEAR if self._stream.isatty() else ""
        print(f"{clear}{text}", file=self._stream, flush=True)
