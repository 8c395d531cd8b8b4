"""Decomposition: what a change of a mean owes to whom it is a mean of, and what to each of them."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def nested(counts: Floats, sums: Floats, base_counts: Floats, base_sums: Floats, factors: int) -> Floats:
    """Split the change of a mean from a base period to another into one part per factor, and a last one within cells.

    `counts` is … × levels of the first factor × … × levels of the last; `sums` has one axis more, of outcomes; the
    leading axes (draws) broadcast between the periods. Returns … × (factors + 1) × outcomes, whose sum over parts is
    the change of the mean. Kitagawa's decomposition (1955), nested: the second factor's shares are those within a level
    of the first, and so on; both periods weigh alike. A cell that only one period has keeps its rate, so that what it
    brings belongs to its share. A period without rows makes every part missing.
    """
    own, base = _paths(counts, factors), _paths(base_counts, factors)
    shares = [_pair(now, then) for now, then in zip(own, base, strict=True)]
    rate, base_rate = _pair(_over(sums, counts[..., None]), _over(base_sums, base_counts[..., None]))
    middle = (rate + base_rate) / 2
    parts = [_part(number, shares, own, base) for number in range(factors)]
    effects = [_total(part[..., None] * middle, factors) for part in parts]
    joint, base_joint = _joint(own), _joint(base)
    within = _total(((joint + base_joint) / 2)[..., None] * (rate - base_rate), factors)
    split = np.stack([*effects, within], axis=-2)
    empty = _total(counts, factors, 0) * _total(base_counts, factors, 0) == 0
    return np.where(empty[..., None, None], np.nan, split)


def by_level(counts: Floats, sums: Floats, base_counts: Floats, base_sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how much each level's share rose, its rate more than all levels' rates did, and its mean share.

    `counts` and `sums` are … × levels. All rates' rise is the mean of the levels' rises, weighed by their mean shares;
    so share × excess, which tells where a change within levels is concentrated, sums to 0, as the first does. A level
    that only one period has keeps its rate, and a period without rows makes all levels missing.
    """
    share, base = _over(counts, _all(counts)), _over(base_counts, _all(base_counts))
    rate, base_rate = _pair(_over(sums, counts), _over(base_sums, base_counts))
    weight, rise = (share + base) / 2, rate - base_rate
    return share - base, rise - _all(weight * rise), weight


def distance(counts: Floats, base_counts: Floats) -> Floats:
    """Return how far two compositions over the last axis are apart: half the sum of differences of shares."""
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = counts / counts.sum(axis=-1, keepdims=True) - base_counts / base_counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(gap).sum(axis=-1) / 2)


def _all(levels: Floats) -> Floats:
    return np.asarray(levels.sum(axis=-1, keepdims=True))


def _paths(counts: Floats, factors: int) -> list[Floats]:
    """Return each factor's shares within the level of those before it, all with the axes of the counts."""
    found, above = [], counts.sum(axis=tuple(range(-factors, 0)), keepdims=True)
    for number in range(factors):
        later = tuple(range(-factors + number + 1, 0))
        level = counts.sum(axis=later, keepdims=True) if later else counts
        found.append(_over(level, above))
        above = level
    return found


def _part(number: int, shares: list[tuple[Floats, Floats]], own: list[Floats], base: list[Floats]) -> Floats:
    now, then = shares[number]
    part = (_joint(own[:number]) + _joint(base[:number])) / 2 * (now - then)
    for one, other in shares[number + 1 :]:
        part = part * (one + other) / 2
    return part


def _joint(shares: list[Floats]) -> Floats:
    """Return the share of each cell, none where a level above it is empty."""
    found = np.ones(1)
    for share in shares:
        found = found * np.where(np.isnan(share), 0.0, share)
    return found


def _pair(now: Floats, then: Floats) -> tuple[Floats, Floats]:
    """Return both, each taking the other's value where it has none itself, and 0 where neither has one."""
    no_now, no_then = np.isnan(now), np.isnan(then)
    lost = no_now & no_then
    one, other = np.where(no_now, then, now), np.where(no_then, now, then)
    return np.where(lost, 0.0, one), np.where(lost, 0.0, other)


def _over(above: Floats, below: Floats) -> Floats:
    shape = np.broadcast_shapes(above.shape, below.shape)
    return np.asarray(np.divide(above, below, out=np.full(shape, np.nan), where=np.broadcast_to(below > 0, shape)))


def _total(cells: Floats, factors: int, outcomes: int = 1) -> Floats:
    return np.asarray(cells.sum(axis=tuple(range(-factors - outcomes, -outcomes))))
