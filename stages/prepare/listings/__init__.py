"""listings: reads a table `events`, one event per row."""

import pandas as pd

from trueline.core.tables import raw_sources
from trueline.core.tables.logged_predictions import PRODUCTION_TABLE
from trueline.core.tables.source_settings import PLAIN_SOURCE, SourceSettings

MAIN_TABLE = "events"
OPTIONAL_TABLES = (PRODUCTION_TABLE,)  # which prepare reads


def read(source: str, settings: SourceSettings = PLAIN_SOURCE) -> pd.DataFrame:
    """Return the raw events of a folder (events.parquet, .csv, .json, .jsonl, .xlsx) or of a SQLite database."""
    return raw_sources.read_source_table(source, MAIN_TABLE, settings.separator)
