"""SQL: the daily table as a definition for a warehouse, made of its declared columns."""

from core.tables import Column
from stages.diagnose._daily.columns import COLUMNS

TYPES = {
    "BigQuery": {"text": "STRING", "number": "FLOAT64", "whole": "INT64", "time": "DATE"},
    "DuckDB": {"text": "VARCHAR", "number": "DOUBLE", "whole": "BIGINT", "time": "DATE"},
}
HEAD = """-- The daily table of the diagnose stage (metrics/<task>/daily.parquet and .csv), one row a calendar day.
-- Written by `python -m stages.diagnose._daily.sql > docs/daily.sql`; a test holds it to the code.
-- Percent run from 0 to 100; a loss is points of a quantity's error, or nats of a race.
"""


def definition() -> str:
    """Return a statement for BigQuery and one for DuckDB that create the table, each column with its meaning."""
    return "\n".join([HEAD, *(_statement(dialect) for dialect in TYPES)])


def _statement(dialect: str) -> str:
    wide = max(len(column.name) for column in COLUMNS)
    last = len(COLUMNS) - 1
    lines = [_line(column, dialect, wide, place == last) for place, column in enumerate(COLUMNS)]
    return "\n".join([f"-- {dialect}", "CREATE TABLE IF NOT EXISTS daily (", *lines, ");", ""])


def _line(column: Column, dialect: str, wide: int, last: bool) -> str:
    kind = TYPES[dialect][column.kind] + ("" if column.nullable else " NOT NULL")
    said = column.meaning + (f" ({column.unit})" if column.unit else "")
    words = f": {', '.join(column.allowed)}" if column.allowed else ""
    return f"  {column.name:<{wide}} {kind}{'' if last else ','}  -- {said}{words}"


if __name__ == "__main__":
    print(definition(), end="")
