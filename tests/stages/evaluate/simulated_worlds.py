"""Simulated worlds of races whose truth is a combination of model and market that is known."""

from dataclasses import dataclass

import numpy as np

from stages.evaluate.race.market_combination import PricedRaces
from trueline.core.stats.group_ops import Floats
from trueline.core.stats.race_logit import Prior, RaceRows, fit_race_logit

DAYS = 300


@dataclass(frozen=True)
class World:
    """Races, and the true chance of each runner."""

    priced: PricedRaces
    truth: Floats

    def compute_true_gain(self) -> float:
        """Return what the truth gains on the market (nats per race, by the true chances), recalibrated at its best."""
        market = self.priced.market[:, None]
        flat = Prior(np.ones(1), np.zeros((1, 1)))
        weights = fit_race_logit(market, self.truth, self.priced.races, flat, np.ones(1))
        best = self.priced.races.compute_chances(market @ weights)
        return float(self.truth @ np.log(self.truth / best)) / len(self.priced.day)


def simulate_world(seed: int, race_count: int, model_weight: float, outsiders_weight: float | None = None) -> World:
    """Return races of 6 to 10 runners that are run by the market and, so many times, the model's departure from it.

    The model is timid and noisy, as models are beside a market. `outsiders_weight` is its weight for runners that the
    market gives less than a chance of 7 %.
    """
    random = np.random.default_rng(seed)
    races = RaceRows(random.integers(6, 11, race_count))
    market = np.log(races.compute_chances(random.normal(0, 1, races.size.sum())))
    model = np.log(races.compute_chances(0.6 * market + random.normal(0, 0.5, len(market))))
    weight = np.where(
        market < np.log(0.07), model_weight if outsiders_weight is None else outsiders_weight, model_weight
    )
    truth = races.compute_chances(market + weight * (model - market))
    drawn = np.log(truth) + random.gumbel(size=len(truth))
    won = (drawn == np.repeat(np.maximum.reduceat(drawn, races.first_row), races.size)).astype(float)
    return World(PricedRaces(races, model, market, won, np.arange(race_count) * DAYS // race_count), truth)


def find_weight(gain: float) -> float:
    """Return the model's weight with which a world gains so many nats per race; a small gain rises with its square."""
    guess = 0.07
    return guess * float(np.sqrt(gain / simulate_world(0, 50_000, guess).compute_true_gain()))
