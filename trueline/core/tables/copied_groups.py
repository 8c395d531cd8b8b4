"""Copied groups: one race or game told twice, under another id, day or spelling, known by what happened in it."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

Flags = pd.Series

MIN_ROWS = 3  # rows that must agree
LEAST_AGREEMENT = 0.5  # share of the rows of the smaller group that must agree
MOST_OCCURRENCES = 20  # a result that more rows have than this is no evidence, and would give too many pairs
CERTAINTY = 9.0  # nats by which chance is exceeded: no pair in several thousand tables without a copy


def flag_copied_groups(signatures: list[pd.DataFrame], group: pd.Series, time: pd.Series) -> Flags:
    """Return True for the rows of groups that repeat an earlier one, by any of the signatures; see find_copied_groups.

    Of two copies the later is flagged, at one time that with the later id.
    """
    copies = [find_copied_groups(signature, group, time)["copy"] for signature in signatures]
    return group.isin(pd.concat(copies) if copies else [])


def find_copied_groups(signature: pd.DataFrame, group: pd.Series, time: pd.Series) -> pd.DataFrame:
    """Return the pairs of groups so many of whose rows agree in all columns of `signature` that it cannot be chance.

    The signature is what tells the rows of a group apart: counts, times, prices. Rows without a value count for
    nothing. Two groups are copies if at least half of the rows of the smaller, and three, agree with rows of the other.
    A row agrees by chance with a probability of (rows with its signature) / (all rows) · (rows of the other group); the
    product over the agreeing rows, times the number of ways to choose them and of pairs of groups, must be below e⁻⁹.
    The result has the columns original, copy (the later, at one time that with the later id) and rows.
    """
    names = _list_by_time(group, time)
    order = names.get_indexer(pd.Index(group))
    sizes = np.bincount(order, minlength=len(names))
    result = pd.util.hash_pandas_object(signature, index=False).to_numpy()
    rows = pd.DataFrame({"result": result, "order": order, "occurrences": _count_occurrences(signature, result)})
    rows = rows[rows["occurrences"].between(1, MOST_OCCURRENCES) & rows.duplicated("result", keep=False)]
    results = rows.groupby(["result", "order"])["occurrences"].agg(count="size", occurrences="first").reset_index()
    telling = results[results.duplicated("result", keep=False)]
    pairs = telling.merge(telling, on="result", suffixes=("", "_copy"))
    pairs = pairs[pairs["order"] < pairs["order_copy"]]
    pairs["rows"] = np.minimum(pairs["count"], pairs["count_copy"])
    smaller, larger = (pick(sizes[pairs["order"]], sizes[pairs["order_copy"]]) for pick in (np.minimum, np.maximum))
    chance = np.minimum(pairs["occurrences"] / max(len(signature), 1) * larger, 1.0)
    pairs = pairs.assign(smaller=smaller, evidence=-pairs["rows"] * np.log(chance))
    agreeing = pairs.groupby(["order", "order_copy"]).agg(
        rows=("rows", "sum"), smaller=("smaller", "first"), evidence=("evidence", "sum")
    )
    agreeing = agreeing[(agreeing["rows"] >= MIN_ROWS) & (agreeing["rows"] >= LEAST_AGREEMENT * agreeing["smaller"])]
    needed = _log_choices(agreeing["smaller"].to_numpy(float), agreeing["rows"].to_numpy(float))
    needed += np.log(max(len(names) * (len(names) - 1) / 2, 1)) + CERTAINTY
    certain = agreeing[agreeing["evidence"] > needed].reset_index()
    return pd.DataFrame(
        {
            "original": names[certain["order"].to_numpy(int)],
            "copy": names[certain["order_copy"].to_numpy(int)],
            "rows": certain["rows"].to_numpy(int),
        }
    )


def _list_by_time(group: pd.Series, time: pd.Series) -> pd.Index:
    """Return the groups by the time of their first row, at one time by id."""
    first_times = time.reset_index(drop=True).groupby(group.to_numpy()).min().rename_axis("group").rename("time")
    by_time: pd.Index = pd.Index(first_times.reset_index().sort_values(["time", "group"])["group"])
    return by_time


def _count_occurrences(signature: pd.DataFrame, result: np.ndarray) -> npt.NDArray[np.int64]:
    """Return how many rows agree with each row in what it has, as a gap tells a row from no other; 0 if it has none."""
    gaps = signature.isna().to_numpy()
    counts = np.zeros(len(signature), dtype=np.int64)
    for pattern in np.unique(gaps, axis=0):
        if pattern.all():
            continue
        has_pattern = (gaps == pattern).all(axis=1)
        present = signature.loc[:, ~pattern]
        hashes = pd.util.hash_pandas_object(present, index=False).to_numpy() if pattern.any() else result
        result_numbers = pd.factorize(hashes)[0]
        counts[has_pattern] = np.bincount(result_numbers)[result_numbers[has_pattern]]
    return counts


def _log_choices(n: npt.NDArray[np.float64], k: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the logarithm of the number of ways to choose k of n."""
    log_factorials = [[math.lgamma(number + 1) for number in numbers] for numbers in (n, k, n - k)]
    of_all, of_chosen, of_others = np.array(log_factorials, dtype=np.float64)
    return np.asarray(of_all - of_chosen - of_others)
