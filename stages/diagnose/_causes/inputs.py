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
    missing value and, in a number that had many values before, the value whose share rose most: a default would show.
    """
    day = evidence.asked["time"].dt.normalize()
    start = on - pd.Timedelta(days=settings.window_days)
    late = ((day > start) & (day <= on)).to_numpy()
    before = ((day <= start) & (day > start - pd.Timedelta(days=settings.baseline_days))).to_numpy()
    if not late.any() or not before.any():
        return []
    place = evidence.asked["inputs"].to_numpy()
    found = []
    for name, column in each(evidence.features, evidence.inputs):
        if is_number(evidence.features, name):
            values = column.to_numpy(float, na_value=np.nan)
        else:
            values = np.where(column.isna().to_numpy(), np.nan, 0.0)
        found.append({"input": name, **_told(taken(values, place[late]), taken(values, place[before]))})
    kept = [one for one in found if one["share"] - one["before"] >= settings.unsound_share]
    return sorted(kept, key=lambda one: one["before"] - one["share"])[:MOST]


def _told(now: Floats, then: Floats) -> dict[str, Any]:
    """Return what rose more, missing values or one value, and its shares."""
    shares = [("missing", float(np.isnan(now).mean()), float(np.isnan(then).mean()))]
    earlier = np.sort(then[~np.isnan(then)])
    values, counts = np.unique(now[~np.isnan(now)], return_counts=True)
    if len(values) and len(np.unique(earlier)) > MANY:
        times = np.searchsorted(earlier, values, "right") - np.searchsorted(earlier, values)
        rose = counts / len(now) - times / len(then)
        most = int(rose.argmax())
        shares.append((f"at {values[most]:g}", float(counts[most] / len(now)), float(times[most] / len(then))))
    what, share, before = max(shares, key=lambda one: one[1] - one[2])
    return {"unsound": what, "share": round(share, 6), "before": round(before, 6)}
