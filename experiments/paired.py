"""Paired: is one figure better than another on the same blocks, at a level that a search has made strict?"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from core.intervals import FEWEST

Floats = npt.NDArray[np.float64]

RISK = 0.05  # chance, over all that was tried, that luck alone passes
BEYOND = 20  # draws that lie beyond the level on average: below that the tail is a guess
CHUNK = 100_000  # drawn blocks held in memory at once: what a processor's cache holds


@dataclass(frozen=True)
class Sums:
    """A figure as the ratio of two sums over blocks, one entry a block; less is better."""

    above: Floats
    below: Floats

    @property
    def value(self) -> float:
        """The figure on all blocks."""
        return float(self.above.sum() / self.below.sum())

    def influence(self) -> Floats:
        """Return how far each block moves the figure: its mean is 0, and its spread is that of the figure."""
        return np.asarray((self.above - self.value * self.below) / self.below.mean())


class Verdict(NamedTuple):
    """How far one figure lies below another, and whether luck does that."""

    difference: float
    highest: float | None  # what the difference is below at the level; None where the blocks are too few
    chance: float | None  # of a difference like this where the truth is that there is none
    level: float
    blocks: int

    @property
    def better(self) -> bool:
        """Whether the difference is one for the better, beyond luck."""
        return self.chance is not None and self.chance <= self.level


def level(looks: int) -> float:
    """Return the one-sided level for one of `looks` looks, so that all of them together err with chance RISK.

    Bonferroni: holds however the looks depend on each other, if the best of them is judged once, at the end. Whoever
    judges each as it comes errs with RISK · (1 + 1/2 + … + 1/looks) at most.
    """
    return RISK / max(looks, 1)


def judge(one: Sums, other: Sums | float, looks: int, seed: int) -> Verdict:
    """Return whether `one` lies below `other`, by a studentised paired block bootstrap and by Student.

    Blocks are drawn with replacement, the same for both figures; the difference is linearised, and each draw is divided
    by its own standard error, which tells skewed tails as far out as 1 in 1,000 where percentiles do not (Hall 1988).
    On few blocks with heavy tails it is too bold and Student's t is not: the larger chance of the two counts. A draw
    without spread counts as luck, so what differs in a handful of blocks never passes. Fewer than FEWEST blocks are not
    judged. Draws grow with the looks: BEYOND / level. Measured: tests/experiments/test_gates.py.
    """
    asked, n = level(looks), len(one.above)
    if isinstance(other, Sums):
        difference, moved = one.value - other.value, one.influence() - other.influence()
    else:
        difference, moved = one.value - other, one.influence()
    if n < FEWEST or not np.isfinite(difference):
        return Verdict(difference, None, None, asked, n)
    error = float(moved.std(ddof=1) / np.sqrt(n))
    if error == 0:
        return Verdict(difference, None, 1.0, asked, n)
    drawn = np.sort(studentised(moved, int(np.ceil(BEYOND / asked)), seed))
    beyond = int(np.searchsorted(drawn, difference / error, side="right"))
    lowest = min(drawn[int(asked * (len(drawn) + 1)) - 1], float(student.ppf(asked, n - 1)))
    highest = float(difference - lowest * error) if np.isfinite(lowest) else None
    chance = max((1 + beyond) / (len(drawn) + 1), float(student.cdf(difference / error, n - 1)))
    return Verdict(difference, highest, chance, asked, n)


def studentised(moved: Floats, draws: int, seed: int) -> Floats:
    """Return the mean of blocks drawn anew over its own standard error, draw by draw; −∞ where a draw has no spread."""
    random, n = np.random.default_rng(seed), len(moved)
    centred = moved - moved.mean()
    found = []
    for start in range(0, draws, max(CHUNK // n, 1)):
        size = min(max(CHUNK // n, 1), draws - start)
        taken = centred[random.integers(0, n, (size, n))]
        mean, spread = taken.mean(axis=1), taken.std(axis=1, ddof=1)
        sure = spread > 1e-12 * max(float(np.abs(centred).max()), 1e-300)
        found.append(np.where(sure, mean / np.where(sure, spread, 1.0) * np.sqrt(n), -np.inf))
    return np.concatenate(found)
