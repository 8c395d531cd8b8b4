"""Quantities: how likely each outcome of a number is, given its mean and its spread (standard deviation).

Whole outcomes, 0 and up (points, goals), follow a gamma law moved down by its own mean, cut off at 0 and rounded. Its
skewness is spread / mean, which is Poisson's rule held to for any spread; where spread² = mean it is Poisson's law to
within 0.02 of probability. The negative binomial has nearly twice that skewness where spread² is several times the
mean. Other outcomes follow the normal law. Throughout, `whole` says which, rows are independent, and a missing number
gives a missing answer.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincc, gammaincinv, ndtr

Floats = npt.NDArray[np.float64]
Law = tuple[Floats, Floats, Floats]  # shape and scale of the gamma law, and how far it is moved down

LEAST_MEAN = 0.01
LEAST_SPREAD = 0.1  # no whole number with a mean of LEAST_MEAN or more and less than 0.99 spreads less
MOST_RATIO = 25.0  # of spread to mean: 99 outcomes of 100 are 0 then
TINY = 1e-12  # a probability of zero that comes true would cost infinitely much
TAIL = 20.0  # −ln of what is left beyond the grid: 2e-9
CELLS = 1_000_000  # rows × outcomes held in memory at once, 8 bytes each and a few copies


def whole_numbers(values: Floats) -> bool:
    """Return whether every value is a whole number."""
    return bool((values == np.floor(values)).all())


def cdf(x: Floats, mean: Floats, spread: Floats, whole: bool) -> Floats:
    """Return P(outcome ≤ x) for each row.

    For whole outcomes mean and spread are the law's own within 5 % where spread² is the mean or more, and within 1 %
    where the mean is 2 or more besides. A smaller spread is overstated by rounding, and one below what any whole
    number could have, or above MOST_RATIO means, is not reached.
    """
    if whole:
        return _at_most(np.floor(x), _law(mean, spread))
    return np.asarray(ndtr((x - mean) / np.maximum(spread, TINY)), dtype=np.float64)


def chances(line: Floats, mean: Floats, spread: Floats, whole: bool) -> tuple[Floats, Floats, Floats]:
    """Return P(over), P(push) and P(under) of a line for each row; only a whole line on whole outcomes is pushed."""
    at_most = cdf(line, mean, spread, whole)
    under = cdf(np.ceil(line) - 1, mean, spread, whole) if whole else at_most
    return 1 - at_most, at_most - under, under


def median(mean: Floats, spread: Floats, whole: bool) -> Floats:
    """Return the forecast of least absolute error, made continuous for whole outcomes.

    It rises with the law from each half point to the next, and leans to the whole point between them, which is the
    median proper. It lies above a half or whole line exactly where P(over) > P(under).
    """
    if not whole:
        return np.array(mean, dtype=np.float64)
    shape, scale, down = law = _law(mean, spread)
    middle = np.maximum(np.ceil(gammaincinv(shape, 0.5) * scale - down - 0.5), 0)
    below, at_most = _at_most(middle - 1, law), _at_most(middle, law)
    passed = np.clip((0.5 - below) / np.maximum(at_most - below, TINY), 0, 1)
    return np.asarray(middle + 4 * (passed - 0.5) ** 3)


def log_score(actual: Floats, mean: Floats, spread: Floats, whole: bool) -> Floats:
    """Return −ln of the probability (whole outcomes) or density of what happened, for each row (nats)."""
    if whole:
        law = _law(mean, spread)
        return np.asarray(-np.log(np.maximum(_at_most(actual, law) - _at_most(actual - 1, law), TINY)))
    spread = np.maximum(spread, TINY)
    return np.asarray(np.log(spread * np.sqrt(2 * np.pi)) + np.square((actual - mean) / spread) / 2)


def crps(actual: Floats, mean: Floats, spread: Floats, whole: bool) -> Floats:
    """Return the continuous ranked probability score of each row, in the unit of the outcome; less is better.

    The sum over all whole points (the integral, for the normal) of (P(outcome ≤ k) − [actual ≤ k])². Exact to 1e-9;
    the time of a row grows with its mean and spread, some 20 µs where they reach to 100.
    """
    if whole:
        return _crps_whole(actual, mean, spread)
    spread = np.maximum(spread, TINY)
    z = (actual - mean) / spread
    density = np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(spread * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


def pit(actual: Floats, mean: Floats, spread: Floats, whole: bool, draws: Floats) -> Floats:
    """Return the probability integral transform of each row: uniform between 0 and 1 where the law is true.

    `draws`, one a row between 0 and 1, place the row within the step of its whole outcome: uniform draws randomise
    it, 0.5 takes the middle.
    """
    at_most = cdf(actual, mean, spread, whole)
    below = cdf(actual - 1, mean, spread, whole) if whole else at_most
    return below + draws * (at_most - below)


def _moments(ratio: Floats) -> tuple[Floats, Floats]:
    """Return mean and spread left after the cut at 0 of a law of mean 1 and spread `ratio`."""
    shape, x = 4 / ratio**2, 2 / ratio**2
    q0, q1, q2 = (gammaincc(shape + power, x) for power in (0, 1, 2))
    mean = 2 * q1 - q0
    return mean, np.sqrt((4 + ratio**2) * q2 - 4 * q1 + q0 - mean**2)


RATIOS = np.geomspace(1e-3, 50, 6000)
MEANS, SPREADS = _moments(RATIOS)


def _law(mean: Floats, spread: Floats) -> Law:
    """Return the law whose mean and spread are these after the cut at 0.

    Where spread² is no more than the mean, rounding lifts what the cut lifts already: no correction is due. Above,
    what rounding does fades with the square of mean / spread².
    """
    mean = np.maximum(mean, LEAST_MEAN)
    spread = np.clip(spread, LEAST_SPREAD, np.maximum(MOST_RATIO * mean, LEAST_SPREAD))
    due = np.maximum(1 - np.square(mean / spread**2), 0)
    ratio = np.interp(spread / mean, SPREADS / MEANS, RATIOS)
    before = mean / np.interp(ratio, RATIOS, MEANS) ** due
    spread = spread * (ratio / np.interp(ratio, RATIOS, SPREADS)) ** due
    return 4 * np.square(before / spread), spread**2 / (2 * before), before


def _at_most(k: Floats, law: Law) -> Floats:
    shape, scale, down = law
    return np.asarray(np.where(k < 0, 0.0, gammainc(shape, np.maximum(k + 0.5 + down, 0) / scale)))


def _crps_whole(actual: Floats, mean: Floats, spread: Floats) -> Floats:
    shape, scale, down = _law(mean, spread)
    # Laurent and Massart 2000: a gamma law exceeds this with probability exp(−TAIL) at most
    last = np.nan_to_num(np.ceil(scale * (shape + np.sqrt(2 * shape * TAIL) + TAIL) - down))
    found: Floats = np.maximum(actual - last - 1, 0)
    order = np.argsort(-last, kind="stable")
    while len(order):
        k = np.arange(last[order[0]] + 1)
        rows, order = np.split(order, [max(1, CELLS // len(k))])
        shares = _at_most(k, (shape[rows, None], scale[rows, None], down[rows, None]))
        found[rows] += np.square(shares - (actual[rows, None] <= k)).sum(axis=1)
    return found
