"""Exchanged outcomes: a copy of a table in which the rows that a test fold scores have the outcomes of other rows."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from trueline.core.splits.walk_forward import KEY_COLUMNS, list_folds, list_key_columns, list_target_columns
from trueline.core.stats.group_ops import encode_groups

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


def draw_test_folds(table: pd.DataFrame, count: int, seed: int) -> list[str]:
    """Return at most `count` test folds, drawn by the seed and by the rows and outcomes that test folds score.

    A table of folds and the scores made with it give the same answer, in any order of their rows. The newest of several
    folds has no say, so that one more day draws the same.
    """
    names = table["fold"].unique() if "role" in table else list_folds(table, "test")
    folds = sorted((str(name) for name in names if str(name).startswith("test_")), key=lambda name: (len(name), name))
    row_hashes = pd.util.hash_pandas_object(table[["row_id", *list_target_columns(table)]], index=False).to_numpy()
    fold_hashes = [int(row_hashes[find_score_rows(table, fold)].sum()) for fold in folds[: max(len(folds) - 1, 1)]]
    random = np.random.default_rng([seed, *fold_hashes])
    return [folds[index] for index in sorted(random.choice(len(folds), min(count, len(folds)), replace=False))]


def is_tuned_on(folds: pd.DataFrame, fold: str) -> bool:
    """Return whether a tune fold uses rows that a test fold scores, as it does where rows have no clock."""
    return bool((find_score_rows(folds, fold) & _find_tune_rows(folds)).any())


def find_unseen_rows(table: pd.DataFrame, fold: str) -> Mask:
    """Return which rows may teach a test fold nothing, in a table of folds or in the scores made with it.

    These are the rows that it scores. In a table of folds, they are also those that have no role in it and that tune
    nothing, such as all that is later.
    """
    if "role" in table:
        return find_score_rows(table, fold)
    return find_score_rows(table, fold) | (table[fold].isna().to_numpy() & ~_find_tune_rows(table))


def exchange_outcomes(
    table: pd.DataFrame, is_exchanged: Mask, seed: int, also: Sequence[str] = (), pool: Mask | None = None
) -> pd.DataFrame:
    """Return a copy in which some rows, whole groups, have the outcomes (targets and soft label) of others of them.

    Columns named in `also` go with the outcomes. Rows in the `pool` exchange among themselves, as do those outside it,
    so what one side gets does not depend on the other.

    Where the targets of every group sum to 1, as those of a race do, they move on within the group, so that it still
    has one winner. Elsewhere rows draw from all rows with replacement, so that totals change too.
    """
    donor_of_row = np.arange(len(table))
    is_in_pool = np.ones(len(table), dtype=bool) if pool is None else pool
    for is_drawing in (is_exchanged & is_in_pool, is_exchanged & ~is_in_pool):
        positions = np.flatnonzero(is_drawing)
        donor_of_row[positions] = _pick_donors(table, positions, seed)
    outcome_columns = {*list_key_columns(table), *also} - {*KEY_COLUMNS}
    exchanged = table.copy()
    for name in sorted(outcome_columns):
        exchanged[name] = table[name].to_numpy()[donor_of_row]
    return exchanged


def find_score_rows(table: pd.DataFrame, fold: str) -> Mask:
    """Return which rows a test fold scores, in a table of folds or in the scores made with it."""
    role = table["role"].where(table["fold"] == fold) if "role" in table else table[fold]
    return np.asarray((role == "score").to_numpy(), dtype=bool)


def _find_tune_rows(folds: pd.DataFrame) -> Mask:
    return np.asarray(folds[list_folds(folds, "tune")].notna().any(axis=1).to_numpy(), dtype=bool)


def _pick_donors(table: pd.DataFrame, positions: Positions, seed: int) -> Positions:
    """Return, for each of some rows, the position of one of them whose outcomes it gets."""
    targets = table[list_target_columns(table)].to_numpy(float)[positions]
    group, random = encode_groups(table["group"].iloc[positions]), np.random.default_rng(seed)
    is_share = targets.shape[1] == 1 and np.allclose(np.bincount(group, weights=targets[:, 0]), 1.0)
    if is_share:
        return positions[_pick_donors_within_groups(group, random)]
    return positions[random.integers(0, max(len(group), 1), len(group))]


def _pick_donors_within_groups(group: Positions, random: np.random.Generator) -> Positions:
    """Return, for each row, another row of its group (itself, if it is alone): all move on by the same number."""
    order, size = np.argsort(group, kind="stable"), np.bincount(group)
    begin = np.cumsum(size) - size
    steps = random.integers(1, np.maximum(size, 2))
    sorted_group = group[order]
    offset = np.arange(len(group)) - begin[sorted_group]
    donors = np.empty_like(order)
    donors[order] = order[begin[sorted_group] + (offset + steps[sorted_group]) % size[sorted_group]]
    return donors
