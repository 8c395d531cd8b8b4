"""constant_features: which inputs say nothing in the rows that are scored, or say something only there?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence, Finding, finding
from core.folds import ROLES
from core.intervals import FEWEST
from core.places import run
from core.roles import Roles
from core.stored import each

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MANY = 30  # values from which a number is measured, not counted or chosen

NAME = "Do all inputs say something, in fitting and in scoring?"


def check(evidence: Evidence) -> Finding:
    """Name inputs that are constant, missing, defaulted in the score rows, or dead in fitting and alive in scoring.

    A missing value counts as a value: an input that is 1 or missing is not constant. A number of many values of which
    one stands in most rows looks like a default that hides what is missing. Declines below 30 score rows.
    """
    place, roles = evidence.fold_rows, evidence.roles
    alive = (place >= 0) & (roles.scored[place] if len(roles.part) else False)
    if alive.sum() < FEWEST:
        return finding("declined", f"Only {alive.sum()} score rows; {FEWEST} are needed to call an input constant.")
    part = np.where(place >= 0, roles.part[place], len(roles.played))
    stretches, defaulted = _looked_at(evidence, part, alive)
    tests = [roles.folds.index(name) for name in roles.tests]
    live = stretches.of((roles.played[:, tests] == ROLES.index("score")).any(axis=1))
    missing = 1 - live.known / live.rows
    silent = list(missing.index[live.known == 0])
    constant = list(missing.index[live.constant()])
    limit = evidence.limits.missing_share
    sparse = missing[(missing > limit) & (live.known > 0)].sort_values(ascending=False, kind="stable")
    awakened = _awakened(roles, stretches)
    details = {
        "constant": constant,
        "all_missing": silent,
        "mostly_missing": sparse.to_dict(),
        "defaulted": defaulted,
        "awakened": awakened,
    }
    parts = {
        "constant": constant,
        "missing in every score row": silent,
        f"missing in over {limit:.0%} of the score rows": list(sparse.index),
        f"one and the same number in over {evidence.limits.default_share:.0%} of the score rows": list(defaulted),
        "constant or missing in fit rows but alive in the rows scored": list(awakened),
    }
    said = [f"{', '.join(found)} {'is' if len(found) == 1 else 'are'} {what}" for what, found in parts.items() if found]
    if said:
        return finding("warning", f"{'; '.join(said)}.", **details)
    return finding("ok", f"All {len(missing)} inputs vary and are present in the {live.rows} score rows.", **details)


@dataclass(frozen=True)
class _Part:
    """Of each input in some rows: the least and the greatest value, and how many are known."""

    low: pd.Series
    high: pd.Series
    known: pd.Series
    rows: int

    def constant(self) -> np.ndarray:
        """Return which inputs have one value in all rows."""
        return np.asarray((self.low == self.high) & (self.known == self.rows))

    def dead(self) -> np.ndarray:
        """Return which inputs are constant or missing in all rows."""
        return np.asarray(self.constant() | (self.known == 0).to_numpy())


@dataclass(frozen=True)
class _Stretches:
    """Rows gathered by the roles that they play in all folds: any part of any fold is some of these stretches.

    Folds overlap, so looking at each one's rows anew would read the table dozens of times.
    """

    names: list[str]
    rows: Ints  # in each stretch; the last are rows that the folds do not know
    low: Floats  # inputs × stretches
    high: Floats
    known: Ints

    def of(self, chosen: Mask) -> _Part:
        """Return what some stretches hold together."""
        some = np.append(chosen, False) & (self.rows > 0)
        low = np.fmin.reduce(self.low[:, some], axis=1, initial=np.nan)
        high = np.fmax.reduce(self.high[:, some], axis=1, initial=np.nan)
        known = self.known[:, some].sum(axis=1)
        one, other, count = (pd.Series(figures, self.names) for figures in (low, high, known))
        return _Part(one, other, count, int(self.rows[some].sum()))


def _looked_at(evidence: Evidence, part: Ints, alive: Mask) -> tuple[_Stretches, dict[str, float]]:
    """Return the stretches of all inputs, and which of them stand at one value, from one look at each."""
    begin = np.flatnonzero(np.r_[True, part[1:] != part[:-1]])
    scored = run(np.flatnonzero(alive))
    shape = len(evidence.inputs), len(evidence.roles.played) + 1
    low, high, known = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    defaulted = {}
    for number, (name, column) in enumerate(each(evidence.features, evidence.inputs)):
        values = _as_numbers(column)
        np.fmin.at(low[number], part[begin], np.fmin.reduceat(values, begin))
        np.fmax.at(high[number], part[begin], np.fmax.reduceat(values, begin))
        np.add.at(known[number], part[begin], np.add.reduceat(~np.isnan(values), begin, dtype=np.int64))
        if (share := _commonest(values[scored], evidence.limits.default_share)) is not None:
            defaulted[name] = share
    rows = np.bincount(part, minlength=shape[1])
    return _Stretches(evidence.inputs, rows, low, high, known), defaulted


def _commonest(values: Floats, limit: float) -> float | None:
    """Return the share of the commonest of many values where it is more than the limit.

    Sorted, a value of so many rows reaches at least one of the places that lie so many apart.
    """
    values = values[~np.isnan(values)]
    stride = max(1, int(limit * len(values)))
    places = np.arange(stride - 1, len(values), stride)
    if not len(places):
        return None
    candidates = np.unique(np.partition(values, places)[places])
    share = max(np.count_nonzero(values == one) for one in candidates) / len(values)
    return share if share > limit and len(np.unique(values)) > MANY else None


def _awakened(roles: Roles, stretches: _Stretches) -> dict[str, list[str]]:
    """Return input → test folds in which it is constant or missing in the fit rows and varies in the score rows."""
    found: dict[str, list[str]] = {}
    for fold in roles.tests:
        fit, score = (stretches.of(roles.parts(fold, role)) for role in ("fit", "score"))
        if fit.rows < FEWEST or score.rows < FEWEST:
            continue
        for name in fit.low.index[fit.dead() & ~score.dead()]:
            found.setdefault(str(name), []).append(fold)
    return found


def _as_numbers(values: pd.Series) -> Floats:
    """Return an input as floats, categories as the numbers of their levels."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(float, na_value=np.nan)
    codes = pd.factorize(values)[0].astype(float)
    return np.where(codes >= 0, codes, np.nan)
