"""Production part: the rows of the prediction log that a source does not have yet, as a part of its table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trueline.core.jsonl import JSON_LINES_SUFFIX
from trueline.core.tables import raw_sources
from trueline.daily.incoming_files import add_part
from trueline.service.monitoring.prediction_log import read_log

PRODUCTION_TABLE = "production"


def add_logged_predictions(log_folder: Path, source: Path) -> int:
    """Add the rows of a task's log that no part of the source's table `production` has; return how many these are.

    A row is a line of JSON, as in the log, so rows that are equal are known by their text. Limit: nothing is added to a
    source that is a database.
    """
    if not log_folder.is_dir() or not source.is_dir():
        return 0
    known_lines = set(_read_part_lines(source))
    new_lines = [line for line in map(_format_line, read_log(log_folder)) if line not in known_lines]
    if new_lines:
        content = "".join(f"{line}\n" for line in new_lines).encode()
        add_part(content, PRODUCTION_TABLE, JSON_LINES_SUFFIX, source)
    return len(new_lines)


def _read_part_lines(source: Path) -> Sequence[str]:
    part_files = [file for file in source.glob(f"{PRODUCTION_TABLE}.*{JSON_LINES_SUFFIX}") if _is_part(file)]
    return [line for file in part_files for line in file.read_text("utf-8").split("\n") if line]


def _is_part(file: Path) -> bool:
    return raw_sources.get_part_number(file) is not None


def _format_line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
