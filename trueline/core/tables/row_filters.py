"""Row filters: rows that break a rule are set aside and counted by reason."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pandas as pd

S = TypeVar("S")
Flags = pd.Series  # True for the rows that break a rule
Counts = dict[str, int]


def filter_rows(
    rows: pd.DataFrame, rules: Mapping[str, Callable[[pd.DataFrame, S], Flags]], settings: S
) -> tuple[pd.DataFrame, Counts]:
    """Return the rows that break no rule, and how many were set aside for which reason.

    Rules run in order; each sees only the rows that the ones before it let pass, so no row counts twice.

    >>> rows = pd.DataFrame({"points": [7, -1, 12]})
    >>> sound_rows, counts = filter_rows(rows, {"too few": lambda rows, least: rows["points"] < least}, 0)
    >>> sound_rows["points"].tolist(), counts
    ([7, 12], {'too few': 1})
    """
    reasons = find_reasons(rows, rules, settings)
    return rows[~rows.index.isin(reasons.index)], count_reasons(reasons, rules)


def count_reasons(reasons: pd.Series, rules: Iterable[str]) -> Counts:
    """Return how many rows `find_reasons` gave each rule, in the order of the rules; rules without a row are absent."""
    return {reason: count for reason in rules if (count := int((reasons == reason).sum()))}


def find_reasons(rows: pd.DataFrame, rules: Mapping[str, Callable[[pd.DataFrame, S], Flags]], settings: S) -> pd.Series:
    """Return the first rule that each faulty row breaks, under its index; rules run as in `filter_rows`."""
    reasons = [pd.Series(dtype=object)]
    for reason, rule in rules.items():
        is_faulty = rule(rows, settings)
        reasons.append(pd.Series(reason, rows.index[is_faulty], dtype=object))
        rows = rows[~is_faulty]
    return pd.Series(pd.concat(reasons), dtype=object)
