"""Answer warnings: what a caller should know about posted rows before trusting the predictions for them."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from trueline.core.tables.table_schema import OWN_PREFIX
from trueline.service.online_history import OnlineHistory

MAX_HISTORY_AGE_DAYS = 30  # days without results before the posted time, beyond which the history counts as old
IDENTIFIERS = {"row_id", "group", "race_id", "game_id", "entity"}  # new in every request, or counted as past rows
MAX_VALUE_LETTERS = 60  # characters shown of a posted text


def list_warnings(history: OnlineHistory, rows: pd.DataFrame, input_columns: Iterable[str]) -> list[str]:
    """Return a sentence for each thing that is unusual about prepared rows of one time.

    These are texts that the history lacks, numbers outside the history's range, and a history that ends long before.
    """
    posted_columns = [name for name in input_columns if name in rows and name not in IDENTIFIERS]
    warnings = [*_describe_unseen(history, rows, posted_columns), *_describe_extremes(history, rows, posted_columns)]
    moment, newest = rows[history.time].iloc[0], pd.Timestamp(history.times.max())
    if (age := (moment - newest).days) > MAX_HISTORY_AGE_DAYS:
        warnings.append(f"The history ends on {newest:%Y-%m-%d}, {age} days before; later results are unknown.")
    return warnings


def _describe_unseen(history: OnlineHistory, rows: pd.DataFrame, names: list[str]) -> Iterator[str]:
    for name in names:
        for value in history.find_unseen(name, rows[name]):
            yield f"{_name_column(name)} {value[:MAX_VALUE_LETTERS]!r} is not in the history; it counts as new."


def _describe_extremes(history: OnlineHistory, rows: pd.DataFrame, names: list[str]) -> Iterator[str]:
    for name in names:
        if (bounds := history.get_bounds(name)) is None:
            continue
        values = rows[name].to_numpy(np.float64, na_value=np.nan)
        for value in sorted(set(values[(values < bounds[0]) | (values > bounds[1])].tolist())):
            yield f"{_name_column(name)} {value:g} is outside what the history has: {bounds[0]:g} to {bounds[1]:g}."


def _name_column(name: str) -> str:
    return name.removeprefix(OWN_PREFIX)
