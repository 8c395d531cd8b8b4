"""Inputs: which of them are missing, or at one value, in more rows of the window than before it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence
from core.places import taken
from core.stored import each, is_number
from stages.diagnose._causes.judgement import Settings
from stages.diagnose._causes.quality import MANY

Floats = npt.NDArray[np.float64]
MOST = 5  # inputs that are told


def worse(evidence: Evidence, on: pd.Timestamp, settings: Settings) -> list[dict[str, Any]]:
    """Return the inputs whose unsound share rose by `unsound_share` or more, the worst first, at most five.

    Compared are the rows asked for in the window that ends on a day, and those of the days before it. Unsound is a
    missing value and, in an input of many values, the commonest of the window's, in which a default would show.
    """
    day = evidence.asked["time"].dt.normalize()
    start = on - pd.Timedelta(days=settings.window_days)
    late = ((day > start) & (day <= on)).to_numpy()
    before = ((day <= start) & (day > start - pd.Timedelta(days=settings.baseline_days))).to_numpy()
    if not late.any() or not before.any():
        return []
    place = evidence.asked["inputs"].to_numpy()
    numbers = [name for name in evidence.inputs if is_number(evidence.features, name)]
    found = []
    for name, column in each(evidence.features, numbers):
        values = column.to_numpy(float, na_value=np.nan)
        told = _told(taken(values, place[late]), taken(values, place[before]))
        found.append({"input": name, **told})
    kept = [one for one in found if one["share"] - one["before"] >= settings.unsound_share]
    return sorted(kept, key=lambda one: one["before"] - one["share"])[:MOST]


def _told(now: Floats, then: Floats) -> dict[str, Any]:
    """Return what rose more, missing values or one value, and its shares."""
    shares = [("missing", float(np.isnan(now).mean()), float(np.isnan(then).mean()))]
    values, counts = np.unique(now[~np.isnan(now)], return_counts=True)
    if len(values) > MANY:
        common = values[counts.argmax()]
        shares.append((f"at {common:g}", float((now == common).mean()), float((then == common).mean())))
    what, share, before = max(shares, key=lambda one: one[1] - one[2])
    return {"unsound": what, "share": round(share, 6), "before": round(before, 6)}
