"""Weight bands: by how much the weights of model and market may differ with the size of the field and the price."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trueline.core.stats.group_ops import Floats
from trueline.core.stats.race_logit import RaceRows

BAND_COUNT = 3  # small, middle and large fields; outsiders, middle and favourites
NO_VARIANCE = 1e-12  # of a model that is the market


@dataclass(frozen=True)
class BandTerms:
    """What each band adds to a term, the weights of which are deviations from the term's own weight.

    Of each column the multiple `loading` of the term is taken away that it resembles most. Else the bands together
    would be the term once more, and would take back by how much its weight is shrunk.
    """

    columns: Floats
    loading: Floats

    def compute_weights(self, weight: float, deviations: Floats) -> Floats:
        """Return the weight of the term in each band."""
        return np.asarray(weight + deviations - float(self.loading @ deviations), dtype=np.float64)


@dataclass(frozen=True)
class WeightBands:
    """The inner edges of the bands: of the number of runners, and of the logarithm of the market's chance."""

    field: Floats
    price: Floats

    def build_market_terms(self, market: Floats, races: RaceRows, first_races: int) -> BandTerms:
        """Return the terms of ln(market), which resemble it least in the first races.

        The price terms are the pieces of the logarithm that lie within each band. So the score has no jump between two
        bands, which it would have if each band had a weight of the whole.
        """
        pieces = [
            np.clip(market, low, high) - (low if np.isfinite(low) else 0.0)
            for low, high in pairwise([-np.inf, *self.price, np.inf])
        ]
        columns = np.column_stack([market[:, None] * self._flag_field_bands(races), *pieces])
        return _remove_common_part(columns, market, market, races, first_races)

    def build_model_terms(self, departure: Floats, market: Floats, races: RaceRows, first_races: int) -> BandTerms:
        """Return the terms of ln(model / market), the model's departure: itself in each band and 0 in others."""
        price_band = np.searchsorted(self.price, market, side="right")
        is_price = price_band[:, None] == np.arange(len(self.price) + 1)
        columns = departure[:, None] * np.column_stack([self._flag_field_bands(races), is_price])
        return _remove_common_part(columns, departure, market, races, first_races)

    def describe_bands(self, smallest: int, largest: int) -> list[dict[str, list[float]]]:
        """Return the bands in the order of their terms: numbers of runners, then the market's chances, from and to."""
        lowest, prices = [smallest, *(int(edge) for edge in self.field)], [0.0, *np.exp(self.price).tolist(), 1.0]
        highest = [*(size - 1 for size in lowest[1:]), largest]
        bands: list[dict[str, list[float]]] = [{"runners": [*pair]} for pair in zip(lowest, highest, strict=True)]
        return bands + [{"market_chance": [*pair]} for pair in pairwise(prices)]

    def _flag_field_bands(self, races: RaceRows) -> Floats:
        field_band = np.searchsorted(self.field, races.size, side="right")
        return np.repeat(field_band[:, None] == np.arange(len(self.field) + 1), races.size, axis=0).astype(float)


def choose_weight_bands(market: Floats, races: RaceRows) -> WeightBands:
    """Return bands of about as many races, and about as many runners, each; fewer where many are alike."""
    shares = np.arange(1, BAND_COUNT) / BAND_COUNT
    field = np.unique(np.quantile(races.size, shares, method="inverted_cdf"))
    price = np.unique(np.quantile(market, shares))
    # an edge at the smallest value would leave the band below it empty
    return WeightBands(field[field > races.size.min()].astype(float), price[price > market.min()])


def _remove_common_part(columns: Floats, term: Floats, market: Floats, races: RaceRows, first_races: int) -> BandTerms:
    earliest = RaceRows(races.size[:first_races])
    rows = slice(0, int(earliest.size.sum()))
    chance = np.exp(market[rows])
    covariance = earliest.compute_curvature(np.column_stack([term, columns])[rows], chance, chance)[0]
    loading = covariance[1:] / max(covariance[0], NO_VARIANCE)
    return BandTerms(columns - term[:, None] * loading, loading)
