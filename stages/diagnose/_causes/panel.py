"""The panel: graded units as sums per day and cell, so that any window and any draw of days is a matrix product."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.places import first_seen, located, taken
from stages.diagnose._causes.quality import MISSING

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Coded = tuple[Ints, list[str]]  # each unit's level of a column, and the levels' names

BANDS = 4  # of equal count, by what an entity usually does, where no column divides the population
PRIOR = 5.0  # earlier units at which an entity's own mean weighs as much as everybody's
RARE = 0.01  # share of the units below which levels of a column are pooled
OTHER = "(other)"  # a level that no column has of its own
MODEL, MARKET, BIAS, LEVEL, SPREAD = range(5)  # the outcomes summed: losses, error, and how odd the actual was


@dataclass(frozen=True)
class Field:
    """Sums per calendar day and level of one column, to tell where a change is found."""

    column: str
    side: str  # population or lines
    levels: list[str]
    counts: Floats  # days × levels, of the units compared
    sums: Floats  # the same × model's loss, market's loss, signed error


@dataclass(frozen=True)
class Panel:
    """Sums per calendar day; cells are population × lines × soundness of the inputs."""

    first: pd.Timestamp
    # the columns that divide population or lines, one at a time; no tiers: a prediction that moves changes its own
    fields: list[Field]
    counts: Floats  # days × population × lines × (sound, unsound if any is), of the units compared
    sums: Floats  # the same × 5 outcomes
    cross: Floats  # days × 3 × 6: products of (1, level, spread) with themselves and with (model, market, bias)
    units: Floats  # days: all units
    unsound: Floats  # days: units whose inputs are missing, defaulted or stale beyond what is usual
    twice: Floats  # days: units told more than once
    absent: Floats  # days: units that were asked for and are not predicted
    asked: bool  # whether it is known which rows were asked for
    priced: bool  # whether losses stand beside a market's
    shares: bool  # whether a unit is a race
    error: Floats  # signed errors of the compared units, day by day
    edge: Ints  # days + 1: where each day's errors begin

    @cached_property
    def flat(self) -> Floats:
        """All that draws of days are sums of, one row a day: counts, sums, and three counts of units."""
        wide = [part.reshape(len(self.units), -1) for part in (self.counts, self.sums)]
        return np.hstack([*wide, np.column_stack([self.units, self.unsound, self.twice])])

    @property
    def days(self) -> pd.DatetimeIndex:
        """Every calendar day from the first to the last."""
        return pd.date_range(self.first, periods=len(self.units))


def panel(
    units: pd.DataFrame,
    quality: pd.DataFrame | None,
    segments: pd.DataFrame | None,
    columns: tuple[list[str], list[str]],
    margin: float,
    priced: bool,
) -> Panel:
    """Return the sums; `columns` are the names of the segments that divide the population and the lines.

    `margin` is how far a row's score of quality may lie above the usual one before its inputs count as unsound.
    """
    first, day = _calendar(units, quality)
    unsound, twice = _flags(units, quality, margin)
    level = np.zeros(len(units)) if "market_hit" in units else units["actual"].to_numpy(float) - _usual(units)
    spread = np.abs(level)
    place = _place(segments, units)
    sides = {side: _coded(segments, names, place) for side, names in zip(("population", "lines"), columns, strict=True)}
    whose, population = _crossed(sides["population"]) or _bands(units, level)
    which, lines = _crossed(sides["lines"]) or (np.zeros(len(units), dtype=np.int64), 1)
    keep = np.isfinite(units["market"].to_numpy(float)) if priced else np.ones(len(units), dtype=bool)
    days = int(max(day.max(initial=-1), _absent_day(quality, first).max(initial=-1))) + 1
    shape = (days, population, lines, 1 + int(unsound.any()))
    cell = np.ravel_multi_index((day, whose, which, unsound.astype(np.int64)), shape)[keep]
    error = (units["prediction"] - units["actual"]).to_numpy(float)[keep]
    market = units["market"].to_numpy(float)[keep] if priced else np.zeros(int(keep.sum()))
    outcomes = [units["model"].to_numpy(float)[keep], market, error, level[keep], spread[keep]]
    told = outcomes[: BIAS + 1]
    order = np.argsort(day[keep], kind="stable")
    counts, sums = _totals(cell, outcomes, shape)
    return Panel(
        first=first,
        fields=[
            Field(name, side, names, *_totals(day[keep] * len(names) + code[keep], told, (days, len(names))))
            for side, coded in sides.items()
            for name, (code, names) in coded.items()
        ],
        counts=counts,
        sums=sums,
        cross=_cross(day[keep], outcomes, days),
        units=np.bincount(day, minlength=days).astype(float),
        unsound=np.bincount(day, weights=unsound, minlength=days).astype(float),
        twice=np.bincount(day, weights=twice, minlength=days).astype(float),
        absent=np.bincount(_absent_day(quality, first), minlength=days).astype(float),
        asked=quality is not None and "unpredicted" in quality and "day" in quality,
        priced=priced,
        shares="market_hit" in units,
        error=error[order],
        edge=np.searchsorted(day[keep][order], np.arange(days + 1)),
    )


def _coded(segments: pd.DataFrame | None, columns: list[str], place: Ints) -> dict[str, Coded]:
    """Return each unit's level and the levels' names of the columns that are there."""
    if segments is None:
        return {}
    return {name: _levels(segments[name], place) for name in columns if name in segments}


def _totals(cell: Ints, outcomes: list[Floats], shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return how many units each cell has, and the sums of their outcomes."""
    return _summed(cell, None, shape), np.stack([_summed(cell, outcome, shape) for outcome in outcomes], axis=-1)


def _calendar(units: pd.DataFrame, quality: pd.DataFrame | None) -> tuple[pd.Timestamp, Ints]:
    days = [units["day"].min()]
    if quality is not None and "day" in quality and len(quality):
        days.append(quality["day"].min())
    first = min(days)
    return first, np.asarray((units["day"] - first).dt.days, dtype=np.int64)


def _absent_day(quality: pd.DataFrame | None, first: pd.Timestamp) -> Ints:
    if quality is None or "unpredicted" not in quality or "day" not in quality:
        return np.empty(0, dtype=np.int64)
    day = quality.loc[quality["unpredicted"] > 0, "day"]
    return np.asarray((day - first).dt.days, dtype=np.int64)


def _place(table: pd.DataFrame | None, units: pd.DataFrame) -> Ints:
    """Return where each unit's row_id first stands in a table's index, −1 where it does not."""
    if table is None:
        return np.full(len(units), -1, dtype=np.int64)
    return located(units["row_id"], table.index)


def _flags(
    units: pd.DataFrame, quality: pd.DataFrame | None, margin: float
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which units have unsound inputs and which are told more than once."""
    twice = ~first_seen(units["row_id"])
    unsound = np.zeros(len(units), dtype=bool)
    if quality is None:
        return unsound, twice
    place = _place(quality, units)
    for name in quality.columns.difference(["unpredicted", "day", "repeated"]):
        score = taken(quality[name].to_numpy(float), place)
        usual = float(np.nanmedian(score)) if np.isfinite(score).any() else 0.0
        unsound = unsound | (score > usual + margin)
    if "repeated" in quality:
        twice = twice | (taken(quality["repeated"].to_numpy(float), place) > 0)
    return unsound, twice


def _crossed(coded: dict[str, Coded]) -> tuple[Ints, int] | None:
    """Return each unit's cell of some columns and how many cells there are; None where there is no column."""
    if not coded:
        return None
    cell = np.zeros(1, dtype=np.int64)
    for number, levels in coded.values():
        cell = cell * len(levels) + number
    used, code = np.unique(cell, return_inverse=True)
    return code.astype(np.int64), len(used)


def _levels(values: pd.Series, place: Ints) -> Coded:
    """Return each unit's level and the levels' names; rare levels, and units that are not there, are the last."""
    number, levels = pd.factorize(values)
    number = np.where(place >= 0, np.where(number < 0, len(levels), number)[place], len(levels) + 1)
    named = [*(str(level) for level in levels), MISSING, OTHER]
    share = np.bincount(number, minlength=len(named)) / max(len(number), 1)
    names = sorted({name for name, large in zip(named[:-1], share[:-1] >= RARE, strict=True) if large})
    coded = np.array([names.index(name) if name in names else len(names) for name in named])[number]
    return coded, names if coded.max(initial=0) < len(names) else [*names, OTHER]


def _bands(units: pd.DataFrame, level: Floats) -> tuple[Ints, int]:
    """Return each unit's band by what its entity usually does, actual less surplus, and their number; one of races."""
    if "market_hit" in units or len(units) < BANDS:
        return np.zeros(len(units), dtype=np.int64), 1
    usual = units["actual"].to_numpy(float) - level
    edges = np.unique(np.quantile(usual, np.arange(1, BANDS) / BANDS))
    band = np.asarray(np.searchsorted(edges, usual, side="right"), dtype=np.int64)
    return band, len(edges) + 1


def _usual(units: pd.DataFrame) -> Floats:
    """Return the mean actual of the entity on strictly earlier days, drawn toward everybody's where they are few."""
    day, actual = units["day"].to_numpy(), units["actual"].to_numpy(float)
    everybody = _before(
        np.zeros(len(units), dtype=np.int64), day, actual, float(actual[: max(1, PRIOR_UNITS)].mean()), 1
    )
    entity = pd.factorize(units["entity"])[0].astype(np.int64)
    return _before(entity, day, actual, everybody, PRIOR)


def _before(key: Ints, day: npt.NDArray[Any], values: Floats, prior: Floats | float, weight: float) -> Floats:
    order = np.lexsort((day, key))
    k, d, v = key[order], day[order], values[order]
    total = np.concatenate([[0.0], np.cumsum(v)])
    new_key = np.r_[True, k[1:] != k[:-1]]
    new_day = new_key | np.r_[True, d[1:] != d[:-1]]
    place = np.arange(len(k))
    begin = np.maximum.accumulate(np.where(new_key, place, 0))
    here = np.maximum.accumulate(np.where(new_day, place, 0))
    ahead = np.broadcast_to(prior, len(k))[order]
    found = np.empty(len(k))
    found[order] = (total[here] - total[begin] + weight * ahead) / (here - begin + weight)
    return found


PRIOR_UNITS = 100  # first units whose mean stands for everybody's before there is a past


def _cross(day: Ints, outcomes: list[Floats], days: int) -> Floats:
    given = [np.ones(len(day)), outcomes[LEVEL], outcomes[SPREAD]]
    to = [*given, outcomes[MODEL], outcomes[MARKET], outcomes[BIAS]]
    found = np.empty((days, 3, 6))
    for row, one in enumerate(given):
        for column, other in enumerate(to):
            found[:, row, column] = np.bincount(day, weights=one * other, minlength=days)
    return found


def _summed(cell: Ints, values: Floats | None, shape: tuple[int, ...]) -> Floats:
    return np.bincount(cell, weights=values, minlength=int(np.prod(shape))).astype(float).reshape(shape)
