"""feature_shift: which inputs are spread otherwise in the rows scored than in the rows fitted on?"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from core.evidence import Evidence, Finding, finding
from core.folds import names
from core.intervals import FEWEST, LEVEL
from core.races import Codes
from stages.diagnose._judged import roles, scored

NAME = "Are the inputs spread in scoring as they were in fitting?"

FEW = 20  # distinct numbers up to which each is a level of its own
RARE = 0.01  # share of the fit rows below which levels are pooled: their shares are mostly noise
SHOWN = 10


def check(evidence: Evidence) -> Finding:
    """Name inputs whose population stability index between the first test fold's fit rows and all score rows is high.

    PSI = Σ (q − p)·ln(q/p) over deciles of the fit rows, or over levels; missing is a cell of its own. With no change
    it is about (cells − 1)(1/n₁ + 1/n₂), n in groups, for rows of one group are not independent. An input is named
    when its PSI exceeds that by more than the limit, and exceeds what chance does to any of the inputs once in 20.
    Counts that only grow (starts so far) must shift and are named too. Values that persist over many groups shift
    more by chance than is allowed for here.
    """
    folds, inputs = roles(evidence), evidence.features.drop(columns="row_id")
    chosen = (folds[names(folds, "test")[:1]] == "fit").any(axis=1).to_numpy(), scored(folds).to_numpy()
    groups = [folds["group"][rows].nunique() for rows in chosen]
    if min(groups) < FEWEST:
        return finding("declined", f"{groups[0]} fit and {groups[1]} score groups; {FEWEST} of each are needed.")
    noise = sum(1 / n for n in groups)
    fit, score = (inputs[rows] for rows in chosen)
    measured = [{"feature": str(name), **_shift(fit[name], score[name], noise, fit.shape[1])} for name in fit.columns]
    measured.sort(key=lambda found: (found["expected"] - found["psi"], found["feature"]))
    shifted = [found["feature"] for found in measured if _beyond(found, evidence.limits.shift)]
    details = {"top": measured[:SHOWN], "shifted": shifted, "fit_groups": groups[0], "score_groups": groups[1]}
    if shifted:
        many = ", ".join(shifted[:SHOWN]) + (" and more" if len(shifted) > SHOWN else "")
        said = f"{len(shifted)} of {len(measured)} inputs shifted: {many} (a count that only grows always does)."
        return finding("warning", said, **details)
    return finding("ok", f"None of {len(measured)} inputs shifted between fit and score rows beyond chance.", **details)


def _beyond(found: dict[str, Any], limit: float) -> bool:
    return bool(found["psi"] - found["expected"] > limit and found["psi"] > found["chance"])


def _shift(fit: pd.Series, score: pd.Series, noise: float, inputs: int) -> dict[str, Any]:
    cells = _cells(fit, score)
    counts = [np.bincount(part, minlength=max(map(np.max, cells)) + 1) for part in cells]
    # half a row in each cell keeps an empty one finite
    p, q = ((count + 0.5) / (count + 0.5).sum() for count in (part[counts[0] + counts[1] > 0] for part in counts))
    freedom = max(len(p) - 1, 1)
    return {
        "psi": float(((q - p) * np.log(q / p)).sum()),
        "expected": freedom * noise,
        "chance": float(chi2.ppf(1 - (1 - LEVEL) / inputs, freedom)) * noise,
    }


def _cells(fit: pd.Series, score: pd.Series) -> tuple[Codes, Codes]:
    """Return for each row the number of its cell: 0 missing, then levels (1 for rare and unseen ones) or deciles."""
    if not pd.api.types.is_numeric_dtype(fit) or fit.nunique() <= FEW:
        share = fit.value_counts(normalize=True)
        levels = pd.Index(sorted(share.index[share >= RARE]))
        return _levels(fit, levels), _levels(score, levels)
    edges = np.unique(np.quantile(fit.dropna().astype(float), np.arange(1, 10) / 10))
    return _deciles(fit, edges), _deciles(score, edges)


def _levels(values: pd.Series, levels: pd.Index) -> Codes:
    found = levels.get_indexer(pd.Index(values.astype(object))) + 2
    return np.where(values.isna(), 0, found).astype(np.int64)


def _deciles(values: pd.Series, edges: np.ndarray) -> Codes:
    numbers = values.to_numpy(float)
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers, side="right") + 1).astype(np.int64)
