"""Lines: rows that were appended to files, one JSON object a line, and may have been cut off anywhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

JSON_LINES_SUFFIX = ".jsonl"


def read_json_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of every file of a folder, in the order of the files' names; folders within are not read.

    A line that is torn, as by a full disk or a killed process, is left out; so is one that holds no object.
    """
    return [row for file in sorted(folder.glob(f"*{JSON_LINES_SUFFIX}")) for row in _iterate_rows(file)]


def _iterate_rows(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_bytes().split(b"\n"):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row
