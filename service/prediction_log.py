"""The prediction log: every answer, one JSON line a row, in files that no crash can spoil.

`python -m service.prediction_log predictions/props > production.jsonl` makes a table of a source out of it.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from core import lines
from core.lines import ENDING
from core.refusals import Refusal

Rows = list[dict[str, Any]]


class PredictionLog:
    """The file of one task and one process, `<folder>/<pid>-<n>.jsonl`, followed by the next when it is full.

    Whole lines are appended by a single write, so that what a killed process leaves is whole but for the last line. A
    file of an earlier process is never written to, and no two processes share one. Limit: nothing is forced to the
    disk, so a machine that loses power may lose its last seconds.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._number, self._size, self._file = 0, most, -1
        self._torn, self._one = False, Lock()  # long requests are answered in threads

    def append(self, rows: Rows) -> None:
        """Write rows down; raises OSError where that fails, and the next call begins on a line of its own."""
        text = "".join(f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for row in rows)
        with self._one:
            self._write(text.encode(errors="replace"))

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
        self._size, self._file = self._most, -1

    def _write(self, lines: bytes) -> None:
        if self._size + len(lines) > self._most:
            self._next()
        if self._torn:
            lines = b"\n" + lines
        written = os.write(self._file, lines)
        self._size += written
        self._torn = written < len(lines)
        if self._torn:
            raise OSError(f"only {written} of {len(lines)} bytes of the prediction log could be written")

    def _next(self) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        while self._file < 0:
            place = self._folder / f"{os.getpid()}-{self._number}{ENDING}"
            self._number += 1
            try:  # a process of an earlier day may have had the same number
                self._file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
            except FileExistsError:
                continue
        self._size, self._torn = 0, False


def check(folder: Path | None, tasks: Iterable[str]) -> None:
    """Refuse a folder where the log of a task cannot be begun; nothing is left in it but the tasks' folders."""
    for place in [folder / task for task in tasks] if folder else []:
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            raise Refusal(
                f"--log: {place} cannot be written to ({error.strerror}); name another folder, or '' to log nothing."
            ) from None


def stamped(rows: Rows, version: str) -> Rows:
    """Return the rows with the model that answered and the moment, where they do not tell either."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return [{"model": version, "created_at": now} | row for row in rows]


def read(folder: Path) -> Rows:
    """Return the rows of every file of a task's folder, the oldest first.

    A line that is torn, as by a full disk or a killed process, is left out.
    """
    return sorted(lines.read(folder), key=lambda row: str(row.get("created_at", "")))


if __name__ == "__main__":
    for row in read(Path(sys.argv[1])):
        print(json.dumps(row, ensure_ascii=False))
