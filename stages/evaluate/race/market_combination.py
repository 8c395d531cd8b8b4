"""Market combination: what model and market say together, by weights fitted on earlier days, and what it gains.

The score of a runner is a · ln(model) + b · ln(market), and its chance the share of exp(score) in the race (Benter
1994). The market alone is a = 0 with a weight b of its own, so what a market gains that is only too bold or too timid
is not the model's. For each day the weights are fitted on the races of earlier days alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from stages.evaluate.race.weight_bands import BandTerms, WeightBands, choose_weight_bands
from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats
from trueline.core.stats.race_logit import Prior, RaceRows, fit_race_logit

MIN_RACES = 100  # of earlier days, before which the market stands alone
GROWTH = 1.25  # the weights are fitted again once so many times as many races are known: a few more change them little
RIDGE_PENALTY = 1e-3  # keeps the weights finite where model and market agree
BAND_PROOF = 2.0  # standard errors by which the bands must have gained on shared weights, on earlier days, to be used

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PricedRaces:
    """Races with a price: by row the logarithms of both chances and the share of the win, by race its day."""

    races: RaceRows
    model: Floats
    market: Floats
    won: Floats
    day: Codes

    @cached_property
    def departure(self) -> Floats:
        """How far the model is from the market: ln(model / market). The model's weight is that of this term."""
        return self.model - self.market


@dataclass(frozen=True)
class Combination:
    """By race the losses (nats) of the market alone and of the combination, each by weights of earlier days.

    `shared_loss` is that of the combination without bands, `banded_loss` that with bands, and `combined_loss` that of
    the one which earlier days chose; `recalibrated_loss` is that of the market alone, with as many bands.
    """

    market_loss: Floats
    recalibrated_loss: Floats
    combined_loss: Floats
    shared_loss: Floats
    banded_loss: Floats
    is_banded: Flags
    bands: WeightBands | None  # None if no weights are fitted
    first_races: int  # before the first fit

    @property
    def is_fitted(self) -> Flags:
        """Whether the weights were fitted, on a hundred races or more."""
        return np.asarray(np.arange(len(self.market_loss)) >= self.first_races, dtype=np.bool_)

    @property
    def gain(self) -> Floats:
        """What each race gains by the model: 0 before the weights are fitted."""
        return self.recalibrated_loss - self.combined_loss


@dataclass(frozen=True)
class Terms:
    """The columns of a score: the first `shared` have weights for all races, the others deviations of single bands."""

    columns: Floats
    shared: int
    bands: tuple[BandTerms, ...] = ()

    def build_prior(self, curvature: Floats, race_count: int, prior_races: float, band_races: float) -> Prior:
        """Return the prior that the market alone is right: as sure as so many races of this curvature would make it."""
        precision = np.diag(np.diag(curvature)) * (band_races / race_count)
        precision[: self.shared, : self.shared] = curvature[: self.shared, : self.shared] * (prior_races / race_count)
        return Prior(self.market_alone, precision + RIDGE_PENALTY * np.eye(len(precision)))

    @property
    def market_alone(self) -> Floats:
        """The weights of the market's own chances."""
        return np.asarray(np.eye(self.columns.shape[1])[0], dtype=np.float64)


def collect_priced_races(model: Floats, market: Floats, won: Floats, race_code: Codes, day: Codes) -> PricedRaces:
    """Return the rows race by race; the races are numbered in time order, and `day` rises with them."""
    order = np.argsort(race_code, kind="stable")
    races = RaceRows(np.bincount(race_code))
    logs = [np.log(np.maximum(chance[order], MIN_PROBABILITY)) for chance in (model, market)]
    return PricedRaces(races, logs[0], logs[1], won[order], day[order][races.first_row])


def combine_with_market(priced: PricedRaces, prior_races: float, band_races: float) -> Combination:
    """Return the losses of market and combination, each race by weights of earlier days.

    Weights are shrunk toward the market alone as if `prior_races` further races had shown it to be right, and those of
    each band toward the shared ones by `band_races`. Bands are used from the day on at which they have proved better
    on the days before.

    Why so: on 20,000 simulated races in which the model is worth 10 nats in all, shrunk weights gain 9 and their gain
    is above 0 beyond chance in two of three tables; weights that are not shrunk gain 8, and in one of four. Bands cost
    6 nats where there are none if they are always used, and nothing if they must prove themselves; where only
    outsiders are priced wrongly, by 130 nats, that gives up 7 of the 62 that bands gain.
    """
    market_loss = _compute_market_losses(priced)
    refits = plan_refits(priced.day)
    if not refits:
        unbanded = np.zeros(len(market_loss), dtype=np.bool_)
        return Combination(
            market_loss, market_loss, market_loss, market_loss, market_loss, unbanded, None, len(market_loss)
        )
    bands = choose_weight_bands(*_take_first_races(priced, refits[0]))
    losses = {
        name: _walk_forward(priced, terms, refits, market_loss, prior_races, band_races)
        for name, terms in build_terms(priced, bands, refits[0]).items()
    }
    is_banded = _choose_bands(losses["shared"] - losses["banded"], refits)
    return Combination(
        market_loss,
        np.where(is_banded, losses["banded market"], losses["market"]),
        np.where(is_banded, losses["banded"], losses["shared"]),
        losses["shared"],
        losses["banded"],
        is_banded,
        bands,
        refits[0],
    )


def fit_banded_weights(
    priced: PricedRaces, bands: WeightBands, first_races: int, prior_races: float, band_races: float
) -> tuple[Floats, Floats]:
    """Return the weights of model and of market in each band on all races, shrunk as those of single days are."""
    terms, race_count = build_terms(priced, bands, first_races)["banded"], len(priced.day)
    curvature = priced.races.compute_curvature(terms.columns, np.exp(priced.market), priced.won)
    prior = terms.build_prior(curvature, race_count, prior_races, band_races)
    weights = fit_race_logit(terms.columns, priced.won, priced.races, prior, terms.market_alone, curvature)
    slope, model = (
        band_terms.compute_weights(weight, deviations)
        for band_terms, weight, deviations in zip(terms.bands, weights[:2], np.split(weights[2:], 2), strict=True)
    )
    return model, slope - model


def plan_refits(day: Codes) -> list[int]:
    """Return the races, each the first of its day, before which the weights are fitted on all earlier races."""
    refits: list[int] = []
    for race in np.flatnonzero(np.diff(day, prepend=day[:1])):
        if race >= max(MIN_RACES, GROWTH * (refits[-1] if refits else 0)):
            refits.append(int(race))
    return refits


def build_terms(priced: PricedRaces, bands: WeightBands, first_races: int) -> Mapping[str, Terms]:
    """Return the terms of the market alone and of the combination, each with shared weights and with bands."""
    market, departure = priced.market[:, None], priced.departure[:, None]
    market_bands = bands.build_market_terms(priced.market, priced.races, first_races)
    model_bands = bands.build_model_terms(priced.departure, priced.market, priced.races, first_races)
    return {
        "market": Terms(market, 1),
        "shared": Terms(np.hstack([market, departure]), 2),
        "banded market": Terms(np.hstack([market, market_bands.columns]), 1),
        "banded": Terms(
            np.hstack([market, departure, market_bands.columns, model_bands.columns]), 2, (market_bands, model_bands)
        ),
    }


def _walk_forward(
    priced: PricedRaces, terms: Terms, refits: list[int], market_loss: Floats, prior_races: float, band_races: float
) -> Floats:
    """Return the loss of each race by weights of earlier days, and by the market alone before the first fit."""
    losses, weights, fitted_races = market_loss.copy(), terms.market_alone, 0
    row = np.concatenate([[0], np.cumsum(priced.races.size)])
    curvature = np.zeros((len(weights), len(weights)))
    for race, next_race in zip(refits, [*refits[1:], len(losses)], strict=True):
        added_rows, fit_rows, judged_rows = (
            slice(row[begin], row[end]) for begin, end in ((fitted_races, race), (0, race), (race, next_race))
        )
        curvature = curvature + RaceRows(priced.races.size[fitted_races:race]).compute_curvature(
            terms.columns[added_rows], np.exp(priced.market[added_rows]), priced.won[added_rows]
        )
        prior = terms.build_prior(curvature, race, prior_races, band_races)
        weights = fit_race_logit(
            terms.columns[fit_rows], priced.won[fit_rows], RaceRows(priced.races.size[:race]), prior, weights, curvature
        )
        judged_races = RaceRows(priced.races.size[race:next_race])
        chance = judged_races.compute_chances(terms.columns[judged_rows] @ weights)
        losses[race:next_race] = judged_races.compute_losses(chance, priced.won[judged_rows])
        fitted_races = race
    return losses


def _choose_bands(band_gain: Floats, refits: list[int]) -> Flags:
    """Return for each race whether the bands had gained on shared weights beyond chance before its weights."""
    is_banded = np.zeros(len(band_gain), dtype=np.bool_)
    for race, next_race in zip(refits, [*refits[1:], len(band_gain)], strict=True):
        earlier_gain = band_gain[:race]  # 0 before the first fit
        is_banded[race:next_race] = earlier_gain.sum() > BAND_PROOF * np.sqrt(np.square(earlier_gain).sum())
    return is_banded


def _take_first_races(priced: PricedRaces, race_count: int) -> tuple[Floats, RaceRows]:
    races = RaceRows(priced.races.size[:race_count])
    return priced.market[: races.size.sum()], races


def _compute_market_losses(priced: PricedRaces) -> Floats:
    return priced.races.compute_losses(priced.races.compute_chances(priced.market), priced.won)
