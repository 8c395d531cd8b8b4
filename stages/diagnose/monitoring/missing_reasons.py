"""Column groups of a table in which every missing figure has a reason."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.diagnose.monitoring.trailing_rates import RateInterval
from stages.diagnose.units.array_types import Floats, Mask, Texts
from trueline.core.tables.table_schema import Column

Reason = Texts | str


class ColumnGroup:
    """A group of columns under construction, with the reasons why figures of its rows are missing."""

    def __init__(self, row_count: int, group_name: str) -> None:
        self.table, self._group_name = pd.DataFrame(index=range(row_count)), group_name
        self._missing_by_name: dict[str, list[tuple[str, Mask]]] = {}  # reason → names and where they are missing

    def add_number(self, name: str, values: Floats, is_known: Mask, reason: Reason) -> None:
        """Add a number column, NaN where not known."""
        self.table[name] = np.where(is_known, values, np.nan)
        self._store_reason(name, is_known, reason)

    def add_text(self, name: str, values: Texts, is_known: Mask, reason: Reason) -> None:
        """Add a text column, None where not known."""
        self.table[name] = pd.Series(mask_texts(is_known, values))
        self._store_reason(name, is_known, reason)

    def add_rate(self, name: str, rate_interval: RateInterval, reason: Reason) -> None:
        """Add the columns of a percentage and its interval."""
        for suffix, values in (("", rate_interval.value), ("_low", rate_interval.low), ("_high", rate_interval.high)):
            self.table[f"{name}{suffix}"] = values
        self._store_reason(name, np.isfinite(rate_interval.value), reason)

    def fill_missing(self, columns: Sequence[Column], reason: str) -> "ColumnGroup":
        """Set all figures of the group missing for one reason, and return the group."""
        for column in columns:
            self.table[column.name] = None if column.kind == "text" else np.nan
        self.table[f"{self._group_name}_reason"] = reason
        return self

    def add_reason_column(self) -> "ColumnGroup":
        """Add the reason column, "names: reason; …" or null if no figure is missing, and return the group."""
        row_reasons: list[dict[str, list[str]]] = [{} for _ in range(len(self.table))]
        for name, missing_reasons in self._missing_by_name.items():
            for reason, is_missing in missing_reasons:
                for row in np.flatnonzero(is_missing):
                    row_reasons[row].setdefault(reason, []).append(name)
        joined_reasons = [
            "; ".join(f"{', '.join(names)}: {reason}" for reason, names in row.items()) or None for row in row_reasons
        ]
        self.table[f"{self._group_name}_reason"] = pd.Series(np.array(joined_reasons, dtype=object))
        return self

    def _store_reason(self, name: str, is_known: Mask, reason: Reason) -> None:
        texts = np.full(len(is_known), reason, dtype=object) if isinstance(reason, str) else reason
        code, distinct_reasons = pd.factorize(texts[~is_known])
        for index, reason_text in enumerate(distinct_reasons):
            is_missing = np.zeros(len(is_known), dtype=bool)
            is_missing[np.flatnonzero(~is_known)[code == index]] = True
            self._missing_by_name.setdefault(name, []).append((str(reason_text), is_missing))


def mask_texts(is_known: Mask, values: Texts) -> Texts:
    """Return the texts where they are known and None elsewhere."""
    masked = np.full(len(is_known), None, dtype=object)
    masked[is_known] = values[is_known]
    return masked


def explain_too_few(counts: Floats, minimum: float, unit_name: str) -> Texts:
    """Return for each day the reason that there are too few units."""
    return np.array([f"insufficient n ({count:.0f} {unit_name} of {minimum:g})" for count in counts], dtype=object)


def choose_reason(condition: Mask, reason: Reason, fallback: Reason) -> Texts:
    """Return `reason` where the condition holds, else `fallback`."""
    return np.asarray(np.where(condition, reason, fallback), dtype=object)
