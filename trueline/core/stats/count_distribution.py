"""Count distribution: the probability of each outcome of a number, given its mean and spread (standard deviation).

Whole outcomes, 0 and up (points, goals), follow a gamma distribution shifted down by its own mean, cut off at 0 and
rounded. Its skewness is spread / mean for any spread, as it is for Poisson's; if spread² = mean it is Poisson's
distribution to within 0.02 of probability. The negative binomial has nearly twice that skewness if spread² is several
times the mean. Other outcomes follow the normal distribution. Throughout, `is_integer` says which, rows are
independent, and a missing number gives a missing result.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincc, gammaincinv, ndtr, ndtri

Floats = npt.NDArray[np.float64]
GammaLaw = tuple[Floats, Floats, Floats]  # shape and scale of the gamma distribution, and its shift down

MIN_MEAN = 0.01
MIN_SPREAD = 0.1  # no integer outcome with a mean from MIN_MEAN to 0.99 has a smaller spread
MAX_SPREAD_RATIO = 25.0  # of spread to mean: 99 of 100 outcomes are 0 then
MIN_PROBABILITY = 1e-12  # the loss of an event that happens although its probability was 0 would be infinite
TAIL_NATS = 20.0  # −ln of the probability beyond the grid: 2e-9
MAX_CELLS = 1_000_000  # rows × outcomes held in memory at once, 8 bytes each and a few copies


def has_only_integers(values: Floats) -> bool:
    """Return whether every value is a whole number."""
    return bool((values == np.floor(values)).all())


def has_only_counts(values: Floats) -> bool:
    """Return whether every value is a whole number that is not negative: yards may be lost, so they are no counts."""
    return has_only_integers(values) and bool((values >= 0).all())


def compute_cdf(x: Floats, mean: Floats, spread: Floats, is_integer: bool) -> Floats:
    """Return P(outcome ≤ x) for each row.

    For whole outcomes, the distribution has the given mean and spread within 5 % if spread² ≥ mean, and within 1 % if
    also mean ≥ 2. A smaller spread is overstated by rounding; one below what any whole number could have, or above
    MAX_SPREAD_RATIO means, is not reached.
    """
    if is_integer:
        return _compute_gamma_cdf(np.floor(x), _solve_gamma_law(mean, spread))
    return np.asarray(ndtr((x - mean) / np.maximum(spread, MIN_PROBABILITY)), dtype=np.float64)


def compute_line_probabilities(
    line: Floats, mean: Floats, spread: Floats, is_integer: bool
) -> tuple[Floats, Floats, Floats]:
    """Return P(over), P(push) and P(under) of a line for each row; only a whole line on whole outcomes can push."""
    at_most = compute_cdf(line, mean, spread, is_integer)
    under = compute_cdf(np.ceil(line) - 1, mean, spread, is_integer) if is_integer else at_most
    return 1 - at_most, at_most - under, under


def compute_median(mean: Floats, spread: Floats, is_integer: bool) -> Floats:
    """Return the forecast with the least expected absolute error, made continuous for whole outcomes.

    Between two half points it rises with the probability below it and stays close to the whole point between them,
    which is the actual median. It lies above a half or whole line exactly if P(over) > P(under).
    """
    if not is_integer:
        return np.array(mean, dtype=np.float64)
    shape, scale, shift = law = _solve_gamma_law(mean, spread)
    median_point = np.maximum(np.ceil(gammaincinv(shape, 0.5) * scale - shift - 0.5), 0)
    below, at_most = _compute_gamma_cdf(median_point - 1, law), _compute_gamma_cdf(median_point, law)
    fraction = np.clip((0.5 - below) / np.maximum(at_most - below, MIN_PROBABILITY), 0, 1)
    return np.asarray(median_point + 4 * (fraction - 0.5) ** 3)


def compute_quantile(share: float, mean: Floats, spread: Floats, is_integer: bool) -> Floats:
    """Return for each row the smallest outcome with P(outcome ≤ it) ≥ share; `share` is strictly between 0 and 1."""
    if not is_integer:
        return np.asarray(mean + ndtri(share) * np.maximum(spread, MIN_PROBABILITY), dtype=np.float64)
    shape, scale, shift = law = _solve_gamma_law(mean, spread)
    outcome = np.maximum(np.ceil(gammaincinv(shape, share) * scale - shift - 0.5), 0)
    # rounding may put the outcome one step off
    outcome = np.where(_compute_gamma_cdf(outcome, law) < share, outcome + 1, outcome)
    is_too_high = (outcome > 0) & (_compute_gamma_cdf(outcome - 1, law) >= share)
    return np.where(is_too_high, outcome - 1, outcome)


def compute_log_score(actual: Floats, mean: Floats, spread: Floats, is_integer: bool) -> Floats:
    """Return −ln of the probability (whole outcomes) or density of the actual outcome, for each row (nats)."""
    if is_integer:
        law = _solve_gamma_law(mean, spread)
        return np.asarray(
            -np.log(np.maximum(_compute_gamma_cdf(actual, law) - _compute_gamma_cdf(actual - 1, law), MIN_PROBABILITY))
        )
    spread = np.maximum(spread, MIN_PROBABILITY)
    return np.asarray(np.log(spread * np.sqrt(2 * np.pi)) + np.square((actual - mean) / spread) / 2)


def compute_crps(actual: Floats, mean: Floats, spread: Floats, is_integer: bool) -> Floats:
    """Return the continuous ranked probability score of each row, in the unit of the outcome; lower is better.

    It is the sum over all whole points k (the integral, for the normal) of (P(outcome ≤ k) − [actual ≤ k])². Exact to
    1e-9; the time per row grows with mean and spread, to some 20 µs if outcomes reach 100.
    """
    if is_integer:
        return _compute_integer_crps(actual, mean, spread)
    spread = np.maximum(spread, MIN_PROBABILITY)
    z = (actual - mean) / spread
    density = np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(spread * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


def compute_pit(actual: Floats, mean: Floats, spread: Floats, is_integer: bool, draws: Floats) -> Floats:
    """Return the probability integral transform of each row: uniform between 0 and 1 if the distribution is true.

    `draws`, one per row between 0 and 1, place the row within the step of its whole outcome: uniform draws randomise
    it, 0.5 takes the middle.
    """
    at_most = compute_cdf(actual, mean, spread, is_integer)
    below = compute_cdf(actual - 1, mean, spread, is_integer) if is_integer else at_most
    return below + draws * (at_most - below)


def _compute_cut_moments(ratio: Floats) -> tuple[Floats, Floats]:
    """Return the mean and spread, after the cut at 0, of a distribution with mean 1 and spread `ratio` before it."""
    shape, x = 4 / ratio**2, 2 / ratio**2
    q0, q1, q2 = (gammaincc(shape + power, x) for power in (0, 1, 2))
    mean = 2 * q1 - q0
    return mean, np.sqrt((4 + ratio**2) * q2 - 4 * q1 + q0 - mean**2)


GRID_RATIOS = np.geomspace(1e-3, 50, 6000)
GRID_MEANS, GRID_SPREADS = _compute_cut_moments(GRID_RATIOS)


def _solve_gamma_law(mean: Floats, spread: Floats) -> GammaLaw:
    """Return the gamma distribution that has the given mean and spread after the cut at 0.

    If spread² is at most the mean, rounding raises what the cut already raises, so there is no correction. Above that,
    the effect of rounding fades with the square of mean / spread².
    """
    mean = np.maximum(mean, MIN_MEAN)
    spread = np.clip(spread, MIN_SPREAD, np.maximum(MAX_SPREAD_RATIO * mean, MIN_SPREAD))
    correction = np.maximum(1 - np.square(mean / spread**2), 0)
    ratio = np.interp(spread / mean, GRID_SPREADS / GRID_MEANS, GRID_RATIOS)
    uncut_mean = mean / np.interp(ratio, GRID_RATIOS, GRID_MEANS) ** correction
    spread = spread * (ratio / np.interp(ratio, GRID_RATIOS, GRID_SPREADS)) ** correction
    return 4 * np.square(uncut_mean / spread), spread**2 / (2 * uncut_mean), uncut_mean


def _compute_gamma_cdf(k: Floats, law: GammaLaw) -> Floats:
    shape, scale, shift = law
    return np.asarray(np.where(k < 0, 0.0, gammainc(shape, np.maximum(k + 0.5 + shift, 0) / scale)))


def _compute_integer_crps(actual: Floats, mean: Floats, spread: Floats) -> Floats:
    shape, scale, shift = _solve_gamma_law(mean, spread)
    # Laurent and Massart 2000: a gamma variable exceeds this with probability exp(−TAIL_NATS) at most
    last_outcome = np.nan_to_num(np.ceil(scale * (shape + np.sqrt(2 * shape * TAIL_NATS) + TAIL_NATS) - shift))
    scores: Floats = np.maximum(actual - last_outcome - 1, 0)
    order = np.argsort(-last_outcome, kind="stable")
    while len(order):
        k = np.arange(last_outcome[order[0]] + 1)
        rows, order = np.split(order, [max(1, MAX_CELLS // len(k))])
        probabilities = _compute_gamma_cdf(k, (shape[rows, None], scale[rows, None], shift[rows, None]))
        scores[rows] += np.square(probabilities - (actual[rows, None] <= k)).sum(axis=1)
    return scores
