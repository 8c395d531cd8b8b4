"""constant_features: which inputs say nothing in the rows that are scored, or say something only there?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evidence import Evidence, Finding, finding
from core.folds import names
from core.intervals import FEWEST
from stages.diagnose._judged import roles, scored

MANY = 30  # values from which a number is measured, not counted or chosen

NAME = "Do all inputs say something, in fitting and in scoring?"


def check(evidence: Evidence) -> Finding:
    """Name inputs that are constant, missing, defaulted in the score rows, or dead in fitting and alive in scoring.

    A missing value counts as a value: an input that is 1 or missing is not constant. A number of many values of which
    one stands in most rows looks like a default that hides what is missing. Declines below 30 score rows.
    """
    folds = roles(evidence)
    alive = scored(folds).to_numpy()
    if alive.sum() < FEWEST:
        return finding("declined", f"Only {alive.sum()} score rows; {FEWEST} are needed to call an input constant.")
    stretches = _Stretches.of(folds, evidence.features)
    live = stretches.part(alive)
    missing = 1 - live.known / live.rows
    silent = list(missing.index[live.known == 0])
    constant = list(missing.index[live.constant()])
    limit = evidence.limits.missing_share
    sparse = missing[(missing > limit) & (live.known > 0)].sort_values(ascending=False, kind="stable")
    awakened = _awakened(folds, stretches)
    defaulted = _defaulted(evidence.features, alive, evidence.limits.default_share)
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

    code: np.ndarray  # of each row, the stretch it is in
    rows: np.ndarray  # in each stretch
    low: pd.DataFrame  # stretches × inputs
    high: pd.DataFrame
    known: pd.DataFrame

    @classmethod
    def of(cls, folds: pd.DataFrame, features: pd.DataFrame) -> "_Stretches":
        """Return the stretches of the features' rows."""
        code = np.zeros(len(folds), dtype=np.int64)
        for fold in names(folds, "test"):
            role = pd.factorize(folds[fold])[0] + 1
            code = pd.factorize(code * (role.max(initial=0) + 1) + role)[0]
        inputs = {str(name): _as_numbers(features[name]).groupby(code) for name in features.columns.drop("row_id")}
        low, high, known = (
            pd.DataFrame({name: getattr(values, figure)() for name, values in inputs.items()})
            for figure in ("min", "max", "count")
        )
        return cls(code, np.bincount(code, minlength=len(low)), low, high, known)

    def part(self, rows: np.ndarray) -> _Part:
        """Return what whole stretches hold together; `rows` marks the rows of these."""
        chosen = np.unique(self.code[rows])
        low, high, known = (table.iloc[chosen] for table in (self.low, self.high, self.known))
        return _Part(low.min(), high.max(), known.sum(), int(self.rows[chosen].sum()))


def _defaulted(features: pd.DataFrame, alive: np.ndarray, limit: float) -> dict[str, float]:
    """Return input → the share of its commonest value where that is large and the others are many."""
    found = {}
    for name in features.columns.drop("row_id"):
        values = _as_numbers(features[name])[alive]
        share = values.value_counts(normalize=True)
        if len(share) > MANY and share.iloc[0] > limit:
            found[str(name)] = float(share.iloc[0])
    return found


def _awakened(folds: pd.DataFrame, stretches: _Stretches) -> dict[str, list[str]]:
    """Return input → test folds in which it is constant or missing in the fit rows and varies in the score rows."""
    found: dict[str, list[str]] = {}
    for fold in names(folds, "test"):
        fit, score = (stretches.part((folds[fold] == role).to_numpy()) for role in ("fit", "score"))
        if fit.rows < FEWEST or score.rows < FEWEST:
            continue
        for name in fit.low.index[fit.dead() & ~score.dead()]:
            found.setdefault(str(name), []).append(fold)
    return found


def _as_numbers(values: pd.Series) -> pd.Series:
    """Return an input as floats, categories as the numbers of their levels."""
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(float).reset_index(drop=True)
    codes = pd.Series(pd.factorize(values)[0], dtype=float)
    return codes.where(codes >= 0)
