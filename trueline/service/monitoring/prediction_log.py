"""Prediction log: every answer as JSON lines, one per row, in files that no crash can corrupt.

`python -m trueline.service.monitoring.prediction_log predictions/props > production.jsonl` turns it into a source's
table.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic_core import to_json

from trueline.core.errors import UserError
from trueline.core.jsonl import JSON_LINES_SUFFIX, read_json_lines

DAY_SECONDS = 86_400

LogRows = list[dict[str, Any]]


class PredictionLog:
    """Writes one task's log in one process to `<folder>/<pid>-<n>.jsonl`, and to the next file when one is full.

    A new day (UTC) begins a new file too, and so does the removal of the present one. On a new day files that were last
    written more than `keep_days` ago are removed; 0 keeps them all. Whole lines are appended in a single write, so only
    the last line that a killed process leaves can be torn. Files of earlier processes are never written to, and no two
    processes share one. Limit: nothing is forced to disk, so a machine that loses power may lose its last seconds.
    """

    def __init__(self, folder: Path, max_bytes: int, keep_days: float = 0.0) -> None:
        self._folder, self._max_bytes, self._keep_days = folder, max_bytes, keep_days
        self._number, self._size, self._file, self._day = 0, max_bytes, -1, -1
        self._ends_torn, self._lock = False, Lock()  # long requests are answered in threads

    def append(self, rows: LogRows) -> None:
        """Append rows. Raises OSError if that fails; the next call then begins on a new line."""
        content = b"".join(map(_format_line, rows))
        with self._lock:
            self._write_lines(content)

    def close(self) -> None:
        """Close the file; another append would open the next one."""
        if self._file >= 0:
            os.close(self._file)
        self._size, self._file = self._max_bytes, -1

    def _write_lines(self, content: bytes) -> None:
        today = int(time.time() // DAY_SECONDS)
        if self._size + len(content) > self._max_bytes or today != self._day or os.fstat(self._file).st_nlink == 0:
            self._day = today
            self._open_next_file()
            self._remove_old_files()
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
            try:  # an earlier process may have had the same id
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
            except FileExistsError:
                continue
        self._size, self._ends_torn = 0, False

    def _remove_old_files(self) -> None:
        oldest_time = time.time() - self._keep_days * DAY_SECONDS
        for file in self._folder.glob(f"*{JSON_LINES_SUFFIX}") if self._keep_days else ():
            with suppress(OSError):  # another worker may have removed it
                if file.stat().st_mtime < oldest_time:
                    file.unlink()


def check_log_folder(folder: Path | None, tasks: Iterable[str]) -> None:
    """Raise UserError if a task's log cannot be written in a folder; leaves nothing there but the tasks' folders."""
    for task_folder in [folder / task for task in tasks] if folder else []:
        try:
            task_folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=task_folder):
                pass
        except OSError as error:
            problem = f"{task_folder} cannot be written to ({error.strerror})"
            raise UserError(f"--log: {problem}; name another folder, or '' to log nothing.") from None


def stamp_rows(rows: LogRows, version: str, model_hash: str | None = None, moment: datetime | None = None) -> LogRows:
    """Return the rows with the model that answered and the time, by default now, where a row does not have its own."""
    timestamp = (moment or datetime.now(UTC)).isoformat(timespec="microseconds")
    stamp = {"model": version, "created_at": timestamp} | ({"model_hash": model_hash} if model_hash else {})
    return [stamp | row for row in rows]


def read_log(folder: Path) -> LogRows:
    """Return the rows of every file in a task's folder, oldest first.

    Torn lines, as left by a full disk or a killed process, are skipped.
    """
    return sorted(read_json_lines(folder), key=lambda row: str(row.get("created_at", "")))


def _format_line(row: dict[str, Any]) -> bytes:
    """Return a row as a line of JSON; half of a surrogate pair, which UTF-8 does not have, becomes a question mark."""
    try:
        return to_json(row) + b"\n"  # a fifth of the time of json.dumps
    except ValueError:
        return (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode(errors="replace")


if __name__ == "__main__":
    for row in read_log(Path(sys.argv[1])):
        print(json.dumps(row, ensure_ascii=False))
