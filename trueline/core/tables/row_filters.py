"""Sifting: rows in which a rule finds fault are set aside, and counted by reason."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import pandas as pd

from trueline.core.errors import UserError

S = TypeVar("S")
Flags = pd.Series  # True for the rows in which a rule finds fault
Counts = dict[str, int]


def filter_rows(
    rows: pd.DataFrame, rules: Mapping[str, Callable[[pd.DataFrame, S], Flags]], settings: S
) -> tuple[pd.DataFrame, Counts]:
    """Return the rows in which no rule finds fault, and how many were set aside for which reason.

    Rules are asked in order; each sees only the rows that the ones above let pass, so no row counts twice.
    """
    counts = {}
    for reason, rule in rules.items():
        is_faulty = rule(rows, settings)
        if is_faulty.any():
            counts[reason] = int(is_faulty.sum())
            rows = rows[~is_faulty]
    return rows, counts


def require_rows(rows: pd.DataFrame, sound_rows: pd.DataFrame, counts: Counts, table_label: str) -> None:
    """Refuse a table of which no row is sound, naming what most were set aside for."""
    if sound_rows.empty:
        reason = max(counts, key=lambda reason: counts[reason])
        raise UserError(f"{table_label}: none of {len(rows)} rows survives; most were set aside for {reason!r}.")
