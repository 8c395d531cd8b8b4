"""residuals: forecasts of a quantity, mended, and the spread that outcomes have had around them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from core.counts import log_score, median, whole_numbers
from core.params import Knobs
from core.races import Codes, Floats
from core.refusals import Refusal

LEAST = 0.05  # a mean of whole outcomes stays above 0, and so does its logarithm
GROWTH = (-1.0, 2.0)  # 0 is a constant spread, ½ Poisson's, 1 a spread in step with the mean
REACH = 10.0  # of the search for the level around its start
CONVERGED: Any = {"ftol": 1e-15, "gtol": 1e-9}  # with one-sided differences the search ends up to 1e-3 away
FEWEST = 50  # rows below which a mended score forecasts worse than the score itself, where that was sound
TINY = 1e-9  # keeps divisions finite, and is no error at all beside targets that differ by 1


class Settings(Knobs):
    """No knobs."""


class Sample(NamedTuple):
    """Calibrate rows, and the units in which what is fitted is near 1."""

    score: Floats
    target: Floats
    x: Floats  # the score less its mean, in its own standard deviations
    tilt: float  # of the line of least squares from x to the errors
    noise: float  # standard deviation of the errors about that line
    whole: bool
    centre: float  # mean of the targets
    unit: float  # standard deviation of the targets


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return the line mean = a + b·score and the curve of the spread over the mean, both of greatest likelihood.

    ln spread = level + growth·ln(mean / centre) for whole targets, level + growth·(mean − centre) / unit for others.
    One row more is counted that has Poisson's spread (the errors' own, for others), so that no row is taken for
    certainty. What the line changes of the score, and what growth differs from ½ (0 for others), are then multiplied
    by 1 − (two standard errors / itself)², or 0: what could be chance is left out. Fewer than FEWEST rows leave the
    score as it is. No attempt is made to tell a score that is a median from a mean that is too low: both are mended.
    Refuses no rows, numbers not finite, whole targets below 0, and other targets that are hit exactly.
    """
    sample = _sample(score, target)
    loss = _loss(sample)
    start = _start(sample)
    bounds = [(None, None), (None, None), (start[2] - REACH, start[2] + REACH), GROWTH]
    best = minimize(loss, start, method="L-BFGS-B", jac="3-point", bounds=bounds, options=CONVERGED).x
    drawn = _drawn(best, sample)
    state = _state(_levelled(drawn, loss, _level(drawn, sample)), sample)
    mean, _ = _law(state, score)
    return {**state, "low": float(mean.min()), "high": float(mean.max()), "n": len(score)}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> dict[str, Floats]:
    """Return the median (under ""), the mean and the spread of each row's distribution, as core.counts takes them.

    Beyond the means seen among the calibrate rows the spread stays what it was at the last of them.
    """
    mean, spread = _law(state, score)
    return {"": median(mean, spread, state["whole"]), "mean": mean, "spread": spread}


def _sample(score: Floats, target: Floats) -> Sample:
    _check(score, target)
    x = (score - score.mean()) / score.std() if np.ptp(score) > 0 else np.zeros(len(score))
    error = target - score
    tilt = float(x @ error) / len(x)
    about = error if len(error) < FEWEST else error - error.mean() - tilt * x
    noise, whole = float(np.sqrt(np.square(about).mean())), whole_numbers(target)
    if not whole and noise <= TINY * float(np.abs(target).max()):
        raise Refusal(
            f"residuals found no error in {len(score)} scores, so no spread can be told; "
            "look for the target among the inputs, or raise folds.<task>.calibrate_days."
        )
    centre, unit = float(target.mean()), float(target.std())
    if whole:
        noise, centre = max(noise, LEAST), max(centre, LEAST)
    return Sample(score, target, x, tilt, noise, whole, centre, unit if unit > 0 else 1.0)


def _check(score: Floats, target: Floats) -> None:
    if not len(score):
        raise Refusal("residuals was given no rows; bring more days, or choose folds that leave it some.")
    for name, values, mend in (("scores", score, "mend the learner"), ("targets", target, "drop those rows")):
        if odd := int((~np.isfinite(values)).sum()):
            raise Refusal(f"residuals was given {odd} of {len(values)} {name} missing or infinite; {mend}.")
    if whole_numbers(target) and target.min() < 0:
        raise Refusal(
            f"residuals was given whole targets down to {target.min():g}, and a count starts at 0; "
            "choose a target that is never negative, or another calibrator."
        )


def _state(fitted: Floats, sample: Sample) -> dict[str, Any]:
    shift, tilt, level, growth = (float(number) for number in fitted)
    slope = tilt * sample.noise / float(sample.score.std()) if sample.x.any() else 0.0
    line = {"a": shift * sample.noise - slope * float(sample.score.mean()), "b": 1 + slope}
    curve = {"level": level, "growth": growth, "centre": sample.centre, "unit": sample.unit}
    return {**line, **curve, "low": -np.inf, "high": np.inf, "whole": sample.whole}


def _law(state: dict[str, Any], score: Floats) -> tuple[Floats, Floats]:
    """Return mean and spread of each row."""
    mean = state["a"] + state["b"] * score
    if state["whole"]:
        mean = np.maximum(mean, LEAST)
    return mean, np.exp(state["level"] + state["growth"] * _height(state, mean))


def _height(state: dict[str, Any], mean: Floats) -> Floats:
    seen = np.clip(mean, state["low"], state["high"])
    if state["whole"]:
        return np.asarray(np.log(seen / state["centre"]), dtype=np.float64)
    return np.asarray((seen - state["centre"]) / state["unit"])


def _start(sample: Sample) -> Floats:
    """Return the line of least squares with the spread that its errors have."""
    shift = float((sample.target - sample.score).mean())
    start = np.array([shift / sample.noise, sample.tilt / sample.noise, 0.0, _rest(sample)])
    start[2] = _level(start, sample)
    return start


def _rest(sample: Sample) -> float:
    """Return the growth that is taken while nothing is known."""
    return 0.5 if sample.whole else 0.0


def _level(fitted: Floats, sample: Sample) -> float:
    """Return the level at which the squares of the errors are what the curve expects of them."""
    mean, spread = _law(_state(fitted, sample), sample.score)
    share = float(np.square((sample.target - mean) / spread).mean())
    return float(fitted[2]) + float(np.log(max(share, TINY))) / 2


def _levelled(drawn: Floats, loss: Callable[[Floats], float], near: float) -> Floats:
    """Return the numbers with the level that is likeliest beside the others."""
    found = minimize_scalar(lambda level: loss(np.array([*drawn[:2], level, drawn[3]])), (near, near + 0.1))
    return np.array([*drawn[:2], found.x, drawn[3]])


def _loss(sample: Sample) -> Callable[[Floats], float]:
    """Return the mean of −ln likelihood as a function of shift, tilt, level and growth."""

    def loss(fitted: Floats) -> float:
        mean, spread = _law(_state(fitted, sample), sample.score)
        narrow = (np.sqrt(mean) if sample.whole else sample.noise) / spread
        one_more = float(np.mean(np.square(narrow) / 2 - np.log(narrow))) / len(mean)
        return float(log_score(sample.target, mean, spread, sample.whole).mean()) + one_more

    return loss


def _drawn(best: Floats, sample: Sample) -> Floats:
    """Return what was fitted, the line and the growth drawn toward rest by what these rows cannot tell of them."""
    rest = np.array([0.0, 0.0, best[2], _rest(sample)])
    if len(sample.score) < FEWEST:
        return rest
    gap = best - rest
    return np.asarray(rest + gap * np.maximum(0, 1 - 4 * _variance(best, sample) / np.maximum(gap**2, TINY)))


def _variance(best: Floats, sample: Sample) -> Floats:
    """Return the sampling variance of each number: one over the information that a normal law would hold of it."""
    n, state = len(sample.score), _state(best, sample)
    mean, spread = _law(state, sample.score)
    line = np.column_stack([np.ones(n), sample.x]) * (sample.noise / spread)[:, None]
    growth = 1 / max(2 * n * float(_height(state, mean).var()), TINY)
    return np.array([*np.diag(np.linalg.pinv(line.T @ line)), 0.0, growth])
