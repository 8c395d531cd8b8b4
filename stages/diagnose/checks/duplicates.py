"""duplicates: is any row predicted twice, or both trained on and scored?"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.diagnose.units.array_types import Ints, Mask
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from trueline.core.splits.walk_forward import ROLES
from trueline.core.stored_tables.lazy_parquet import iter_columns
from trueline.core.stored_tables.row_lookup import convert_to_slice, flag_first_occurrences, lookup_rows, sort_unique

Bits = npt.NDArray[np.uint64]

NAME = "Is any row counted twice, or both learned from and scored?"
ASKS = "honesty"
MUST_ANSWER = True

SAME_MOMENT_SHARE = 0.001  # of the predictions; of real races whose times are days, one in 40,000 runners starts twice
FAILURES = {
    "repeated": "rows predicted more than once by one fold",
    "several_folds": "rows scored by more folds than others",
    "learned": "scored rows that the same fold fits or calibrates on",
}


def check(evidence: Evidence) -> Finding:
    """Fail if rows are predicted twice, or trained on and scored; warn of duplicated inputs or simultaneous entities.

    Without a clock the folds are drawn several times over, and each row must be scored equally often; with a clock,
    once. `equal_inputs_share` is the share of score rows, among those with any input present, that share every input
    with another. An entity may legitimately appear twice at one time if the clock has days only, or if two entities
    share a name, so a few that do are no warning. Declines without predictions.
    """
    predictions = evidence.predictions
    if predictions.empty:
        return decline("There are no predictions to look at.")
    counts = _count_faults(evidence, predictions)
    duplicate_share = _compute_duplicate_share(evidence)
    details = {**counts, "equal_inputs_share": duplicate_share}
    failures = [f"{counts[name]} {description}" for name, description in FAILURES.items() if counts[name]]
    if failures:
        return make_finding("failed", f"Found {', '.join(failures)}: the figures count them wrongly.", **details)
    notes = []
    if counts["same_moment"] > SAME_MOMENT_SHARE * len(predictions):
        notes.append(f"{counts['same_moment']} predictions are of an entity already predicted at the same time")
    if duplicate_share > evidence.limits.equal_inputs_share:
        notes.append(f"{duplicate_share:.1%} of the score rows share every input with another row")
    if notes:
        return make_finding("warning", f"{' and '.join(notes)}.", **details)
    summary = f"Each of {len(predictions)} rows is predicted once, by a fold that did not learn from it."
    return make_finding("ok", summary, **details)


def _count_faults(evidence: Evidence, predictions: pd.DataFrame) -> dict[str, int]:
    row = lookup_rows(predictions["row_id"], predictions["row_id"])
    fold, fold_names = pd.factorize(predictions["fold"])
    pairs = sort_unique(row * len(fold_names) + fold)
    folds_of_row = np.unique(pairs // len(fold_names), return_counts=True)[1]
    expected_folds = folds_of_row.min() if evidence.is_timeless else 1
    return {
        "repeated": len(predictions) - len(pairs),
        "several_folds": int((folds_of_row > expected_folds).sum()),
        "learned": _count_learned_rows(evidence, predictions["row_id"], fold, [str(name) for name in fold_names]),
        "same_moment": _count_same_moment(evidence, predictions["row_id"]),
    }


def _count_learned_rows(evidence: Evidence, row_id: pd.Series, fold: Ints, names: list[str]) -> int:
    """Return how many predictions are for rows that their fold, if it exists, fits or calibrates on."""
    roles, ids = evidence.roles, evidence.folds["row_id"]
    learning_roles = [ROLES.index(role) for role in ("fit", "calibrate")]
    is_learning = np.isin(roles.pattern_roles, learning_roles)
    fold_column = np.array([roles.folds.index(name) if name in roles.folds else -1 for name in names])[fold]
    position = lookup_rows(row_id, ids)
    in_folds = (position >= 0) & (fold_column >= 0)
    position, fold_column = position[in_folds], fold_column[in_folds]
    learned = is_learning[roles.row_pattern[position], fold_column]
    # if the folds contain a row more than once, the roles of each occurrence count
    repeated_rows = np.flatnonzero(~flag_first_occurrences(ids))
    repeat_index, fold_index = np.nonzero(is_learning[roles.row_pattern[repeated_rows]])
    repeated_pairs = lookup_rows(ids.iloc[repeated_rows], ids)[repeat_index] * len(roles.folds) + fold_index
    return int((learned | np.isin(position * len(roles.folds) + fold_column, repeated_pairs)).sum())


def _count_same_moment(evidence: Evidence, row_id: pd.Series) -> int:
    """Return how many rows, each taken once, repeat an entity at a time at which another row already has it."""
    position = lookup_rows(row_id[flag_first_occurrences(row_id)], evidence.prepared["row_id"])
    position = position[position >= 0]
    entity = pd.factorize(evidence.prepared["entity"])[0][position]
    time, times = pd.factorize(evidence.prepared["time"].iloc[position])
    moments = (entity * len(times) + time)[entity >= 0]
    return len(moments) - len(sort_unique(moments))


def _compute_duplicate_share(evidence: Evidence) -> float:
    """Return the share of score rows that share every input with another; 64-bit hashes make collisions negligible."""
    position = evidence.fold_positions
    rows = np.flatnonzero((position >= 0) & evidence.roles.is_scored[position])
    rows = rows[flag_first_occurrences(evidence.features["row_id"].iloc[rows])]
    row_slice = convert_to_slice(rows)
    row_hash, has_input = np.zeros(len(rows), dtype=np.uint64), np.zeros(len(rows), dtype=bool)
    for _, values in iter_columns(evidence.features, evidence.input_names):
        bits, present = _convert_to_bits(values.iloc[row_slice])
        row_hash = _hash_bits(row_hash * np.uint64(31) + bits)
        has_input |= present
    if not has_input.any() or not evidence.input_names:
        return 0.0
    counts = np.unique(row_hash[has_input], return_counts=True)[1]
    return float(counts[counts > 1].sum() / has_input.sum())


def _convert_to_bits(values: pd.Series) -> tuple[Bits, Mask]:
    """Return each value as bits, equal if and only if the values are, and whether it is present."""
    if not pd.api.types.is_numeric_dtype(values):
        code = pd.factorize(values)[0]
        return code.astype(np.uint64), code >= 0
    numbers = values.to_numpy(float, na_value=np.nan) + 0.0  # turns −0.0 into 0.0
    missing = np.isnan(numbers)
    numbers[missing] = np.nan  # NaN has many bit patterns; keep one
    return numbers.view(np.uint64), ~missing


def _hash_bits(bits: Bits) -> Bits:
    """Mix the bits so that every output bit depends on every input bit (the finaliser of SplitMix64)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
