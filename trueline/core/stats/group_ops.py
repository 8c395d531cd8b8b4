"""Group operations: sums, shares, softmax, its temperature, ranks and means within each group of rows."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.errors import UserError

Floats = npt.NDArray[np.float64]

Codes = npt.NDArray[np.int64]

MIN_PROBABILITY = 1e-12  # the loss of an event that happens although its probability was 0 would be infinite
MAX_PADDING = 8  # cells for each row in a table of groups; beyond it, groups differ too much in size for one
LOG_FACTOR_TOLERANCE = 1e-8  # of the logarithm of the temperature's factor


def encode_groups(group: pd.Series) -> Codes:
    """Return 0…n−1 for each row's group, numbered by first appearance.

    >>> encode_groups(pd.Series(["race 7", "race 2", "race 7"])).tolist()
    [0, 1, 0]
    """
    return pd.factorize(group)[0].astype(np.int64)


def sum_by_group(values: Floats, code: Codes) -> Floats:
    """Return for each row the sum over its group."""
    return np.bincount(code, weights=values).astype(float)[code]


def normalize_by_group(values: Floats, code: Codes) -> Floats:
    """Return non-negative values as shares of their group's sum; in a group of zeros all shares are equal.

    >>> normalize_by_group(np.array([1.0, 0.0, 3.0, 0.0]), np.array([0, 1, 0, 1])).tolist()
    [0.25, 0.5, 0.75, 0.5]
    """
    sums = sum_by_group(values, code)
    size = sum_by_group(np.ones(len(code)), code)
    return np.where(sums > 0, values / np.where(sums > 0, sums, 1.0), 1 / size)


def compute_group_softmax(score: Floats, code: Codes) -> Floats:
    """Return exp(score) as shares within the group, without overflow for large scores."""
    group_max = np.full(code.max() + 1 if len(code) else 0, -np.inf)
    np.maximum.at(group_max, code, score)
    return normalize_by_group(np.exp(score - group_max[code]), code)


def fit_temperature(score: Floats, win_share: Floats, code: Codes) -> float:
    """Return the factor b, from e⁻⁴ to e⁴, for which softmax(b·score) has the least mean loss on these rows."""
    from scipy.optimize import minimize_scalar  # here, because most who import this file need none of it

    def compute_mean_loss(log_b: float) -> float:
        p = np.maximum(compute_group_softmax(np.exp(log_b) * score, code), MIN_PROBABILITY)
        return float(np.bincount(code, weights=-win_share * np.log(p)).mean())

    solution = minimize_scalar(
        compute_mean_loss,
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": LOG_FACTOR_TOLERANCE},
    )
    return float(np.exp(solution.x))


def rank_within_group(values: Floats, code: Codes) -> Floats:
    """Return each row's rank within its group: 1 for the largest, the mean rank for ties, missing for missing."""
    order = _sort_within_groups(-values, code)
    sorted_values, sorted_code = values[order], code[order]
    is_first = np.ones(len(values) + 1, dtype=np.bool_)
    is_first[1:-1] = (sorted_code[1:] != sorted_code[:-1]) | (sorted_values[1:] != sorted_values[:-1])
    tie_begins = np.flatnonzero(is_first)
    mean_position = np.repeat((tie_begins[:-1] + tie_begins[1:] - 1) / 2, np.diff(tie_begins))
    sizes = np.bincount(code)
    rank = np.empty(len(values))
    rank[order] = mean_position - (np.cumsum(sizes) - sizes)[sorted_code] + 1
    rank[np.isnan(values)] = np.nan
    return rank


def _sort_within_groups(values: Floats, code: Codes) -> Codes:
    """Return the positions of the rows by group and value, missing values last in their group, ties as they stand.

    Rows whose groups follow each other are sorted as a table with a row for each group, in a fraction of the time.
    """
    sizes = np.bincount(code)
    width = int(sizes.max(initial=0))
    if len(sizes) * width > MAX_PADDING * len(code) or (code[1:] < code[:-1]).any():
        return np.lexsort((values, code))
    starts = np.cumsum(sizes) - sizes
    padded = np.full((len(sizes), width), np.nan)
    padded[code, np.arange(len(code)) - starts[code]] = values
    positions = starts[:, None] + np.argsort(padded, axis=1, kind="stable")
    return np.asarray(positions[np.arange(width) < sizes[:, None]], dtype=np.int64)


def subtract_group_mean(values: Floats, code: Codes) -> Floats:
    """Return each row's value minus the mean of its group (missing values left out).

    To the last bit a function of its own group alone. Pandas' group means are not: how they add depends on whether any
    row of the table is missing.
    """
    is_present = ~np.isnan(values)
    count = sum_by_group(is_present.astype(float), code)
    sums = sum_by_group(np.where(is_present, values, 0.0), code)
    return np.asarray(values - sums / np.where(count > 0, count, np.nan))


def require_valid_targets(win_share: Floats, plugin_name: str, score: Floats | None = None) -> None:
    """Raise UserError if there are no rows, a target is not a share of a win (0 to 1), or a score is not finite."""
    if not len(win_share):
        raise UserError(f"{plugin_name} was given no rows; add days, or choose folds that leave it some.")
    if not ((win_share >= 0) & (win_share <= 1)).all():
        raise UserError(
            f"{plugin_name} needs targets that are a share of a win, from 0 (lost) to 1 (won), but they run from "
            f"{win_share.min():g} to {win_share.max():g}; choose another plugin for this task."
        )
    if score is not None and not np.isfinite(score).all():
        invalid_count = int((~np.isfinite(score)).sum())
        raise UserError(
            f"{plugin_name} was given {invalid_count} of {len(score)} scores missing or infinite; fix the learner."
        )
