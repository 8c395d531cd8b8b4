"""Table output: predictions as CSV, Parquet or JSON by the ending of the file, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables import table_schema

SUFFIXES = (".csv", ".parquet", ".json")


def require_output_file(file: Path) -> None:
    """Raise UserError if predictions cannot be written under this name."""
    if file.suffix not in SUFFIXES:
        raise UserError(
            f"--out {file}: predictions are written as {', '.join(SUFFIXES)}; end the name in one of these."
        )
    if file.is_dir() or not file.resolve().parent.is_dir():
        problem = "is a folder" if file.is_dir() else "lies in a folder that does not exist"
        raise UserError(f"--out {file} {problem}; name a file in an existing folder.")


def write_predictions(table: pd.DataFrame, file: Path) -> None:
    """Write a table under a temporary name, then rename it; numbers keep all their digits in every format."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.draft")
    try:
        if file.suffix == ".csv":
            table.to_csv(draft, index=False)
        elif file.suffix == ".json":
            draft.write_text(_format_json(table), "utf-8")
        else:
            table_schema.write_table(table, draft)
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _format_json(table: pd.DataFrame) -> str:
    rows = [{str(name): _convert_cell(value) for name, value in row.items()} for row in table.to_dict(orient="records")]
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _convert_cell(value: Any) -> Any:
    """Return a cell as JSON holds it: missing as null, a time as text; pandas' to_json would cut digits off."""
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
