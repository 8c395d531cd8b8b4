"""over_calibration: does the over happen as often as P(over) says?"""

from typing import Any

import numpy as np
from scipy.special import chdtrc  # scipy.stats takes a second to import

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from trueline.core.stats.group_ops import MIN_PROBABILITY, Floats

NAME = "Does the over happen as often as its probability says?"
ASKS = "health"

MAX_EXCESS = 0.03  # mean distance between predicted and observed beyond what chance gives; a margin at −110 is 0.024
MAX_P_VALUE = 1e-4  # chance of so large distances if all probabilities are right; rows of a game are not independent
HALF_NORMAL_MEAN = np.sqrt(2 / np.pi)  # mean distance from 0 of a standard normal variable


def check(evidence: Evidence) -> Finding:
    """Compare, bin by bin, P(over) with how often the over happened, as the report has them.

    Warns if the bins are farther apart on average than chance explains, both in size and in probability. The summary
    names the range that was predicted and the range that happened. Declines where the report has no P(over).
    """
    curve: list[dict[str, Any]] = (evidence.report.get("distribution") or {}).get("reliability") or []
    if not curve:
        return decline("The report has no probabilities of the over.")
    rows, predicted, observed = (np.array([row[name] for row in curve]) for name in ("n", "predicted", "observed"))
    distance, chance, p_value = compare_bins(rows, predicted, observed)
    details = {
        "mean_distance": distance,
        "distance_by_chance": chance,
        "p_value": p_value,
        "predicted": [float(predicted.min()), float(predicted.max())],
        "observed": [float(observed.min()), float(observed.max())],
        "rows": int(rows.sum()),
    }
    message = (
        f"P(over) from {predicted.min():.0%} to {predicted.max():.0%} was predicted where {observed.min():.0%} to "
        f"{observed.max():.0%} happened ({rows.sum():,} rows; mean distance {distance:.3f}, by chance {chance:.3f})"
    )
    if distance - chance <= MAX_EXCESS or p_value >= MAX_P_VALUE:
        return make_finding("ok", f"{message}.", **details)
    verdict = "too bold" if np.ptp(predicted) > np.ptp(observed) else "wrong"
    return make_finding("warning", f"{message}: the probabilities are {verdict}.", **details)


def compare_bins(rows: Floats, predicted: Floats, observed: Floats) -> tuple[float, float, float]:
    """Return the mean distance of a row's bin, the one that chance gives, and the p value of χ² over the bins."""
    variance = np.maximum(predicted * (1 - predicted), MIN_PROBABILITY) / rows
    distance = np.average(np.abs(observed - predicted), weights=rows)
    chance = np.average(HALF_NORMAL_MEAN * np.sqrt(variance), weights=rows)
    statistic = ((observed - predicted) ** 2 / variance).sum()
    return float(distance), float(chance), float(chdtrc(len(rows), statistic))
