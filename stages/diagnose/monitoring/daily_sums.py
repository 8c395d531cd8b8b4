"""Graded units summed by calendar day and difficulty band; all daily figures are computed from these sums."""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.diagnose.units.array_types import Floats, Ints, Mask
from stages.diagnose.units.evidence import Evidence
from stages.diagnose.units.scored_units import lookup_market
from trueline.core.stored_tables.row_lookup import drop_duplicate_ids

BAND_COUNT = 5  # bands of equal count by difficulty: a line of 30 points is missed by more than one of 5
UNPRICED_BAND_COUNT = 3  # bands of units without a market
CONFIDENCE_TIERS = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class DailySums:
    """Sums of graded units, with axes [simulation,] calendar day, band; picks have a single band.

    `error` is zero for races, whose errors have no sign. `market` and `beats` cover the units counted in `priced`.
    """

    units: Floats  # the number of graded units
    model: Floats  # the model's loss
    error: Floats  # the model's signed error
    priced: Floats  # the number of units with a market
    market: Floats  # the market's loss on those
    beats: Floats  # the number of those in which the model was strictly closer
    wins: Floats
    decided: Floats

    def select_days(self, rows: Ints) -> "DailySums":
        """Return the days at the given positions; positions of shape simulations × days give simulations."""
        return DailySums(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def slice_days(self, start: int, end: int) -> "DailySums":
        """Return the days from `start` up to but excluding `end`, of every simulation."""
        return DailySums(**{field.name: getattr(self, field.name)[..., start:end, :] for field in fields(self)})

    def apply_shift(self, first_day: int, **shifts: float) -> "DailySums":
        """Return a copy in which the named sums are raised by an amount per unit from `first_day` on.

        `wins` are raised per decided pick, `beats` and `market` per priced unit, `model` and `error` per unit. `wins`
        and `beats` stay between 0 and their number of trials.
        """
        count_fields = {"wins": "decided", "beats": "priced", "market": "priced", "model": "units", "error": "units"}
        is_later = (np.arange(self.units.shape[-2]) >= first_day)[:, None]
        shifted = {}
        for name, amount in shifts.items():
            count = getattr(self, count_fields[name])
            value = getattr(self, name) + is_later * amount * count
            shifted[name] = np.clip(value, 0, count) if name in ("wins", "beats") else value
        return replace(self, **shifted)

    def __len__(self) -> int:
        """Return the number of days."""
        return int(self.units.shape[-2])


def list_calendar_days(evidence: Evidence) -> pd.DatetimeIndex:
    """Return every calendar day from the first to the last with a scored or predicted row; none without any."""
    scored_times = [times for times in (evidence.scored_rows["time"], evidence.predictions["time"]) if len(times)]
    if not scored_times:
        return pd.DatetimeIndex([])
    first_time, last_time = min(column.min() for column in scored_times), max(column.max() for column in scored_times)
    return pd.date_range(first_time.normalize(), last_time.normalize()).as_unit("ns")


def compute_daily_sums(units: pd.DataFrame, difficulty: Floats, days: pd.DatetimeIndex, learn_days: int) -> DailySums:
    """Sum graded units by day and band; the band edges are set on the first `learn_days` days with units.

    `difficulty` measures how hard a unit is and is known beforehand: the line, or the number of runners. Units without
    it are in bands of their own, by the model's prediction. Later days do not affect the edges.
    """
    day_index, band_count = index_days(units["day"], days), BAND_COUNT + UNPRICED_BAND_COUNT
    band = _assign_bands(difficulty, units["prediction"].to_numpy(float), day_index, learn_days)
    market = units["market"].to_numpy(float)
    model, bias, hit = (units[name].to_numpy(float) for name in ("model", "bias", "hit"))
    is_priced, is_decided = np.isfinite(market), np.isfinite(hit)

    def sum_by_cell(values: npt.ArrayLike, mask: Mask | slice = slice(None), is_single_band: bool = False) -> Floats:
        cell, bands = (day_index, 1) if is_single_band else (day_index * band_count + band, band_count)
        weights = np.asarray(values, dtype=np.float64)[mask]
        sums = np.bincount(cell[mask], weights=weights, minlength=len(days) * bands)
        return np.asarray(sums.reshape(len(days), bands), dtype=np.float64)

    return DailySums(
        units=sum_by_cell(np.ones(len(units))),
        model=sum_by_cell(model),
        error=sum_by_cell(np.nan_to_num(bias)),
        priced=sum_by_cell(is_priced),
        market=sum_by_cell(market, is_priced),
        beats=sum_by_cell(model < market, is_priced),
        wins=sum_by_cell(hit, is_decided, is_single_band=True),
        decided=sum_by_cell(is_decided, is_single_band=True),
    )


def sum_losses_by_tier(units: pd.DataFrame, days: pd.DatetimeIndex) -> tuple[Floats, Floats]:
    """Return the market's loss and the number of priced units, each as days × confidence tiers."""
    day_index = index_days(units["day"], days)
    market, tier = units["market"].to_numpy(float), units["tier"].to_numpy(float)
    tier_masks = [(tier == tier_value) & np.isfinite(market) for tier_value in CONFIDENCE_TIERS]
    losses = [np.bincount(day_index[mask], weights=market[mask], minlength=len(days)) for mask in tier_masks]
    counts = [np.bincount(day_index[mask], minlength=len(days)).astype(float) for mask in tier_masks]
    return np.column_stack(losses), np.column_stack(counts)


def has_signed_errors(units: pd.DataFrame) -> bool:
    """Return whether the units' errors have a sign: rows' errors do, races' do not."""
    return "market_hit" not in units


def compute_difficulty(evidence: Evidence, units: pd.DataFrame) -> Floats:
    """Return each unit's difficulty: the runners of a race, else the market's figure, NaN without one."""
    if "market_hit" in units:
        groups = drop_duplicate_ids(evidence.predictions)["group"]
        code, unique_groups = pd.factorize(groups)
        runner_counts = np.bincount(code, minlength=len(unique_groups)).astype(float)
        return np.asarray(runner_counts[pd.Index(unique_groups).get_indexer(pd.Index(units["block"]))])
    return lookup_market(evidence, units["row_id"])


def index_days(times: pd.Series, days: pd.DatetimeIndex) -> Ints:
    """Return how many days after the first of `days` each time is; −1 if there are no days."""
    if not len(days):
        return np.full(len(times), -1, dtype=np.int64)
    day_numbers = times.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.asarray(day_numbers - days.to_numpy()[0].astype("datetime64[D]").astype(np.int64))


def _assign_bands(difficulty: Floats, prediction: Floats, day_index: Ints, learn_days: int) -> Ints:
    """Return each unit's band; bands of units without a difficulty follow the others."""
    has_difficulty = np.isfinite(difficulty)
    difficulty_edges, prediction_edges = (
        _compute_band_edges(difficulty, has_difficulty, day_index, learn_days, BAND_COUNT),
        _compute_band_edges(prediction, ~has_difficulty, day_index, learn_days, UNPRICED_BAND_COUNT),
    )
    difficulty_band = np.searchsorted(difficulty_edges, np.where(has_difficulty, difficulty, 0.0), side="right")
    prediction_band = BAND_COUNT + np.searchsorted(prediction_edges, prediction, side="right")
    return np.where(has_difficulty, difficulty_band, prediction_band).astype(np.int64)


def _compute_band_edges(values: Floats, mask: Mask, day_index: Ints, learn_days: int, band_count: int) -> Floats:
    first_days = np.unique(day_index[mask])[:learn_days]
    early_values = values[mask & (day_index <= first_days[-1])] if len(first_days) else np.empty(0)
    if not len(early_values):
        return np.empty(0)
    return np.unique(np.quantile(early_values, np.arange(1, band_count) / band_count))
