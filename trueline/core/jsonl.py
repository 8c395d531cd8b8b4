"""JSON lines: rows appended to files, one JSON object per line, which may have been cut off anywhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

JSON_LINES_SUFFIX = ".jsonl"


def read_json_lines(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of every .jsonl file in a folder, in order of file name; subfolders are not read.

    Torn lines, as a full disk or a killed process leaves them, are skipped, as are lines that hold no object.
    """
    return [row for file in sorted(folder.glob(f"*{JSON_LINES_SUFFIX}")) for row in iterate_rows(file)]


def iterate_rows(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of one file, without its torn lines."""
    for line in file.read_bytes().split(b"\n"):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row
