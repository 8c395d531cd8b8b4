"""coverage: has every row that the test folds score one usable prediction?"""

import numpy as np
import pandas as pd

from stages.diagnose.units.array_types import Ints
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.scored_units import has_divided_shares, list_prediction_columns
from trueline.core.stored_tables.row_lookup import lookup_rows, sort_unique

NAME = "Is every row that should be predicted predicted, and usably?"
ASKS = "honesty"
MUST_ANSWER = True

ARMS = ("tuned", "default", "baseline", "unresampled", "without_vectors")
SUM_TOLERANCE = 1e-6  # rounding error allowed in a sum of probabilities


def check(evidence: Evidence) -> Finding:
    """Fail if a score row lacks a prediction, a prediction has no score row or is missing, or shares do not sum to 1.

    Shares are checked if the targets of each group sum to 1. Declines if no test fold scores a row or no arm is
    predicted.
    """
    predictions = evidence.predictions
    requested, predicted, unknown_count = _find_pairs(evidence)
    arms = [arm for arm in ARMS if list_prediction_columns(predictions, arm)]
    if not len(requested) or not arms:
        return decline("No test fold scores a row." if not len(requested) else "No arm is predicted.")
    shares = has_divided_shares(evidence)
    common = len(np.intersect1d(requested, predicted, assume_unique=True))
    unpredicted, unrequested = len(requested) - common, len(predicted) - common + unknown_count
    arm_values = {arm: predictions[list_prediction_columns(predictions, arm)].to_numpy(float) for arm in arms}
    missing = {arm: int((~np.isfinite(values)).any(axis=1).sum()) for arm, values in arm_values.items()}
    invalid_groups = {arm: _count_invalid_groups(predictions, arm) for arm in arms} if shares else {}
    faults = {
        "rows that test folds score have no prediction": unpredicted,
        "predictions are of rows that their fold does not score": unrequested,
        **{f"predictions of {arm} are missing": count for arm, count in missing.items()},
        **{f"groups of {arm} hold no shares that sum to 1": count for arm, count in invalid_groups.items()},
    }
    details = {
        "score_rows": len(requested), "unpredicted": unpredicted, "unasked": unrequested, "missing": missing,
        "torn": invalid_groups,
    }  # fmt: skip
    if messages := [f"{count} {description}" for description, count in faults.items() if count]:
        return make_finding("failed", f"{'; '.join(messages)}.", **details)
    shares_note = ", and each group's probabilities sum to 1" if shares else ""
    return make_finding(
        "ok", f"All {len(requested)} score rows are predicted by {', '.join(arms)}{shares_note}.", **details
    )


def _find_pairs(evidence: Evidence) -> tuple[Ints, Ints, int]:
    """Return the requested and the predicted pairs of row and test fold, each pair once, encoded as one number.

    The last value counts predicted pairs whose row or fold is unknown.
    """
    roles, ids, predictions = evidence.roles, evidence.folds["row_id"], evidence.predictions
    position = lookup_rows(predictions["row_id"], ids)
    fold = pd.Index(roles.folds).get_indexer(pd.Index(predictions["fold"]))
    fold = np.where(np.isin(fold, [roles.folds.index(name) for name in roles.test_folds]), fold, -1)
    is_known = (position >= 0) & (fold >= 0)
    unknown_count = len(predictions.loc[~is_known, ["row_id", "fold"]].drop_duplicates())
    row, test = roles.list_row_fold_pairs(roles.test_folds, "score")
    requested = sort_unique(lookup_rows(ids, ids)[row] * len(roles.folds) + test)
    return requested, sort_unique((position * len(roles.folds) + fold)[is_known]), unknown_count


def _count_invalid_groups(predictions: pd.DataFrame, arm: str) -> int:
    finite_rows = predictions[np.isfinite(predictions[arm].to_numpy(float))]
    by_group = finite_rows.groupby(["fold", "group"])[arm]
    return int(((by_group.sum() - 1).abs().gt(SUM_TOLERANCE) | by_group.min().lt(0)).sum())
