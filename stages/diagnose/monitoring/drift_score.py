"""The drift score: the probability that the model got worse in the last 7, 14 or 30 days, every game counted once."""

from dataclasses import dataclass, replace

import numpy as np

from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.mean_shift import MeanShift, compute_baseline, compute_mean_shift
from stages.diagnose.monitoring.monitoring_settings import WindowSettings
from stages.diagnose.units.array_types import Floats

DRIFT_WINDOWS = (7, 14, 30)  # days since the model may have drifted
MEASURES = ("hits", "loss", "bias")
MAX_EVIDENCE_NATS = 50.0  # log likelihood ratios are clipped here, against overflow


@dataclass(frozen=True)
class DriftScore:
    """The score of each day, 0 to 100, and the contribution of each measure; missing where nothing can be judged."""

    score: Floats
    contributions: dict[str, Floats]


def compute_drift_score(daily_sums: DailySums, windows: WindowSettings, is_signed: bool) -> DriftScore:
    """Return 100 × the posterior probability that hits fell, loss rose or errors became biased, by the given sizes.

    The hypotheses are: nothing changed; or one of the three measures changed by its size 7, 14 or 30 days ago (bias in
    either direction). They are mutually exclusive, share `drift_prior` equally, and use a game once, so that nested
    windows do not add evidence. Likelihoods are normal, for means standardised by band, with the baseline's spread,
    which includes the correlation of games of a day; days count as independent. A rise of loss that the market shares
    comes from odd outcomes and is not drift. Without change the score is on average at most 100 · prior. A measure
    without enough units or baseline keeps its prior; `is_signed` is whether errors have a sign.
    """
    sums, bias_moves = daily_sums, (-windows.bias, windows.bias)
    hypothesis_prior = windows.drift_prior / len(MEASURES) / len(DRIFT_WINDOWS)
    hit_ratios = _compute_window_ratios(sums.wins, sums.decided, windows, (-windows.hit_drop,), is_rate=True)
    loss_ratios = _compute_window_ratios(
        sums.model, sums.units, windows, (windows.loss_rise,), market_sums=(sums.market, sums.priced)
    )
    bias_ratios = _compute_window_ratios(sums.error, sums.units, windows, bias_moves) if is_signed else []
    ratios_by_measure = {"hits": hit_ratios, "loss": loss_ratios, "bias": bias_ratios}
    zeros = np.zeros(daily_sums.units.shape[:-1])
    weights = {
        name: sum((hypothesis_prior * np.nan_to_num(values, nan=1.0) for values in ratios), zeros)
        for name, ratios in ratios_by_measure.items()
    }
    has_any = np.any([np.isfinite(values) for ratios in ratios_by_measure.values() for values in ratios], axis=0)
    known_share = sum(bool(ratios) for ratios in ratios_by_measure.values())
    normaliser = 1 - windows.drift_prior * known_share / len(MEASURES) + sum(weights.values())
    contributions = {name: np.where(has_any, 100 * values / normaliser, np.nan) for name, values in weights.items()}
    return DriftScore(np.where(has_any, 100 * sum(weights.values()) / normaliser, np.nan), contributions)


def _compute_window_ratios(
    daily_totals: Floats,
    daily_counts: Floats,
    windows: WindowSettings,
    moves: tuple[float, ...],
    is_rate: bool = False,
    market_sums: tuple[Floats, Floats] | None = None,
) -> list[Floats]:
    """Return for each window the likelihood ratio of the moves to no change, NaN where it cannot be judged."""
    reference = compute_baseline(daily_totals, daily_counts, windows.baseline_days)
    market_reference = compute_baseline(*market_sums, windows.baseline_days) if market_sums else None
    min_variance = reference.mean * (1 - reference.mean) if is_rate else None
    has_enough_days = reference.active_days >= windows.least_days
    ratios = []
    for width in DRIFT_WINDOWS:
        mean_shift = compute_mean_shift(daily_totals, daily_counts, reference, width, min_variance)
        if market_sums and market_reference:
            market_rise = compute_mean_shift(*market_sums, market_reference, width).value
            mean_shift = replace(mean_shift, value=_remove_market_rise(mean_shift.value, market_rise))
        ratio = np.mean([_compute_likelihood_ratio(mean_shift, move) for move in moves], axis=0)
        has_enough = has_enough_days & (mean_shift.units >= windows.least_picks) & (mean_shift.variance > 0)
        ratios.append(np.where(has_enough, ratio, np.nan))
    return ratios


def _remove_market_rise(model_rise: Floats, market_rise: Floats) -> Floats:
    """Return the model's rise of loss minus the part that the market shares: odd outcomes cost both."""
    shared_rise = np.maximum(np.minimum(model_rise, np.nan_to_num(market_rise)), 0.0)
    return np.where(np.isfinite(model_rise), model_rise - shared_rise, np.nan)


def _compute_likelihood_ratio(mean_shift: MeanShift, move: float) -> Floats:
    variance = np.where(mean_shift.variance > 0, mean_shift.variance, 1.0)
    return np.asarray(
        np.exp(np.clip((move * mean_shift.value - move * move / 2) / variance, -MAX_EVIDENCE_NATS, MAX_EVIDENCE_NATS))
    )
