"""Groups in which one share of success is divided: softmax, losses and ranks within each."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar

from core.refusals import Refusal

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CONVERGED = 1e-8  # in the logarithm of a factor
TINY = 1e-12  # a probability of zero that comes true would cost infinitely much


def codes(group: pd.Series) -> Codes:
    """Return 0…n-1 for each row's group, numbered by first appearance."""
    return pd.factorize(group)[0].astype(np.int64)


def check(won: Floats, tool: str, score: Floats | None = None) -> None:
    """Refuse what no tool learns a chance from: no rows, targets that are no share of a win, scores not finite."""
    if not len(won):
        raise Refusal(f"{tool} was given no rows; bring more days, or choose folds that leave it some.")
    if not ((won >= 0) & (won <= 1)).all():
        raise Refusal(
            f"{tool} needs targets that are a share of a win, 0 lost to 1 won, and they run from {won.min():g} to "
            f"{won.max():g}; choose another tool for this task."
        )
    if score is not None and not np.isfinite(score).all():
        odd = int((~np.isfinite(score)).sum())
        raise Refusal(f"{tool} was given {odd} of {len(score)} scores missing or infinite; mend the learner.")


def total(values: Floats, code: Codes) -> Floats:
    """Return for each row the sum over its group."""
    return np.bincount(code, weights=values).astype(float)[code]


def normalise(values: Floats, code: Codes) -> Floats:
    """Return non-negative values as shares of their group's sum; a group of zeros is shared evenly."""
    sums = total(values, code)
    size = total(np.ones(len(code)), code)
    return np.where(sums > 0, values / np.where(sums > 0, sums, 1.0), 1 / size)


def softmax(score: Floats, code: Codes) -> Floats:
    """Return exp(score) as shares within the group, safe for large scores."""
    top = np.full(code.max() + 1 if len(code) else 0, -np.inf)
    np.maximum.at(top, code, score)
    return normalise(np.exp(score - top[code]), code)


def losses(p: Floats, won: Floats, code: Codes) -> Floats:
    """Return −ln p(winner) for each group in order of its code; a dead heat shares the win (nats)."""
    return np.bincount(code, weights=-won * np.log(np.maximum(p, TINY))).astype(float)


def uniform_losses(code: Codes) -> Floats:
    """Return ln(runners) for each group: the loss of knowing nothing (nats)."""
    return np.asarray(np.log(np.bincount(code)), dtype=np.float64)


def temperature(score: Floats, won: Floats, code: Codes) -> float:
    """Return the factor b > 0 for which softmax(b·score) has the least loss on these rows."""
    found = minimize_scalar(
        lambda log_b: losses(softmax(np.exp(log_b) * score, code), won, code).mean(),
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": CONVERGED},
    )
    return float(np.exp(found.x))


def rank(values: Floats, code: Codes) -> Floats:
    """Return each row's rank within its group, 1 for the largest, ties sharing the mean rank, missing unranked."""
    return np.asarray(pd.Series(values).groupby(code).rank(ascending=False), dtype=np.float64)


def lead(values: Floats, code: Codes) -> Floats:
    """Return each row's value minus the mean of its group (missing values left out).

    To the last bit a function of its own group alone, which pandas' means are not: what they add, and how, depends on
    whether any row of the table is missing.
    """
    known = ~np.isnan(values)
    count = total(known.astype(float), code)
    sums = total(np.where(known, values, 0.0), code)
    return np.asarray(values - sums / np.where(count > 0, count, np.nan))
