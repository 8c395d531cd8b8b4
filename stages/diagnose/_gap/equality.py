"""Row by row: does production predict what the backtest says that the same model predicts?"""

from typing import Any

import numpy as np
import pandas as pd

from core.drawn import Floats
from stages.diagnose._gap.rows import Ints, Sides

QUANTILES = {"q50": 0.5, "q90": 0.9, "q99": 0.99, "most": 1.0}
SHOWN = 5  # days, and levels of segments
FEW_ROWS = 20  # rows below which a day or a level is not shown as an offender


def equality(sides: Sides, same_models: list[str], segments: list[str], tolerance: float) -> dict[str, Any]:
    """Return how far production's predictions are from the backtest's on the rows that both predict.

    Where production's rows name one of `same_models`, only these are compared and `same_model` is True: they should be
    equal. Else another model spoke and the distance is told for what it is worth.
    """
    both = sides.backtest.predicted & sides.production.predicted
    named = _models(sides).isin(same_models).to_numpy() & both
    rows = np.flatnonzero(named if named.any() else both)
    if not len(rows):
        return {"rows": 0, "same_model": False, "equal": None}
    distance = np.abs(sides.production.prediction - sides.backtest.prediction)[rows]
    quantiles = np.quantile(distance, list(QUANTILES.values())).tolist()
    return {
        "rows": len(rows),
        "same_model": bool(named.any()),
        "models": sorted(map(str, _models(sides).iloc[rows].dropna().unique())),
        "equal": float((distance <= tolerance).mean()),
        "distance": dict(zip(QUANTILES, quantiles, strict=True)) | {"mean": float(distance.mean())},
        "days": _days(sides, rows, distance),
        "segments": _segments(sides, rows, distance, segments),
    }


def _models(sides: Sides) -> pd.Series:
    if "production_model" in sides.rows:
        return sides.rows["production_model"]
    return pd.Series(None, index=sides.rows.index, dtype=object)


def _days(sides: Sides, rows: Ints, distance: Floats) -> list[dict[str, Any]]:
    sums, counts = np.bincount(sides.code[rows], distance), np.bincount(sides.code[rows])
    return _worst(np.array(sides.named(np.arange(len(sums)))), sums, counts, "day")


def _segments(sides: Sides, rows: Ints, distance: Floats, segments: list[str]) -> list[dict[str, Any]]:
    found = []
    for name in segments:
        if name in sides.rows:
            code, levels = pd.factorize(sides.rows[name].iloc[rows], sort=True)
            known = code >= 0
            sums, counts = np.bincount(code[known], distance[known]), np.bincount(code[known])
            found += [{"column": name} | one for one in _worst(np.asarray(levels, str), sums, counts, "level")]
    return sorted(found, key=lambda one: -one["distance"])[:SHOWN]


def _worst(
    names: np.ndarray[Any, Any], sums: np.ndarray[Any, Any], counts: np.ndarray[Any, Any], what: str
) -> list[dict[str, Any]]:
    """Return the names with the largest mean distance."""
    kept = np.flatnonzero(counts >= FEW_ROWS)
    means = sums[kept] / counts[kept]
    order = np.argsort(-means, kind="stable")[:SHOWN]
    return [
        {what: str(names[kept[place]]), "rows": int(counts[kept[place]]), "distance": float(means[place])}
        for place in order
    ]
