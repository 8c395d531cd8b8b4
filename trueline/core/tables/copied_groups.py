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
    table = pd.DataFrame(
        {
            "result": pd.util.hash_pandas_object(signature, index=False).to_numpy(),
            "group": group.to_numpy(),
            "time": time.to_numpy(),
        }
    )
    has_signature = signature.notna().any(axis=1).to_numpy()
    names = table.groupby("group", sort=True)["time"].min().reset_index().sort_values(["time", "group"])["group"]
    table["order"] = table["group"].map(pd.Series(range(len(names)), index=names.to_numpy()))
    sizes = np.bincount(table["order"], minlength=len(names)) if len(names) else np.empty(0, np.int64)
    results = table[has_signature].groupby(["result", "order"]).size().rename("count").reset_index()
    occurrences = results["result"].map(_count_occurrences(signature, table["result"]))
    is_telling = (occurrences <= MOST_OCCURRENCES) & results.duplicated("result", keep=False)
    telling = results.assign(occurrences=occurrences)[is_telling]
    pairs = telling.merge(telling, on="result", suffixes=("", "_copy"))
    pairs = pairs[pairs["order"] < pairs["order_copy"]]
    pairs["rows"] = np.minimum(pairs["count"], pairs["count_copy"])
    smaller, larger = (pick(sizes[pairs["order"]], sizes[pairs["order_copy"]]) for pick in (np.minimum, np.maximum))
    chance = np.minimum(pairs["occurrences"] / max(len(table), 1) * larger, 1.0)
    pairs = pairs.assign(smaller=smaller, evidence=-pairs["rows"] * np.log(chance))
    agreeing = pairs.groupby(["order", "order_copy"]).agg(
        rows=("rows", "sum"), smaller=("smaller", "first"), evidence=("evidence", "sum")
    )
    agreeing = agreeing[(agreeing["rows"] >= MIN_ROWS) & (agreeing["rows"] >= LEAST_AGREEMENT * agreeing["smaller"])]
    needed = _log_choices(agreeing["smaller"].to_numpy(float), agreeing["rows"].to_numpy(float))
    needed += np.log(max(len(names) * (len(names) - 1) / 2, 1)) + CERTAINTY
    certain = agreeing[agreeing["evidence"] > needed].reset_index()
    ids = names.to_numpy()
    return pd.DataFrame(
        {
            "original": ids[certain["order"].to_numpy(int)],
            "copy": ids[certain["order_copy"].to_numpy(int)],
            "rows": certain["rows"].to_numpy(int),
        }
    )


def _count_occurrences(signature: pd.DataFrame, result: pd.Series) -> pd.Series:
    """Return how many rows agree with each result in what it has: a gap tells a row from no other."""
    gaps = signature.isna().to_numpy()
    counts: dict[int, int] = {}
    for pattern in np.unique(gaps, axis=0):
        if pattern.all():
            continue
        rows = np.flatnonzero((gaps == pattern).all(axis=1))
        present = pd.util.hash_pandas_object(signature.loc[:, ~pattern], index=False)
        known_counts = present.map(present.value_counts())
        counts |= dict(zip(result.iloc[rows].tolist(), known_counts.iloc[rows].tolist(), strict=True))
    return pd.Series(counts, dtype=float)


def _log_choices(n: npt.NDArray[np.float64], k: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the logarithm of the number of ways to choose k of n."""
    log_factorials = [[math.lgamma(number + 1) for number in numbers] for numbers in (n, k, n - k)]
    of_all, of_chosen, of_others = np.array(log_factorials, dtype=np.float64)
    return np.asarray(of_all - of_chosen - of_others)
