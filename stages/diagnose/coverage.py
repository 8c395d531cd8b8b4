"""coverage: has every row that the test folds score one usable prediction?"""

import numpy as np
import pandas as pd

from core.evidence import Evidence, Finding, finding
from core.folds import names
from stages.diagnose._judged import columns, divided

NAME = "Is every row that should be predicted predicted, and usably?"

ARMS = ("tuned", "default", "floor", "natural")
SLACK = 1e-6  # of a sum of probabilities: beyond rounding


def check(evidence: Evidence) -> Finding:
    """Fail score rows without a prediction, predictions of no score row, missing ones, and shares that do not sum to 1.

    Shares are looked at where the targets of each group sum to 1. Declines where no test fold scores a row or no arm
    is predicted.
    """
    predictions = evidence.predictions
    asked, given = _asked(evidence.folds), _keys(predictions)
    arms = [arm for arm in ARMS if columns(predictions, arm)]
    if asked.empty or not arms:
        return finding("declined", "No test fold scores a row." if asked.empty else "No arm is predicted.")
    shares = divided(evidence.folds)
    unpredicted, unasked = int((~asked.isin(given)).sum()), int((~given.isin(asked)).sum())
    told = {arm: predictions[columns(predictions, arm)].to_numpy(float) for arm in arms}
    missing = {arm: int((~np.isfinite(values)).any(axis=1).sum()) for arm, values in told.items()}
    torn = {arm: _torn(predictions, arm) for arm in arms} if shares else {}
    faults = {
        "rows that test folds score have no prediction": unpredicted,
        "predictions are of rows that their fold does not score": unasked,
        **{f"predictions of {arm} are missing": n for arm, n in missing.items()},
        **{f"groups of {arm} hold no shares that sum to 1": n for arm, n in torn.items()},
    }
    details = {
        "score_rows": len(asked),
        "unpredicted": unpredicted,
        "unasked": unasked,
        "missing": missing,
        "torn": torn,
    }
    if said := [f"{n} {what}" for what, n in faults.items() if n]:
        return finding("failed", f"{'; '.join(said)}.", **details)
    summed = ", and each group's probabilities sum to 1" if shares else ""
    return finding("ok", f"All {len(asked)} score rows are predicted by {', '.join(arms)}{summed}.", **details)


def _asked(folds: pd.DataFrame) -> pd.MultiIndex:
    parts = [folds.loc[folds[fold] == "score", ["row_id"]].assign(fold=fold) for fold in names(folds, "test")]
    return _keys(pd.concat(parts) if parts else pd.DataFrame(columns=["row_id", "fold"]))


def _keys(predictions: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(predictions[["row_id", "fold"]].drop_duplicates())


def _torn(predictions: pd.DataFrame, arm: str) -> int:
    known = predictions[np.isfinite(predictions[arm].to_numpy(float))]
    by_group = known.groupby(["fold", "group"])[arm]
    return int(((by_group.sum() - 1).abs().gt(SLACK) | by_group.min().lt(0)).sum())
