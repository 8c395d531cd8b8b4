"""Drawn rows: a part of the fit rows, on which trials cost less than on all."""

import numpy as np

from trueline.core.splits.fold_data import FoldData


def draw_rows(rows: FoldData, most_rows: int | None, seed: int) -> FoldData:
    """Return at most `most_rows` of the rows, in whole groups that are drawn at random; null is all rows."""
    if most_rows is None or len(rows.y) <= most_rows:
        return rows
    group_sizes = np.bincount(rows.group)
    order = np.random.default_rng(seed).permutation(len(group_sizes))
    drawn_groups = order[np.cumsum(group_sizes[order]) <= most_rows]
    return rows.select_rows(np.isin(rows.group, drawn_groups))
