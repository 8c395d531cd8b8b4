"""The scored test set: its rows, and a hash that two runs share only if both scored the same rows and outcomes."""

import hashlib
from typing import Any

import pandas as pd

from trueline.core.splits.walk_forward import NO_CLOCK, list_target_columns


def describe_scored_rows(predictions: pd.DataFrame) -> dict[str, Any]:
    """Return how many rows were scored, their first and last day, and the MD5 hash of their ids and outcomes.

    Rows without times have no days; a row that several folds score counts once. Limit: the hash does not cover what
    else a score may depend on, such as the lines that bets are graded against.
    """
    rows = predictions[["row_id", *list_target_columns(predictions)]].drop_duplicates("row_id").sort_values("row_id")
    fingerprint = hashlib.md5(rows.to_csv(index=False, float_format="%.9g").encode()).hexdigest()
    days = predictions.loc[predictions["time"] != NO_CLOCK, "time"].dt.strftime("%Y-%m-%d")
    first_day, last_day = (days.min(), days.max()) if len(days) else (None, None)
    return {"rows": len(rows), "from": first_day, "to": last_day, "hash": fingerprint}
