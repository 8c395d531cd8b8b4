"""Paired block bootstrap: is one figure better than another on the same blocks, at a level corrected for many tries?"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from trueline.core.stats.confidence_intervals import MIN_BLOCKS

Floats = npt.NDArray[np.float64]

FAMILY_ERROR_RATE = 0.05  # probability that luck alone passes, over all tries together
DRAWS_BEYOND_LEVEL = 20  # expected number of resamples beyond the level; with fewer the tail is too uncertain
# A sample shows less skewness than its blocks have, and the luckiest of many samples least of all, as it lacks the
# large losses: what it shows is multiplied by this and increased by its standard error, √(6 / blocks).
SKEWNESS_INFLATION = 1.4
MAX_CHUNK_BLOCKS = 100_000  # resampled blocks in memory at once: about what a processor's cache holds


@dataclass(frozen=True)
class BlockSums:
    """A figure as the ratio of two sums over blocks, one entry per block; lower is better."""

    numerator: Floats
    denominator: Floats

    @property
    def value(self) -> float:
        """The figure over all blocks."""
        return float(self.numerator.sum() / self.denominator.sum())

    def compute_influence(self) -> Floats:
        """Return the influence of each block on the figure.

        The mean of the influences is 0, and its standard error is that of the figure.
        """
        return np.asarray((self.numerator - self.value * self.denominator) / self.denominator.mean())


class Verdict(NamedTuple):
    """The difference between two figures, candidate − reference, and whether luck explains it."""

    difference: float
    highest: float | None  # upper confidence bound of the difference at the level; None if it could not be computed
    chance: float | None  # p-value: probability of such a difference if there is none; None for too few blocks
    level: float
    blocks: int

    @property
    def is_better(self) -> bool:
        """Whether the candidate is better (lower) beyond luck."""
        return self.chance is not None and self.chance <= self.level


def compute_level(evaluation_count: int) -> float:
    """Return the one-sided level of one of `evaluation_count` tests whose joint error rate is FAMILY_ERROR_RATE.

    This is the Bonferroni correction: it holds however the tests depend on each other, if the best is judged once, at
    the end. Judging each as it comes has an error rate of at most FAMILY_ERROR_RATE · (1 + 1/2 + … +
    1/evaluation_count).
    """
    return FAMILY_ERROR_RATE / max(evaluation_count, 1)


def compare_figures(candidate: BlockSums, reference: BlockSums | float, evaluation_count: int, seed: int) -> Verdict:
    """Return whether `candidate` is lower than `reference`, by a studentised paired block bootstrap and a t-test.

    Blocks are resampled with replacement, the same for both figures. The difference is linearised, and each resample is
    divided by its own standard error, which describes skewed tails out to 1 in 1,000 where percentiles do not (Hall
    1988). With few, heavy-tailed blocks the bootstrap is too liberal and Student's t is not, so the larger p-value
    counts. Where many small gains and a few large losses favour the candidate, luck is the losses that are missing,
    which no resample can have, so the t-test is corrected for skewness. A resample without spread counts as luck, so a
    difference in a handful of blocks never passes. Fewer than MIN_BLOCKS blocks are not judged. The number of resamples
    is DRAWS_BEYOND_LEVEL / level, so it grows with `evaluation_count`. Error rates and power are measured by
    `python -m trueline benchmarks noise_gate`.
    """
    target_level, n = compute_level(evaluation_count), len(candidate.numerator)
    if isinstance(reference, BlockSums):
        difference = candidate.value - reference.value
        influence = candidate.compute_influence() - reference.compute_influence()
    else:
        difference, influence = candidate.value - reference, candidate.compute_influence()
    if n < MIN_BLOCKS or not np.isfinite(difference):
        return Verdict(difference, None, None, target_level, n)
    error = float(influence.std(ddof=1) / np.sqrt(n))
    if error == 0:
        return Verdict(difference, None, 1.0, target_level, n)
    bootstrap_means = np.sort(draw_studentised_means(influence, int(np.ceil(DRAWS_BEYOND_LEVEL / target_level)), seed))
    resamples_beyond = int(np.searchsorted(bootstrap_means, difference / error, side="right"))
    bootstrap_lowest = bootstrap_means[int(target_level * (len(bootstrap_means) + 1)) - 1]
    lowest = min(bootstrap_lowest, compute_skewed_quantile(target_level, influence))
    highest = float(difference - lowest * error) if np.isfinite(lowest) else None
    bootstrap_chance = (1 + resamples_beyond) / (len(bootstrap_means) + 1)
    chance = max(bootstrap_chance, compute_skewed_chance(difference / error, influence))
    return Verdict(difference, highest, chance, target_level, n)


def compute_skewed_chance(statistic: float, influence: Floats) -> float:
    """Return the chance of a studentised mean as low as this one, by a t-test that allows for skewness.

    Hall's (1992) cubic transformation of the statistic, ((1 + a·t)³ − 1) / 3a + a/2 with a = skewness / 3√n, removes
    what skewness of the blocks does to it. Left skewness works against the candidate and is not corrected.
    """
    n, correction = len(influence), _compute_skewness_correction(influence)
    if correction > 0:
        statistic = ((1 + correction * statistic) ** 3 - 1) / (3 * correction) + correction / 2
    return float(stdtr(n - 1, statistic))


def compute_skewed_quantile(level: float, influence: Floats) -> float:
    """Return the studentised mean whose chance by `compute_skewed_chance` is `level`."""
    quantile, correction = float(stdtrit(len(influence) - 1, level)), _compute_skewness_correction(influence)
    if correction > 0:
        quantile = float(np.cbrt(1 + 3 * correction * (quantile - correction / 2)) - 1) / correction
    return quantile


def _compute_skewness_correction(influence: Floats) -> float:
    n, centred = len(influence), influence - influence.mean()
    skewness = float((centred**3).mean() / (centred**2).mean() ** 1.5)
    return float(max(0.0, SKEWNESS_INFLATION * skewness + np.sqrt(6 / n)) / (3 * np.sqrt(n)))


def draw_studentised_means(influence: Floats, resample_count: int, seed: int) -> Floats:
    """Return per resample the mean over its standard error; −∞ if a resample has no spread.

    Values are centred first, so the true mean is 0.
    """
    random, n = np.random.default_rng(seed), len(influence)
    centred = influence - influence.mean()
    chunks = []
    for start in range(0, resample_count, max(MAX_CHUNK_BLOCKS // n, 1)):
        size = min(max(MAX_CHUNK_BLOCKS // n, 1), resample_count - start)
        sample = centred.take(random.integers(0, n, (size, n)))
        mean = sample.mean(axis=1)
        sample -= mean[:, np.newaxis]
        spread = np.sqrt(np.einsum("ij,ij->i", sample, sample) / (n - 1))  # `std` makes more arrays of this size
        has_spread = spread > 1e-12 * max(float(np.abs(centred).max()), 1e-300)
        chunks.append(np.where(has_spread, mean / np.where(has_spread, spread, 1.0) * np.sqrt(n), -np.inf))
    return np.concatenate(chunks)
