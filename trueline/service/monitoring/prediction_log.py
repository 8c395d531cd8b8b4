"""The prediction log: every answer, one JSON line a row, in files that no crash can spoil.

`python -m trueline.service.monitoring.prediction_log predictions/props > production.jsonl` makes a table of a source out of it.
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

from trueline.core.errors import UserError
from trueline.core.tables import jsonl
from trueline.core.tables.jsonl import JSON_LINES_SUFFIX

LogRows = list[dict[str, Any]]


class PredictionLog:
    """The file of one task and one process, `<folder>/<pid>-<n>.jsonl`, followed by the next when it is full.

    Whole lines are appended by a single write, so that what a killed process leaves is whole but for the last line. A
    file of an earlier process is never written to, and no two processes share one. Limit: nothing is forced to the
    disk, so a machine that loses power may lose its last seconds.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._number, self._size, self._file = 0, max_bytes, -1
        self._ends_torn, self._lock = False, Lock()  # long requests are answered in threads

    def append(self, rows: LogRows) -> None:
        """Write rows down; raises OSError where that fails, and the next call begins on a line of its own."""
        text = "".join(f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n" for row in rows)
        with self._lock:
            self._write_lines(text.encode(errors="replace"))

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
        self._size, self._file = self._max_bytes, -1

    def _write_lines(self, content: bytes) -> None:
        if self._size + len(content) > self._max_bytes:
            self._open_next_file()
        if self._ends_torn:
            content = b"\n" + content
        written = os.write(self._file, content)
        self._size += written
        self._ends_torn = written < len(content)
        if self._ends_torn:
            raise OSError(f"only {written} of {len(content)} bytes of the prediction log could be written")

    def _open_next_file(self) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        while self._file < 0:
            path = self._folder / f"{os.getpid()}-{self._number}{JSON_LINES_SUFFIX}"
            self._number += 1
            try:  # a process of an earlier day may have had the same number
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
            except FileExistsError:
                continue
        self._size, self._ends_torn = 0, False


def check_log_folder(folder: Path | None, tasks: Iterable[str]) -> None:
    """Refuse a folder where the log of a task cannot be begun; nothing is left in it but the tasks' folders."""
    for task_folder in [folder / task for task in tasks] if folder else []:
        try:
            task_folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=task_folder):
                pass
        except OSError as error:
            raise UserError(
                f"--log: {task_folder} cannot be written to ({error.strerror}); name another folder, or '' to log nothing."
            ) from None


def stamp_rows(rows: LogRows, version: str) -> LogRows:
    """Return the rows with the model that answered and the moment, where they do not tell either."""
    timestamp = datetime.now(UTC).isoformat(timespec="microseconds")
    return [{"model": version, "created_at": timestamp} | row for row in rows]


def read_log(folder: Path) -> LogRows:
    """Return the rows of every file of a task's folder, the oldest first.

    A line that is torn, as by a full disk or a killed process, is left out.
    """
    return sorted(jsonl.read_json_lines(folder), key=lambda row: str(row.get("created_at", "")))


if __name__ == "__main__":
    for row in read_log(Path(sys.argv[1])):
        print(json.dumps(row, ensure_ascii=False))
