"""Iterative stratification: split rows with several tags into parts with equal shares of every tag, groups whole."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def assign_stratified_parts(y: Floats, group: Ints, part_count: int, seed: int) -> Ints:
    """Return the part of each row, 0…part_count−1, with equal shares of every tag; no group is split.

    `y` is rows × tags of 0 and 1, `group` numbers each row's group from 0. With fewer groups than parts, some parts
    stay empty.
    """
    return assign_units_to_parts(
        count_cluster_labels(y, group), [1 / part_count] * part_count, np.random.default_rng(seed)
    )[group]


def count_cluster_labels(y: Floats, group: Ints) -> Floats:
    """Return groups × (rows, rows with each tag); `y` is rows × tags of 0 and 1, groups are numbered from 0."""
    counts = np.zeros((group.max() + 1, 1 + y.shape[1]))
    np.add.at(counts, group, np.column_stack([np.ones(len(y)), y]))
    return counts


def assign_units_to_parts(counts: Floats, shares: list[float], random: np.random.Generator) -> Ints:
    """Return the part of each unit, assigned so that the parts get the given shares of every column of `counts`.

    `counts` is units × columns: first the number of the unit's rows, then its number of rows with each tag. The tag
    with the fewest unassigned rows comes first; each of its units, the largest first, goes to the part that lacks most
    rows of that tag, then most rows of any kind, then at random. This is Sechidis et al. (2011), but with units of
    several rows, and with parts that are full considered last.
    """
    lacking_counts = np.outer(shares, counts.sum(axis=0))
    remaining_counts = counts.sum(axis=0)
    unit_part = np.full(len(counts), -1)
    # random among units of equal size; the largest first, as the imbalance of a late one could no longer be evened out
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order, 0], kind="stable")]
    while (unit_part < 0).any():
        remaining_tags = np.where(remaining_counts[1:] > 0, remaining_counts[1:], np.inf)
        column = 1 + int(remaining_tags.argmin()) if np.isfinite(remaining_tags).any() else 0
        for unit in order[(unit_part[order] < 0) & (counts[order, column] > 0)]:
            # at least half of the unit still fits: without this rule the sizes of parts differ much
            has_room = lacking_counts[:, 0] >= counts[unit, 0] / 2
            preference = (
                has_room,
                lacking_counts[:, column].round(9),
                lacking_counts[:, 0].round(9),
                random.random(len(shares)),
            )
            unit_part[unit] = chosen_part = np.lexsort(preference[::-1])[-1]
            lacking_counts[chosen_part] -= counts[unit]
            remaining_counts -= counts[unit]
    return unit_part
