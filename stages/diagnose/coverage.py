"""coverage: has every row that the test folds score one usable prediction?"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence, Finding, finding
from core.places import distinct, located
from stages.diagnose._judged import columns, divided

Ints = npt.NDArray[np.int64]

NAME = "Is every row that should be predicted predicted, and usably?"

ARMS = ("tuned", "default", "floor", "natural")
SLACK = 1e-6  # of a sum of probabilities: beyond rounding


def check(evidence: Evidence) -> Finding:
    """Fail score rows without a prediction, predictions of no score row, missing ones, and shares that do not sum to 1.

    Shares are looked at where the targets of each group sum to 1. Declines where no test fold scores a row or no arm
    is predicted.
    """
    predictions = evidence.predictions
    asked, given, strange = _pairs(evidence)
    arms = [arm for arm in ARMS if columns(predictions, arm)]
    if not len(asked) or not arms:
        return finding("declined", "No test fold scores a row." if not len(asked) else "No arm is predicted.")
    shares = divided(evidence)
    common = len(np.intersect1d(asked, given, assume_unique=True))
    unpredicted, unasked = len(asked) - common, len(given) - common + strange
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


def _pairs(evidence: Evidence) -> tuple[Ints, Ints, int]:
    """Return the rows and test folds that are asked for, and those that are predicted, each pair as one number, once.

    Last comes how many more are predicted of rows or by folds that are unknown.
    """
    roles, ids, made = evidence.roles, evidence.folds["row_id"], evidence.predictions
    place, fold = located(made["row_id"], ids), pd.Index(roles.folds).get_indexer(pd.Index(made["fold"]))
    fold = np.where(np.isin(fold, [roles.folds.index(name) for name in roles.tests]), fold, -1)
    known = (place >= 0) & (fold >= 0)
    strange = len(made.loc[~known, ["row_id", "fold"]].drop_duplicates())
    row, test = roles.pairs(roles.tests, "score")
    asked, given = located(ids, ids)[row] * len(roles.folds) + test, (place * len(roles.folds) + fold)[known]
    return distinct(asked), distinct(given), strange


def _torn(predictions: pd.DataFrame, arm: str) -> int:
    known = predictions[np.isfinite(predictions[arm].to_numpy(float))]
    by_group = known.groupby(["fold", "group"])[arm]
    return int(((by_group.sum() - 1).abs().gt(SLACK) | by_group.min().lt(0)).sum())
