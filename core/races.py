"""Groups in which one share of success is divided: softmax, losses and ranks within each."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar

from core.refusals import UserError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

LOG_FACTOR_TOLERANCE = 1e-8  # in the logarithm of a factor
MIN_PROBABILITY = 1e-12  # a probability of zero that comes true would cost infinitely much


def encode_groups(group: pd.Series) -> Codes:
    """Return 0…n-1 for each row's group, numbered by first appearance."""
    return pd.factorize(group)[0].astype(np.int64)


def require_valid_targets(win_share: Floats, plugin_name: str, score: Floats | None = None) -> None:
    """Refuse what no tool learns a chance from: no rows, targets that are no share of a win, scores not finite."""
    if not len(win_share):
        raise UserError(f"{plugin_name} was given no rows; bring more days, or choose folds that leave it some.")
    if not ((win_share >= 0) & (win_share <= 1)).all():
        raise UserError(
            f"{plugin_name} needs targets that are a share of a win, 0 lost to 1 won, and they run from {win_share.min():g} to "
            f"{win_share.max():g}; choose another tool for this task."
        )
    if score is not None and not np.isfinite(score).all():
        invalid_count = int((~np.isfinite(score)).sum())
        raise UserError(
            f"{plugin_name} was given {invalid_count} of {len(score)} scores missing or infinite; mend the learner."
        )


def sum_by_group(values: Floats, code: Codes) -> Floats:
    """Return for each row the sum over its group."""
    return np.bincount(code, weights=values).astype(float)[code]


def normalize_by_group(values: Floats, code: Codes) -> Floats:
    """Return non-negative values as shares of their group's sum; a group of zeros is shared evenly."""
    sums = sum_by_group(values, code)
    size = sum_by_group(np.ones(len(code)), code)
    return np.where(sums > 0, values / np.where(sums > 0, sums, 1.0), 1 / size)


def compute_group_softmax(score: Floats, code: Codes) -> Floats:
    """Return exp(score) as shares within the group, safe for large scores."""
    group_max = np.full(code.max() + 1 if len(code) else 0, -np.inf)
    np.maximum.at(group_max, code, score)
    return normalize_by_group(np.exp(score - group_max[code]), code)


def compute_race_losses(p: Floats, win_share: Floats, code: Codes) -> Floats:
    """Return −ln p(winner) for each group in order of its code; a dead heat shares the win (nats)."""
    return np.bincount(code, weights=-win_share * np.log(np.maximum(p, MIN_PROBABILITY))).astype(float)


def compute_uniform_losses(code: Codes) -> Floats:
    """Return ln(runners) for each group: the loss of knowing nothing (nats)."""
    return np.asarray(np.log(np.bincount(code)), dtype=np.float64)


def fit_temperature(score: Floats, win_share: Floats, code: Codes) -> float:
    """Return the factor b > 0 for which softmax(b·score) has the least loss on these rows."""
    solution = minimize_scalar(
        lambda log_b: compute_race_losses(compute_group_softmax(np.exp(log_b) * score, code), win_share, code).mean(),
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": LOG_FACTOR_TOLERANCE},
    )
    return float(np.exp(solution.x))


def rank_within_group(values: Floats, code: Codes) -> Floats:
    """Return each row's rank within its group, 1 for the largest, ties sharing the mean rank, missing unranked."""
    return np.asarray(pd.Series(values).groupby(code).rank(ascending=False), dtype=np.float64)


def subtract_group_mean(values: Floats, code: Codes) -> Floats:
    """Return each row's value minus the mean of its group (missing values left out).

    To the last bit a function of its own group alone, which pandas' means are not: what they add, and how, depends on
    whether any row of the table is missing.
    """
    is_present = ~np.isnan(values)
    count = sum_by_group(is_present.astype(float), code)
    sums = sum_by_group(np.where(is_present, values, 0.0), code)
    return np.asarray(values - sums / np.where(count > 0, count, np.nan))
