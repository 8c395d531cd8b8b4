"""Row by row: does production predict what the same model predicts in the backtest?"""

from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap.paired_rows import PairedRows
from stages.diagnose.units.array_types import Ints
from trueline.core.stats.block_bootstrap import Floats

QUANTILES = {"q50": 0.5, "q90": 0.9, "q99": 0.99, "most": 1.0}
MAX_SHOWN = 5  # worst days, and worst levels of segments
MIN_ROWS = 20  # a day or a level with fewer rows is not ranked


def compare_predictions(
    paired: PairedRows, same_models: list[str], segments: list[str], tolerance: float
) -> dict[str, Any]:
    """Return how far production's predictions are from the backtest's on the rows that both predict.

    If some of production's rows name one of `same_models`, only these are compared and `same_model` is True: they
    should be equal. Otherwise another model predicted, and the distances are for information only.
    """
    predicted_by_both = paired.backtest.has_prediction & paired.production.has_prediction
    is_same_model = _get_models(paired).isin(same_models).to_numpy() & predicted_by_both
    rows = np.flatnonzero(is_same_model if is_same_model.any() else predicted_by_both)
    if not len(rows):
        return {"rows": 0, "same_model": False, "equal": None}
    distance = np.abs(paired.production.prediction - paired.backtest.prediction)[rows]
    quantiles = np.quantile(distance, list(QUANTILES.values())).tolist()
    return {
        "rows": len(rows),
        "same_model": bool(is_same_model.any()),
        "models": sorted(map(str, _get_models(paired).iloc[rows].dropna().unique())),
        "equal": float((distance <= tolerance).mean()),
        "distance": dict(zip(QUANTILES, quantiles, strict=True)) | {"mean": float(distance.mean())},
        "days": _find_worst_days(paired, rows, distance),
        "segments": _find_worst_segments(paired, rows, distance, segments),
    }


def _get_models(paired: PairedRows) -> pd.Series:
    if "production_model" in paired.rows:
        return paired.rows["production_model"]
    return pd.Series(None, index=paired.rows.index, dtype=object)


def _find_worst_days(paired: PairedRows, rows: Ints, distance: Floats) -> list[dict[str, Any]]:
    sums, counts = np.bincount(paired.day_index[rows], weights=distance), np.bincount(paired.day_index[rows])
    return _rank_by_distance(paired.format_days(np.arange(len(sums))), sums, counts, "day")


def _find_worst_segments(paired: PairedRows, rows: Ints, distance: Floats, segments: list[str]) -> list[dict[str, Any]]:
    offenders = []
    for name in segments:
        if name in paired.rows:
            code, levels = pd.factorize(paired.rows[name].iloc[rows], sort=True)
            has_level = code >= 0
            sums, counts = np.bincount(code[has_level], weights=distance[has_level]), np.bincount(code[has_level])
            ranked = _rank_by_distance([str(level) for level in levels], sums, counts, "level")
            offenders += [{"column": name} | offender for offender in ranked]
    return sorted(offenders, key=lambda offender: -offender["distance"])[:MAX_SHOWN]


def _rank_by_distance(names: list[str], sums: Floats | Ints, counts: Ints, key: str) -> list[dict[str, Any]]:
    """Return the names with the largest mean distance, among those with at least MIN_ROWS rows."""
    eligible = np.flatnonzero(counts >= MIN_ROWS)
    largest = eligible[np.argsort(-sums[eligible] / counts[eligible], kind="stable")[:MAX_SHOWN]]
    return [
        {key: names[index], "rows": int(counts[index]), "distance": float(sums[index] / counts[index])}
        for index in largest
    ]
