"""Paired: is one figure better than another on the same blocks, at a level that a search has made strict?"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from trueline.core.stats.confidence_intervals import MIN_BLOCKS

Floats = npt.NDArray[np.float64]

FAMILY_ERROR_RATE = 0.05  # chance, over all that was tried, that luck alone passes
DRAWS_BEYOND_LEVEL = 20  # draws that lie beyond the level on average: below that the tail is a guess
MAX_CHUNK_BLOCKS = 100_000  # drawn blocks held in memory at once: what a processor's cache holds


@dataclass(frozen=True)
class BlockSums:
    """A figure as the ratio of two sums over blocks, one entry a block; less is better."""

    numerator: Floats
    denominator: Floats

    @property
    def value(self) -> float:
        """The figure on all blocks."""
        return float(self.numerator.sum() / self.denominator.sum())

    def compute_influence(self) -> Floats:
        """Return how far each block moves the figure: its mean is 0, and its spread is that of the figure."""
        return np.asarray((self.numerator - self.value * self.denominator) / self.denominator.mean())


class Verdict(NamedTuple):
    """How far one figure lies below another, and whether luck does that."""

    difference: float
    highest: float | None  # what the difference is below at the level; None where the blocks are too few
    chance: float | None  # of a difference like this where the truth is that there is none
    level: float
    blocks: int

    @property
    def is_better(self) -> bool:
        """Whether the difference is one for the better, beyond luck."""
        return self.chance is not None and self.chance <= self.level


def compute_level(evaluation_count: int) -> float:
    """Return the one-sided level for one of `evaluation_count` looks, so that all of them together err with chance RISK.

    Bonferroni: holds however the looks depend on each other, if the best of them is judged once, at the end. Whoever
    judges each as it comes errs with RISK · (1 + 1/2 + … + 1/looks) at most.
    """
    return FAMILY_ERROR_RATE / max(evaluation_count, 1)


def compare_figures(candidate: BlockSums, rival: BlockSums | float, evaluation_count: int, seed: int) -> Verdict:
    """Return whether `candidate` lies below `rival`, by a studentised paired block bootstrap and by Student.

    Blocks are drawn with replacement, the same for both figures; the difference is linearised, and each draw is divided
    by its own standard error, which tells skewed tails as far out as 1 in 1,000 where percentiles do not (Hall 1988).
    On few blocks with heavy tails it is too bold and Student's t is not: the larger chance of the two counts. A draw
    without spread counts as luck, so what differs in a handful of blocks never passes. Fewer than FEWEST blocks are not
    judged. Draws grow with the looks: BEYOND / level. Measured: tests/experiments/decisions/test_gates.py.
    """
    target_level, n = compute_level(evaluation_count), len(candidate.numerator)
    if isinstance(rival, BlockSums):
        difference, influence = candidate.value - rival.value, candidate.compute_influence() - rival.compute_influence()
    else:
        difference, influence = candidate.value - rival, candidate.compute_influence()
    if n < MIN_BLOCKS or not np.isfinite(difference):
        return Verdict(difference, None, None, target_level, n)
    error = float(influence.std(ddof=1) / np.sqrt(n))
    if error == 0:
        return Verdict(difference, None, 1.0, target_level, n)
    bootstrap_means = np.sort(draw_studentised_means(influence, int(np.ceil(DRAWS_BEYOND_LEVEL / target_level)), seed))
    draws_beyond = int(np.searchsorted(bootstrap_means, difference / error, side="right"))
    lowest = min(
        bootstrap_means[int(target_level * (len(bootstrap_means) + 1)) - 1], float(student.ppf(target_level, n - 1))
    )
    highest = float(difference - lowest * error) if np.isfinite(lowest) else None
    chance = max((1 + draws_beyond) / (len(bootstrap_means) + 1), float(student.cdf(difference / error, n - 1)))
    return Verdict(difference, highest, chance, target_level, n)


def draw_studentised_means(influence: Floats, draws: int, seed: int) -> Floats:
    """Return the mean of blocks drawn anew over its own standard error, draw by draw; −∞ where a draw has no spread."""
    random, n = np.random.default_rng(seed), len(influence)
    centred = influence - influence.mean()
    chunks = []
    for start in range(0, draws, max(MAX_CHUNK_BLOCKS // n, 1)):
        size = min(max(MAX_CHUNK_BLOCKS // n, 1), draws - start)
        sample = centred[random.integers(0, n, (size, n))]
        mean, spread = sample.mean(axis=1), sample.std(axis=1, ddof=1)
        has_spread = spread > 1e-12 * max(float(np.abs(centred).max()), 1e-300)
        chunks.append(np.where(has_spread, mean / np.where(has_spread, spread, 1.0) * np.sqrt(n), -np.inf))
    return np.concatenate(chunks)
