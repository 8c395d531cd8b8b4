"""duplicates: is anything predicted twice, or both learned from and scored?"""

import numpy as np
import pandas as pd

from core.evidence import Evidence, Finding, finding
from core.folds import NO_CLOCK
from stages.diagnose._judged import roles, scored

NAME = "Is any row counted twice, or both learned from and scored?"

GRAVE = {
    "repeated": "rows predicted more than once by one fold",
    "several_folds": "rows scored by more folds than others",
    "learned": "scored rows that the same fold fits or calibrates on",
}


def check(evidence: Evidence) -> Finding:
    """Fail rows predicted twice or learned from and scored; warn of one entity twice at a time, and of twins.

    Without a clock, folds are drawn several times over, and each row must be scored equally often; with one, once.
    Twins are score rows that share every input with another one, where some input is present. An entity may honestly
    appear twice where the clock only tells the day, or where two bear one name. Declines without predictions.
    """
    predictions = evidence.predictions
    if predictions.empty:
        return finding("declined", "There are no predictions to look at.")
    counts = _counts(evidence, predictions)
    twins = _twins(evidence)
    details = {**counts, "twin_share": twins}
    grave = [f"{counts[name]} {what}" for name, what in GRAVE.items() if counts[name]]
    if grave:
        return finding("failed", f"Found {', '.join(grave)}: the figures count them wrongly.", **details)
    said = []
    if counts["same_moment"]:
        said.append(f"{counts['same_moment']} predictions are of an entity already predicted at the same time")
    if twins > evidence.limits.twin_share:
        said.append(f"{twins:.1%} of the score rows share every input with another row")
    if said:
        return finding("warning", f"{' and '.join(said)}.", **details)
    said_ok = f"Each of {len(predictions)} rows is predicted once, by a fold that did not learn from it."
    return finding("ok", said_ok, **details)


def _counts(evidence: Evidence, predictions: pd.DataFrame) -> dict[str, int]:
    folds_of_row = predictions.groupby("row_id")["fold"].nunique()
    honest = folds_of_row.min() if (predictions["time"] == NO_CLOCK).all() else 1
    keys = evidence.prepared[["row_id", "entity", "time"]].drop_duplicates("row_id")
    met = predictions[["row_id"]].drop_duplicates().merge(keys, on="row_id").dropna(subset="entity")
    return {
        "repeated": int(predictions.duplicated(["row_id", "fold"]).sum()),
        "several_folds": int((folds_of_row > honest).sum()),
        "learned": _learned(evidence.folds, predictions),
        "same_moment": int(met.duplicated(["entity", "time"]).sum()),
    }


def _learned(folds: pd.DataFrame, predictions: pd.DataFrame) -> int:
    """Return how many predictions are of rows that their fold, if it exists, fits or calibrates on."""
    row = pd.factorize(pd.concat([folds["row_id"], predictions["row_id"]]))[0]
    known, asked = row[: len(folds)], row[len(folds) :]
    return sum(
        int(np.isin(asked[predictions["fold"] == fold], known[folds[fold].isin(["fit", "calibrate"])]).sum())
        for fold in set(predictions["fold"]) & set(folds)
    )


def _twins(evidence: Evidence) -> float:
    rows = evidence.features[scored(roles(evidence)).to_numpy()]
    inputs = rows.drop_duplicates("row_id").drop(columns="row_id")
    known = inputs[inputs.notna().any(axis=1)]
    return float(known.duplicated(keep=False).mean()) if len(known) and inputs.shape[1] else 0.0
