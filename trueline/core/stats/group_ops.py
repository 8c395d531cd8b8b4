"""Sums, softmax, ranks and means of the rows of each group."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

Codes = npt.NDArray[np.int64]

MIN_PROBABILITY = 1e-12  # a probability of zero that comes true would cost infinitely much


def encode_groups(group: pd.Series) -> Codes:
    """Return 0…n-1 for each row's group, numbered by first appearance."""
    return pd.factorize(group)[0].astype(np.int64)


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
