"""Reasons: a figure is told, or why it is not."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.tables import Column
from stages.diagnose._daily.rates import Rate

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
Why = Texts | str


class Part:
    """A group of columns that fills up, and the reason why figures of each row are missing."""

    def __init__(self, table: pd.DataFrame, group: str = "") -> None:
        self.table, self._group = table, group
        self._said: dict[str, list[tuple[str, Mask]]] = {}  # reason → names and where they are missing

    def figure(self, name: str, values: Floats, known: Mask, why: Why) -> None:
        """Add a number, missing where it is not known."""
        self.table[name] = np.where(known, values, np.nan)
        self._note(name, known, why)

    def word(self, name: str, values: Texts, known: Mask, why: Why) -> None:
        """Add a text, missing where it is not known."""
        self.table[name] = pd.Series(only(known, values))
        self._note(name, known, why)

    def rate(self, name: str, found: Rate, why: Why) -> None:
        """Add a percentage and its interval."""
        for end, values in (("", found.value), ("_low", found.low), ("_high", found.high)):
            self.table[f"{name}{end}"] = values
        self._note(name, np.isfinite(found.value), why)

    def without(self, columns: Sequence[Column], why: str) -> "Part":
        """Return the group with all of its figures missing for one reason."""
        for column in columns:
            self.table[column.name] = None if column.kind == "text" else np.nan
        self.table[f"{self._group}_reason"] = why
        return self

    def done(self) -> "Part":
        """Return the group with its reason column: "names: reason; …", null where every figure is told."""
        rows: list[dict[str, list[str]]] = [{} for _ in range(len(self.table))]
        for name, held in self._said.items():
            for why, missing in held:
                for row in np.flatnonzero(missing):
                    rows[row].setdefault(why, []).append(name)
        said = ["; ".join(f"{', '.join(names)}: {why}" for why, names in row.items()) or None for row in rows]
        self.table[f"{self._group}_reason"] = pd.Series(np.array(said, dtype=object))
        return self

    def _note(self, name: str, known: Mask, why: Why) -> None:
        texts = np.full(len(known), why, dtype=object) if isinstance(why, str) else why
        code, levels = pd.factorize(texts[~known])
        for number, level in enumerate(levels):
            missing = np.zeros(len(known), dtype=bool)
            missing[np.flatnonzero(~known)[code == number]] = True
            self._said.setdefault(name, []).append((str(level), missing))


def only(known: Mask, values: Texts) -> Texts:
    """Return the texts where they are known and None elsewhere."""
    found = np.full(len(known), None, dtype=object)
    found[known] = values[known]
    return found


def few(n: Floats, least: float, what: str) -> Texts:
    """Return for each day that there are too few of something."""
    return np.array([f"insufficient n ({one:.0f} {what} of {least:g})" for one in n], dtype=object)


def either(first: Mask, one: Why, other: Why) -> Texts:
    """Return the first reason where it holds, else the other."""
    return np.asarray(np.where(first, one, other), dtype=object)
