"""Parts of rows with several tags: whole clusters of rows, each part with its fair share of every tag."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def assign_stratified_parts(y: Floats, group: Ints, part_count: int, seed: int) -> Ints:
    """Return for each row the part it falls in, 0…count−1, equal shares of every tag; no group is cut.

    `y` is rows × tags of 0 and 1. With fewer groups than parts, some parts stay empty.
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
    """Return the part of each of the units, dealt so that every column of counts is shared out as `shares` say.

    `counts` is units × columns, the first column the unit's rows and each other one its rows with a tag. The tag with
    the fewest undealt rows comes first; its units go, the largest first, each to the part that lacks most rows of
    that tag, then of any, then by lot (Sechidis et al. 2011, with units of several rows, and with parts that are full
    coming last).
    """
    lacking_counts = np.outer(shares, counts.sum(axis=0))
    remaining_counts = counts.sum(axis=0)
    unit_part = np.full(len(counts), -1)
    # by lot among units alike; the largest first, for a late one could no longer be made up for
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order, 0], kind="stable")]
    while (unit_part < 0).any():
        remaining_tags = np.where(remaining_counts[1:] > 0, remaining_counts[1:], np.inf)
        column = 1 + int(remaining_tags.argmin()) if np.isfinite(remaining_tags).any() else 0
        for unit in order[(unit_part[order] < 0) & (counts[order, column] > 0)]:
            has_room = (
                lacking_counts[:, 0] >= counts[unit, 0] / 2
            )  # half of it would still fit: else parts differ much in size
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
