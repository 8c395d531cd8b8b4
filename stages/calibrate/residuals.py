"""residuals: forecasts of a quantity, corrected by a line, and the spread of the outcomes around them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.count_distribution import compute_log_score, compute_median, has_only_counts
from trueline.core.stats.group_ops import Codes, Floats

MIN_COUNT_MEAN = 0.05  # minimum of the mean of a count: its logarithm must exist
GROWTH_BOUNDS = (-1.0, 2.0)  # 0 is a constant spread, ½ that of a Poisson law, 1 a spread proportional to the mean
LEVEL_SEARCH_RADIUS = 10.0  # how far from its start the level is searched
SOLVER_OPTIONS: Any = {"ftol": 1e-15, "gtol": 1e-9}  # (with one-sided differences the search ends up to 1e-3 away)
MIN_ROWS = 50  # with fewer rows, correcting a score that was right makes it worse
EPSILON = 1e-9  # keeps divisions finite; an error this small is none beside targets that differ by 1


class Settings(StageSettings):
    """No parameters."""


class Sample(NamedTuple):
    """Calibrate rows, and the units in which the fitted parameters are near 1."""

    score: Floats
    target: Floats
    standard_score: Floats  # the score minus its mean, in its own standard deviations
    tilt: float  # slope of the least-squares line from `standard_score` to the errors
    noise: float  # root mean square of the errors about that line, or about 0 with fewer than MIN_ROWS rows
    is_count: bool  # whether all targets are integers, none below 0
    target_mean: float  # mean of the targets
    target_std: float  # standard deviation of the targets


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return the line mean = a + b·score and the curve of the spread over the mean, both of maximum likelihood.

    ln spread is level + growth·ln(mean / centre) for counts (integers, none below 0), and level + growth·(mean −
    centre) / unit for other targets. One pseudo-row with the spread of a Poisson law (for other targets, that of the
    errors) is added, so that a few lucky rows do not pass for certainty. Then whatever could be chance is left out: the
    correction by the line, and the difference of growth from ½ (from 0 for other targets), are each multiplied by
    1 − (two standard errors / itself)², or by 0 if that is negative. With fewer than MIN_ROWS rows the score stays as
    it is. Limit: a score that is a median is not told apart from a mean that is too low; both are corrected. Raises
    UserError if there are no rows, a number is not finite, or targets that are no counts are predicted exactly.
    """
    sample = _build_sample(score, target)
    compute_loss = _build_loss(sample)
    start_params = _estimate_start(sample)
    level_bounds = start_params[2] - LEVEL_SEARCH_RADIUS, start_params[2] + LEVEL_SEARCH_RADIUS
    bounds = [(None, None), (None, None), level_bounds, GROWTH_BOUNDS]
    best_params = minimize(
        compute_loss, start_params, method="L-BFGS-B", jac="3-point", bounds=bounds, options=SOLVER_OPTIONS
    ).x
    shrunk_params = _shrink_params(best_params, sample)
    state = _build_state(_optimise_level(shrunk_params, compute_loss, _estimate_level(shrunk_params, sample)), sample)
    mean, _ = _compute_mean_and_spread(state, score)
    return {**state, "low": float(mean.min()), "high": float(mean.max()), "n": len(score)}


def apply(state: dict[str, Any], score: Floats, group: Codes) -> dict[str, Floats]:
    """Return the median (under ""), the mean and the spread of each row's predictive distribution.

    The two last are those that trueline.core.stats.count_distribution takes. Beyond the range of means seen among the
    calibrate rows, the spread stays what it is at the nearest end.
    """
    mean, spread = _compute_mean_and_spread(state, score)
    return {"": compute_median(mean, spread, state["whole"]), "mean": mean, "spread": spread}


def _build_sample(score: Floats, target: Floats) -> Sample:
    _validate_inputs(score, target)
    standard_score = (score - score.mean()) / score.std() if np.ptp(score) > 0 else np.zeros(len(score))
    error = target - score
    tilt = float(standard_score @ error) / len(standard_score)
    residual = error if len(error) < MIN_ROWS else error - error.mean() - tilt * standard_score
    noise, is_count = float(np.sqrt(np.square(residual).mean())), has_only_counts(target)
    if not is_count and noise <= EPSILON * float(np.abs(target).max()):
        raise UserError(
            f"residuals found no error in {len(score)} scores, so it cannot estimate a spread; "
            "check whether the target is among the inputs, or raise folds.<task>.calibrate_days."
        )
    target_mean, target_std = float(target.mean()), float(target.std())
    if is_count:
        noise, target_mean = max(noise, MIN_COUNT_MEAN), max(target_mean, MIN_COUNT_MEAN)
    target_scale = target_std if target_std > 0 else 1.0
    return Sample(score, target, standard_score, tilt, noise, is_count, target_mean, target_scale)


def _validate_inputs(score: Floats, target: Floats) -> None:
    if not len(score):
        raise UserError("residuals was given no rows; add days, or choose folds that leave it some.")
    for name, values, remedy in (("scores", score, "fix the learner"), ("targets", target, "drop those rows")):
        if invalid_count := int((~np.isfinite(values)).sum()):
            raise UserError(
                f"residuals was given {invalid_count} of {len(values)} {name} missing or infinite; {remedy}."
            )


def _build_state(params: Floats, sample: Sample) -> dict[str, Any]:
    shift, tilt, level, growth = (float(number) for number in params)
    slope = tilt * sample.noise / float(sample.score.std()) if sample.standard_score.any() else 0.0
    line = {"a": shift * sample.noise - slope * float(sample.score.mean()), "b": 1 + slope}
    curve = {"level": level, "growth": growth, "centre": sample.target_mean, "unit": sample.target_std}
    return {**line, **curve, "low": -np.inf, "high": np.inf, "whole": sample.is_count}


def _compute_mean_and_spread(state: dict[str, Any], score: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the spread of each row."""
    mean = state["a"] + state["b"] * score
    if state["whole"]:
        mean = np.maximum(mean, MIN_COUNT_MEAN)
    return mean, np.exp(state["level"] + state["growth"] * _compute_scaled_mean(state, mean))


def _compute_scaled_mean(state: dict[str, Any], mean: Floats) -> Floats:
    clipped_mean = np.clip(mean, state["low"], state["high"])
    if state["whole"]:
        return np.asarray(np.log(clipped_mean / state["centre"]), dtype=np.float64)
    return np.asarray((clipped_mean - state["centre"]) / state["unit"])


def _estimate_start(sample: Sample) -> Floats:
    """Return the parameters of the least-squares line, with the spread of its errors."""
    shift = float((sample.target - sample.score).mean())
    params = np.array([shift / sample.noise, sample.tilt / sample.noise, 0.0, _get_default_growth(sample)])
    params[2] = _estimate_level(params, sample)
    return params


def _get_default_growth(sample: Sample) -> float:
    """Return the growth that is assumed without evidence."""
    return 0.5 if sample.is_count else 0.0


def _estimate_level(params: Floats, sample: Sample) -> float:
    """Return the level at which the mean square of the standardised errors is 1."""
    mean, spread = _compute_mean_and_spread(_build_state(params, sample), sample.score)
    variance_ratio = float(np.square((sample.target - mean) / spread).mean())
    return float(params[2]) + float(np.log(max(variance_ratio, EPSILON))) / 2


def _optimise_level(params: Floats, compute_loss: Callable[[Floats], float], start_level: float) -> Floats:
    """Return the parameters with the level of maximum likelihood given the others."""
    solution = minimize_scalar(
        lambda level: compute_loss(np.array([*params[:2], level, params[3]])), (start_level, start_level + 0.1)
    )
    return np.array([*params[:2], solution.x, params[3]])


def _build_loss(sample: Sample) -> Callable[[Floats], float]:
    """Return the mean −ln likelihood as a function of shift, tilt, level and growth."""

    def compute_loss(params: Floats) -> float:
        mean, spread = _compute_mean_and_spread(_build_state(params, sample), sample.score)
        spread_ratio = (np.sqrt(mean) if sample.is_count else sample.noise) / spread
        pseudo_row_loss = float(np.mean(np.square(spread_ratio) / 2 - np.log(spread_ratio))) / len(mean)
        return float(compute_log_score(sample.target, mean, spread, sample.is_count).mean()) + pseudo_row_loss

    return compute_loss


def _shrink_params(best_params: Floats, sample: Sample) -> Floats:
    """Return the fitted parameters, with line and growth shrunk toward their defaults by their sampling variance."""
    default_params = np.array([0.0, 0.0, best_params[2], _get_default_growth(sample)])
    if len(sample.score) < MIN_ROWS:
        return default_params
    difference = best_params - default_params
    return np.asarray(
        default_params
        + difference
        * np.maximum(0, 1 - 4 * _estimate_variances(best_params, sample) / np.maximum(difference**2, EPSILON))
    )


def _estimate_variances(best_params: Floats, sample: Sample) -> Floats:
    """Return the sampling variance of each parameter: the inverse of its information under a normal law.

    That of the level, which is not shrunk, is given as 0.
    """
    n, state = len(sample.score), _build_state(best_params, sample)
    mean, spread = _compute_mean_and_spread(state, sample.score)
    line_design = np.column_stack([np.ones(n), sample.standard_score]) * (sample.noise / spread)[:, None]
    growth_variance = 1 / max(2 * n * float(_compute_scaled_mean(state, mean).var()), EPSILON)
    return np.array([*np.diag(np.linalg.pinv(line_design.T @ line_design)), 0.0, growth_variance])
