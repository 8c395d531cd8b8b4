"""constant_features: which inputs say nothing in the rows that are scored, or say something only there?"""

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
    folds, inputs = roles(evidence), _numbers(evidence.features)
    live = inputs[scored(folds).to_numpy()]
    if len(live) < FEWEST:
        return finding("declined", f"Only {len(live)} score rows; {FEWEST} are needed to call an input constant.")
    missing = live.isna().mean()
    silent = list(live.columns[missing == 1])
    constant = list(live.columns[_constant(live)])
    limit = evidence.limits.missing_share
    sparse = missing[(missing > limit) & (missing < 1)].sort_values(ascending=False, kind="stable")
    awakened, defaulted = _awakened(folds, inputs), _defaulted(live, evidence.limits.default_share)
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
    return finding("ok", f"All {live.shape[1]} inputs vary and are present in the {len(live)} score rows.", **details)


def _defaulted(live: pd.DataFrame, limit: float) -> dict[str, float]:
    """Return input → the share of its commonest value where that is large and the others are many."""
    found = {}
    for name in live.columns[(live.nunique() > MANY).to_numpy()]:
        share = live[name].value_counts(normalize=True)
        if share.iloc[0] > limit:
            found[str(name)] = float(share.iloc[0])
    return found


def _awakened(folds: pd.DataFrame, inputs: pd.DataFrame) -> dict[str, list[str]]:
    """Return input → test folds in which it is constant or missing in the fit rows and varies in the score rows."""
    found: dict[str, list[str]] = {}
    for fold in names(folds, "test"):
        fit, score = (inputs[(folds[fold] == role).to_numpy()] for role in ("fit", "score"))
        if len(fit) < FEWEST or len(score) < FEWEST:
            continue
        dead = _constant(fit) | fit.isna().all().to_numpy()
        alive = ~(_constant(score) | score.isna().all().to_numpy())
        for name in inputs.columns[dead & alive]:
            found.setdefault(str(name), []).append(fold)
    return found


def _numbers(features: pd.DataFrame) -> pd.DataFrame:
    """Return the inputs as floats, categories as the numbers of their levels."""
    return features.drop(columns="row_id").apply(_as_numbers)


def _as_numbers(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(float)
    codes = pd.Series(pd.factorize(values)[0], index=values.index, dtype=float)
    return codes.where(codes >= 0)


def _constant(table: pd.DataFrame) -> np.ndarray:
    return np.asarray((table.min() == table.max()) & table.notna().all())
