"""The inputs that are missing, or at one value, in more rows of the window than before it."""

from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.root_cause.cause_scoring import Settings
from stages.diagnose.root_cause.row_quality import MIN_DISTINCT_MEASURED
from stages.diagnose.units.array_types import Floats
from stages.diagnose.units.evidence import Evidence
from trueline.core.stored_tables.lazy_parquet import is_number_column, iter_columns
from trueline.core.stored_tables.row_lookup import take_or_nan

MAX_LISTED_INPUTS = 5


def find_newly_unsound_inputs(evidence: Evidence, end_day: pd.Timestamp, settings: Settings) -> list[dict[str, Any]]:
    """Return the inputs whose unsound share rose by `unsound_share` or more, the worst first, at most five.

    The requested rows of the window that ends on `end_day` are compared with those of the days before it. Unsound is a
    missing value or, for a number that had many values before, the value whose share rose most: that reveals a default.
    """
    row_day = evidence.scored_rows["time"].dt.normalize()
    start = end_day - pd.Timedelta(days=settings.window_days)
    in_window = ((row_day > start) & (row_day <= end_day)).to_numpy()
    in_baseline = ((row_day <= start) & (row_day > start - pd.Timedelta(days=settings.baseline_days))).to_numpy()
    if not in_window.any() or not in_baseline.any():
        return []
    feature_rows = evidence.scored_rows["inputs"].to_numpy()
    worsened = []
    for name, column in iter_columns(evidence.features, evidence.input_names):
        if is_number_column(evidence.features, name):
            values = column.to_numpy(float, na_value=np.nan)
        else:
            values = np.where(column.isna().to_numpy(), np.nan, 0.0)
        window_values, baseline_values = (take_or_nan(values, feature_rows[rows]) for rows in (in_window, in_baseline))
        comparison = {"input": name, **_compare_unsound_shares(window_values, baseline_values)}
        if comparison["share"] - comparison["before"] >= settings.unsound_share:
            worsened.append(comparison)
    return sorted(worsened, key=lambda comparison: comparison["before"] - comparison["share"])[:MAX_LISTED_INPUTS]


def _compare_unsound_shares(window_values: Floats, baseline_values: Floats) -> dict[str, Any]:
    """Return which share rose more, that of missing values or that of one value, and its size now and before."""
    shares = [("missing", float(np.isnan(window_values).mean()), float(np.isnan(baseline_values).mean()))]
    sorted_baseline = np.sort(baseline_values[~np.isnan(baseline_values)])
    values, counts = np.unique(window_values[~np.isnan(window_values)], return_counts=True)
    if len(values) and len(np.unique(sorted_baseline)) > MIN_DISTINCT_MEASURED:
        baseline_counts = np.searchsorted(sorted_baseline, values, "right") - np.searchsorted(sorted_baseline, values)
        share_rises = counts / len(window_values) - baseline_counts / len(baseline_values)
        largest = int(share_rises.argmax())
        share, baseline_share = counts[largest] / len(window_values), baseline_counts[largest] / len(baseline_values)
        shares.append((f"at {values[largest]:g}", float(share), float(baseline_share)))
    kind, share, baseline_share = max(shares, key=lambda candidate: candidate[1] - candidate[2])
    return {"unsound": kind, "share": round(share, 6), "before": round(baseline_share, 6)}
