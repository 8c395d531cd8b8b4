"""duplicates: is anything predicted twice, or both learned from and scored?"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence, Finding, finding
from core.folds import ROLES
from core.places import distinct, first_seen, located, run
from core.stored import each

Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]

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
    row = located(predictions["row_id"], predictions["row_id"])
    fold, of = pd.factorize(predictions["fold"])
    pairs = distinct(row * len(of) + fold)
    folds_of_row = np.unique(pairs // len(of), return_counts=True)[1]
    honest = folds_of_row.min() if evidence.timeless else 1
    return {
        "repeated": len(predictions) - len(pairs),
        "several_folds": int((folds_of_row > honest).sum()),
        "learned": _learned(evidence, predictions["row_id"], fold, [str(name) for name in of]),
        "same_moment": _same_moment(evidence, predictions["row_id"]),
    }


def _learned(evidence: Evidence, row_id: pd.Series, fold: Ints, names: list[str]) -> int:
    """Return how many predictions are of rows that their fold, if it exists, fits or calibrates on."""
    roles, ids = evidence.roles, evidence.folds["row_id"]
    known = [ROLES.index(role) for role in ("fit", "calibrate")]
    learns = np.isin(roles.played, known)
    column = np.array([roles.folds.index(name) if name in roles.folds else -1 for name in names])[fold]
    place = located(row_id, ids)
    asked = (place >= 0) & (column >= 0)
    place, column = place[asked], column[asked]
    found = learns[roles.part[place], column]
    others = np.flatnonzero(~first_seen(ids))  # of a row that the folds hold more than once, each counts
    which, where = np.nonzero(learns[roles.part[others]])
    again = located(ids.iloc[others], ids)[which] * len(roles.folds) + where
    return int((found | np.isin(place * len(roles.folds) + column, again)).sum())


def _same_moment(evidence: Evidence, row_id: pd.Series) -> int:
    """Return how many of the rows, each taken once, are of an entity that another one has at the same time."""
    place = located(row_id[first_seen(row_id)], evidence.prepared["row_id"])
    place = place[place >= 0]
    entity = pd.factorize(evidence.prepared["entity"])[0][place]
    time, times = pd.factorize(evidence.prepared["time"].iloc[place])
    met = (entity * len(times) + time)[entity >= 0]
    return len(met) - len(distinct(met))


def _twins(evidence: Evidence) -> float:
    """Return the share of score rows that share every input; of equal numbers of 64 bits none is chance."""
    place = evidence.fold_rows
    rows = np.flatnonzero((place >= 0) & evidence.roles.scored[place])
    rows = rows[first_seen(evidence.features["row_id"].iloc[rows])]
    chosen = run(rows)
    number, known = np.zeros(len(rows), dtype=np.uint64), np.zeros(len(rows), dtype=bool)
    for _, values in each(evidence.features, evidence.inputs):
        bits, present = _bits(values.iloc[chosen])
        number = _mixed(number * np.uint64(31) + bits)
        known |= present
    if not known.any() or not evidence.inputs:
        return 0.0
    counts = np.unique(number[known], return_counts=True)[1]
    return float(counts[counts > 1].sum() / known.sum())


def _bits(values: pd.Series) -> tuple[Bits, npt.NDArray[np.bool_]]:
    """Return each value as bits, equal where values are, and whether it is present."""
    if not pd.api.types.is_numeric_dtype(values):
        code = pd.factorize(values)[0]
        return code.astype(np.uint64), code >= 0
    numbers = values.to_numpy(float, na_value=np.nan) + 0.0  # one zero, not two
    absent = np.isnan(numbers)
    numbers[absent] = np.nan  # one bit pattern
    return numbers.view(np.uint64), ~absent


def _mixed(bits: Bits) -> Bits:
    """Return numbers in which every bit depends on every bit (the finaliser of SplitMix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
