"""SQL definitions of the daily table for a warehouse, generated from its declared columns."""

from stages.diagnose.monitoring.daily_columns import COLUMNS
from trueline.core.tables.table_schema import Column

SQL_TYPES = {
    "BigQuery": {"text": "STRING", "number": "FLOAT64", "whole": "INT64", "time": "DATE"},
    "DuckDB": {"text": "VARCHAR", "number": "DOUBLE", "whole": "BIGINT", "time": "DATE"},
}
HEADER = """-- The daily table of the diagnose stage (metrics/<task>/daily.parquet and .csv), one row a calendar day.
-- Written by `python -m trueline.daily_sql > docs/daily.sql`; a test holds it to the code.
-- Percent run from 0 to 100; a loss is points of a quantity's error, or nats of a race.
"""


def render_table_definition() -> str:
    """Return one CREATE TABLE statement for BigQuery and one for DuckDB, with the meaning of each column."""
    return "\n".join([HEADER, *(_render_statement(dialect) for dialect in SQL_TYPES)])


def _render_statement(dialect: str) -> str:
    name_width = max(len(column.name) for column in COLUMNS)
    last_index = len(COLUMNS) - 1
    lines = [_render_column(column, dialect, name_width, index == last_index) for index, column in enumerate(COLUMNS)]
    return "\n".join([f"-- {dialect}", "CREATE TABLE IF NOT EXISTS daily (", *lines, ");", ""])


def _render_column(column: Column, dialect: str, name_width: int, is_last: bool) -> str:
    sql_type = SQL_TYPES[dialect][column.kind] + ("" if column.nullable else " NOT NULL")
    meaning = column.meaning + (f" ({column.unit})" if column.unit else "")
    allowed_text = f": {', '.join(column.allowed)}" if column.allowed else ""
    return f"  {column.name:<{name_width}} {sql_type}{'' if is_last else ','}  -- {meaning}{allowed_text}"


if __name__ == "__main__":
    print(render_table_definition(), end="")
