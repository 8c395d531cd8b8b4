"""Sifting: rows in which a rule finds fault are set aside, and counted by reason."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import pandas as pd

from core.refusals import Refusal

S = TypeVar("S")
Flags = pd.Series  # True for the rows in which a rule finds fault
Counts = dict[str, int]


def sift(
    rows: pd.DataFrame, rules: Mapping[str, Callable[[pd.DataFrame, S], Flags]], settings: S
) -> tuple[pd.DataFrame, Counts]:
    """Return the rows in which no rule finds fault, and how many were set aside for which reason.

    Rules are asked in order; each sees only the rows that the ones above let pass, so no row counts twice.
    """
    counts = {}
    for reason, rule in rules.items():
        fault = rule(rows, settings)
        if fault.any():
            counts[reason] = int(fault.sum())
            rows = rows[~fault]
    return rows, counts


def refuse_nothing(rows: pd.DataFrame, sound: pd.DataFrame, counts: Counts, where: str) -> None:
    """Refuse a table of which no row is sound, naming what most were set aside for."""
    if sound.empty:
        reason = max(counts, key=lambda reason: counts[reason])
        raise Refusal(f"{where}: none of {len(rows)} rows survives; most were set aside for {reason!r}.")
