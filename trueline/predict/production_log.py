"""Production log: appends predictions to the log that the service writes too, and nothing that it already says."""

import json
from pathlib import Path
from typing import Any

from filelock import FileLock

from trueline.service.monitoring.prediction_log import LogRows, PredictionLog, check_log_folder, read_log
from trueline.service.settings import Settings

LOCK_NAME = ".lock"
Key = tuple[str, ...]


def append_predictions(folder: Path, task: str, rows: LogRows, key: Key) -> int:
    """Append the rows that differ from the newest of their key in a task's log; return how many these are.

    `rows` have their model and time, and `key` are the fields that say what is predicted. A row that only repeats the
    newest one is left out, whenever that was made, so the same card and model add nothing twice. Runs at the same time
    wait for each other. Raises UserError if the folder cannot be written in.
    """
    check_log_folder(folder, [task])
    with FileLock(folder / task / LOCK_NAME):
        newest = {_read_key(row, key): _format_content(row) for row in read_log(folder / task)}
        new_rows = [row for row in rows if newest.get(_read_key(row, key)) != _format_content(row)]
        log = PredictionLog(folder / task, Settings.log_bytes)
        try:
            if new_rows:
                log.append(new_rows)
        finally:
            log.close()
    return len(new_rows)


def _read_key(row: dict[str, Any], key: Key) -> str:
    return json.dumps([row.get(name) for name in key], ensure_ascii=False)


def _format_content(row: dict[str, Any]) -> str:
    content = {name: value for name, value in row.items() if name != "created_at"}
    return json.dumps(content, sort_keys=True, ensure_ascii=False)
