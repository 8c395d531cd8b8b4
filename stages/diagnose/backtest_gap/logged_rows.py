"""Logged rows: the rows of the gap report as `log_differences` compares them, within the time in which a log ran."""

from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap.log_differences import describe_differences
from stages.diagnose.backtest_gap.paired_rows import PairedRows
from stages.diagnose.units.array_types import Floats, Mask


def compare_with_log(paired: PairedRows, is_late: Mask) -> dict[str, Any] | None:
    """Return how many logged predictions equal the backtest's to the last bit, and what differs, in sentences.

    None for a log of other origin, which does not say the hash of the model that predicted. Only the days from the
    log's first to its last count.
    """
    if "production_hash" not in paired.rows or not paired.rows["production_hash"].notna().any():
        return None
    within = _flag_running_days(paired)
    rows = _join_parts(_build_rows(paired, is_late)[within])
    is_common = rows["is_scored"] & rows["is_logged"]
    changed = {name: rows[f"changed:{name}"].to_numpy(bool) for name in _list_seen(paired)}
    is_equal = is_common & (rows["distance"] == 0)
    return {
        "rows": int(is_common.sum()),
        "equal": int(is_equal.sum()),
        "days": int(rows.loc[rows["is_scored"], "day"].nunique()),
        "differences": describe_differences(rows, changed),
    }


def _flag_running_days(paired: PairedRows) -> Mask:
    served = np.flatnonzero(paired.count_by_day(paired.production.has_prediction))
    return np.asarray((paired.day_index >= served[0]) & (paired.day_index <= served[-1]))


def _build_rows(paired: PairedRows, is_late: Mask) -> pd.DataFrame:
    facts, backtest, production = paired.rows, paired.backtest.prediction, paired.production.prediction
    rows = pd.DataFrame(
        {
            "row_id": facts["row_id"].to_numpy() if "row_id" in facts else np.arange(len(facts)),
            "day": paired.days[paired.day_index].astype("datetime64[s]"),
            "fold": facts["fold"].to_numpy(object) if "fold" in facts else "all",
            "is_scored": np.isfinite(backtest),
            "is_logged": np.isfinite(production),
            "is_late": is_late,
            "model": facts["production_hash"].astype(object).to_numpy(),
            # a target that only one side names
            "distance": np.where(
                np.isfinite(production) == np.isfinite(backtest), np.abs(production - backtest), np.inf
            ),
        }
    )
    for name, (column, present) in _list_seen(paired).items():
        rows[f"changed:{name}"] = _flag_changes(facts[column], facts[present]) & rows["is_logged"]
    return rows


def _join_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for all targets of a prepared row."""
    if rows["row_id"].is_unique:
        return rows
    facts = ("day", "fold", "model")
    rules = {str(name): "first" if name in facts else "max" for name in rows if name != "row_id"}
    return pd.DataFrame(rows.groupby("row_id", sort=False).agg(rules)).reset_index()


def _list_seen(paired: PairedRows) -> dict[str, tuple[str, str]]:
    """Return the columns of what was seen and of what the rows have now, by the name without its prefix."""
    return {
        column.removeprefix("production_"): (column, present)
        for column, present in paired.measure.seen_columns.items()
        if column in paired.rows and present in paired.rows
    }


def _flag_changes(logged: pd.Series, present: pd.Series) -> Mask:
    """Return whether values that were seen differ from those now; what one of both lacks has not changed."""
    if pd.api.types.is_numeric_dtype(logged):
        numbers: Floats = logged.to_numpy(float) - present.to_numpy(float)
        return np.asarray(np.isfinite(numbers) & (numbers != 0))
    texts = logged.astype(object)
    return np.asarray(texts.notna() & (texts != present.astype(object).fillna("")))
