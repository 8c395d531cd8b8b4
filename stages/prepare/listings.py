"""listings: a table `events`, one event a row."""

import pandas as pd

from core import sources


def read(source: str) -> pd.DataFrame:
    """Return the raw events of a folder (events.parquet, .csv, .json, .jsonl) or of a SQLite database."""
    return sources.read_source_table(source, "events")
