"""Gain over the market: what the combination of model and market gains, and what its weights say of the model."""

from typing import Any

import numpy as np
from scipy.special import ndtri

from stages.evaluate.race.market_combination import (
    RIDGE_PENALTY,
    Combination,
    PricedRaces,
    combine_with_market,
    fit_banded_weights,
)
from trueline.core.stats.block_bootstrap import bootstrap_ratios
from trueline.core.stats.confidence_intervals import Z_SCORE, Interval
from trueline.core.stats.group_ops import Floats
from trueline.core.stats.race_logit import Prior, fit_race_logit

POWER = 0.8  # the share of tables in which a gain of `visible` would be seen
Report = dict[str, Any]


def report_gain(priced: PricedRaces, prior_races: float, band_races: float, seed: int) -> Report:
    """Return the gain by weights of earlier days, what weights known beforehand would gain, and the weights."""
    combination = combine_with_market(priced, prior_races, band_races)
    weights, influence = estimate_weights(priced)
    race_count = len(combination.gain)
    every_race, is_fitted = np.ones(race_count), combination.is_fitted.astype(float)
    gain, fitted_gain, weight, recalibrated, banded = bootstrap_ratios(
        [
            (combination.gain, every_race),
            (combination.gain, is_fitted),
            (weights["model_weight"] + influence, every_race),
            (combination.market_loss - combination.recalibrated_loss, every_race),
            (combination.shared_loss - combination.banded_loss, every_race),
        ],
        seed,
    )
    known_gain, visible = estimate_known_gain(weight, weights.pop("gained")), _compute_visible_gain(race_count)
    return {
        "gain": gain,
        "unit": "nats per race, weights fitted on the races of earlier days",
        "sentence": describe_gain(gain, known_gain, weight, visible),
        "gain_where_fitted": {**fitted_gain, "n": int(is_fitted.sum())},
        "gain_of_known_weights": known_gain,
        "visible": visible,
        **weights,
        "model_weight_interval": weight,
        "recalibrated_market": recalibrated,
        "bands": _report_bands(priced, combination, prior_races, band_races) | {"gain": banded},
    }


def estimate_weights(priced: PricedRaces) -> tuple[dict[str, float], Floats]:
    """Return the weights on all races with what they gain there in all, and what each race moves the model's weight.

    The moves have the mean 0, and resampled they give the weight's interval.
    """
    races, won = priced.races, priced.won
    terms = np.column_stack([priced.market, priced.departure])
    market_chance = _fit_all_races(terms[:, :1], priced)[1]
    weights, chance = _fit_all_races(terms, priced)
    curvature = races.compute_curvature(terms, chance, won) + RIDGE_PENALTY * np.eye(2)
    wins = np.repeat(races.sum_by_race(won), races.size)
    slope = races.sum_by_race(terms * (won - wins * chance)[:, None])
    influence = len(slope) * np.linalg.solve(curvature, slope.T)[1]
    gained = (races.compute_losses(market_chance, won) - races.compute_losses(chance, won)).sum()
    described = {"model_weight": float(weights[1]), "market_weight": float(weights[0] - weights[1])}
    return described | {"gained": float(gained)}, influence - influence.mean()


def _fit_all_races(columns: Floats, priced: PricedRaces) -> tuple[Floats, Floats]:
    market_alone = np.eye(columns.shape[1])[0]
    prior = Prior(market_alone, RIDGE_PENALTY * np.eye(columns.shape[1]))
    weights = fit_race_logit(columns, priced.won, priced.races, prior, market_alone)
    return weights, priced.races.compute_chances(columns @ weights)


def estimate_known_gain(weight: Interval, total: float) -> Interval:
    """Return the gain per race of weights known beforehand; its interval begins at 0 if that of the weight holds 0.

    `total` is what the best weights of these races gain on them, half a nat of it by chance alone. A gain rises with
    the square of the model's weight, so its interval is that of the weight, squared. The interval of the realised gain
    is wider, as it holds the luck of the races too: a model that is worth ten nats lies 2.2 standard errors above 0 by
    its realised gain, and 4.5 by its weight.
    """
    race_count, value, low, high = weight["n"], weight["value"] or 0.0, weight["low"], weight["high"]
    interval: Interval = {"value": (total - 0.5) / race_count, "low": None, "high": None, "n": race_count}
    if low is None or high is None:
        return interval
    by_square = max(total, 0.0) / race_count / value**2 if value else 0.0
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return {**interval, "low": by_square * nearest**2, "high": by_square * max(abs(low), abs(high)) ** 2}


def _report_bands(priced: PricedRaces, combination: Combination, prior_races: float, band_races: float) -> Report:
    """Return on which share of the races bands were used, and the weights of each.

    A weight of a band of fields is that at a price where no band of prices deviates, and the other way round.
    """
    bands = combination.bands
    if bands is None:
        return {"used": 0.0, "weights": []}
    models, markets = fit_banded_weights(priced, bands, combination.first_races, prior_races, band_races)
    labels = bands.describe_bands(int(priced.races.size.min()), int(priced.races.size.max()))
    return {
        "used": float(combination.is_banded.mean()),
        "weights": [
            {**label, "model_weight": float(model), "market_weight": float(market)}
            for label, model, market in zip(labels, models, markets, strict=True)
        ],
    }


def _compute_visible_gain(race_count: int) -> float:
    """Return the gain per race at which a weight's interval leaves out 0 with the chance `POWER`.

    A weight lies √(2 · gain · races) standard errors from 0.
    """
    return float((Z_SCORE + ndtri(POWER)) ** 2 / 2 / race_count)


def describe_gain(gain: Interval, known_gain: Interval, weight: Interval, visible: float) -> str:
    """Return in a sentence whether the model adds to the market, by the interval of its weight, and how much."""
    if weight["low"] is None or weight["high"] is None:
        return f"{gain['n']} races have a price: too few to say whether the model adds anything to the market."
    weight_text = f"the model's weight is {weight['value']:+.3f} ({weight['low']:+.3f} to {weight['high']:+.3f})"
    if weight["low"] <= 0 <= weight["high"]:
        return (
            f"None: beside the market {weight_text} on {gain['n']:,} races, no more than chance; a gain of "
            f"{visible:.5f} nats per race would be seen in {POWER:.0%} of such tables."
        )
    model = "The model" if weight["low"] > 0 else "The model, counted against its own view,"
    return (
        f"{model} adds {_format_gain(known_gain)} nats per race to the market if the weights are known, and "
        f"{_format_gain(gain)} with weights of earlier days; on {gain['n']:,} races {weight_text}."
    )


def _format_gain(gain: Interval) -> str:
    return f"{gain['value']:+.5f} ({gain['low']:+.5f} to {gain['high']:+.5f})"
