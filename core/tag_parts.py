"""Parts of rows with several tags: whole clusters of rows, each part with its fair share of every tag."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def parts(y: Floats, group: Ints, count: int, seed: int) -> Ints:
    """Return for each row the part it falls in, 0…count−1, equal shares of every tag; no group is cut.

    `y` is rows × tags of 0 and 1. With fewer groups than parts, some parts stay empty.
    """
    return deal(clusters(y, group), [1 / count] * count, np.random.default_rng(seed))[group]


def clusters(y: Floats, group: Ints) -> Floats:
    """Return groups × (rows, rows with each tag); `y` is rows × tags of 0 and 1, groups are numbered from 0."""
    counts = np.zeros((group.max() + 1, 1 + y.shape[1]))
    np.add.at(counts, group, np.column_stack([np.ones(len(y)), y]))
    return counts


def deal(counts: Floats, shares: list[float], random: np.random.Generator) -> Ints:
    """Return the part of each of the units, dealt so that every column of counts is shared out as `shares` say.

    `counts` is units × columns, the first column the unit's rows and each other one its rows with a tag. The tag with
    the fewest undealt rows comes first; its units go, the largest first, each to the part that lacks most rows of
    that tag, then of any, then by lot (Sechidis et al. 2011, with units of several rows, and with parts that are full
    coming last).
    """
    lacking = np.outer(shares, counts.sum(axis=0))
    left = counts.sum(axis=0)
    part = np.full(len(counts), -1)
    # by lot among units alike; the largest first, for a late one could no longer be made up for
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order, 0], kind="stable")]
    while (part < 0).any():
        tags = np.where(left[1:] > 0, left[1:], np.inf)
        column = 1 + int(tags.argmin()) if np.isfinite(tags).any() else 0
        for unit in order[(part[order] < 0) & (counts[order, column] > 0)]:
            room = lacking[:, 0] >= counts[unit, 0] / 2  # half of it would still fit: else parts differ much in size
            wish = room, lacking[:, column].round(9), lacking[:, 0].round(9), random.random(len(shares))
            part[unit] = chosen = np.lexsort(wish[::-1])[-1]
            lacking[chosen] -= counts[unit]
            left -= counts[unit]
    return part
