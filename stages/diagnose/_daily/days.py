"""Days: graded units as sums per calendar day and band, all that the daily figures are made of."""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence
from core.places import located, once, taken

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BANDS = 5  # of equal count, by what makes a unit hard: a line of 30 points is missed by more than one of 5
BANDS_ALONE = 3  # of units without a market
TIERS = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Days:
    """Sums; the last axis is the band (of picks there is one), the one before it the calendar day, any others worlds.

    Only quantities have signed errors: of others `error` is zero. `market` and `beats` speak of the units in `priced`.
    """

    units: Floats  # how many are graded
    model: Floats  # their loss
    error: Floats  # their signed error
    priced: Floats  # how many stand beside a market
    market: Floats  # what the market lost on those
    beats: Floats  # how many of those the model was strictly closer in
    wins: Floats
    decided: Floats

    def at(self, rows: Ints) -> "Days":
        """Return the days at the given places: worlds × days of them make worlds."""
        return Days(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def between(self, start: int, end: int) -> "Days":
        """Return the days from `start` to before `end`, of every world."""
        return Days(**{field.name: getattr(self, field.name)[..., start:end, :] for field in fields(self)})

    def moved(self, first: int, **each: float) -> "Days":
        """Return the same with the named sums raised by so much a unit from a day on; counts of wins stay possible.

        `wins` are raised by decided picks, `beats` and `market` by priced units, `model` and `error` by all.
        """
        of = {"wins": "decided", "beats": "priced", "market": "priced", "model": "units", "error": "units"}
        later = (np.arange(self.units.shape[-2]) >= first)[:, None]
        moved = {}
        for name, by in each.items():
            count = getattr(self, of[name])
            value = getattr(self, name) + later * by * count
            moved[name] = np.clip(value, 0, count) if name in ("wins", "beats") else value
        return replace(self, **moved)

    def __len__(self) -> int:
        """Return how many days there are."""
        return int(self.units.shape[-2])


def calendar(evidence: Evidence) -> pd.DatetimeIndex:
    """Return every calendar day from the first to the last that a test fold scores; none if none is scored."""
    ends = [side for side in (evidence.asked["time"], evidence.predictions["time"]) if len(side)]
    if not ends:
        return pd.DatetimeIndex([])
    first, last = min(one.min() for one in ends), max(one.max() for one in ends)
    return pd.date_range(first.normalize(), last.normalize()).as_unit("ns")


def summed(units: pd.DataFrame, level: Floats, days: pd.DatetimeIndex, learn: int) -> Days:
    """Return the sums of graded units; bands of `level` are cut on the first `learn` days that have any.

    `level` is what makes a unit hard and is known before: the line, or the number of runners. Units without one are in
    bands of their own, by what the model predicts. What comes after those first days moves no edge.
    """
    day = _place(units, days)
    bands, band = BANDS + BANDS_ALONE, _bands(level, units["prediction"].to_numpy(float), day, learn)
    market = units["market"].to_numpy(float)
    model, bias, hit = (units[name].to_numpy(float) for name in ("model", "bias", "hit"))
    priced, decided = np.isfinite(market), np.isfinite(hit)
    shape = (len(days), bands)

    def total(values: npt.ArrayLike, keep: npt.NDArray[np.bool_] | None = None, one: bool = False) -> Floats:
        cell = day if one else day * bands + band
        weights = np.asarray(values, dtype=np.float64)
        kept = slice(None) if keep is None else keep
        size = shape[0] if one else shape[0] * shape[1]
        found = np.bincount(cell[kept], weights=weights[kept], minlength=size)
        return np.asarray(found.reshape(shape[0], -1) if size else np.zeros((shape[0], 1 if one else bands)))

    return Days(
        units=total(np.ones(len(units))),
        model=total(model),
        error=total(np.nan_to_num(bias)),
        priced=total(priced),
        market=total(market, priced),
        beats=total(model < market, priced),
        wins=total(hit, decided, one=True),
        decided=total(decided, one=True),
    )


def by_tier(units: pd.DataFrame, days: pd.DatetimeIndex) -> tuple[Floats, Floats]:
    """Return days × tiers: the market's loss and the number of units of each confidence tier."""
    day = _place(units, days)
    market, tier = units["market"].to_numpy(float), units["tier"].to_numpy(float)
    kept = [(tier == one) & np.isfinite(market) for one in TIERS]
    loss = [np.bincount(day[keep], weights=market[keep], minlength=len(days)) for keep in kept]
    count = [np.bincount(day[keep], minlength=len(days)).astype(float) for keep in kept]
    return np.column_stack(loss), np.column_stack(count)


def signed_errors(units: pd.DataFrame) -> bool:
    """Return whether errors have a sign: those of rows do, those of races do not."""
    return "market_hit" not in units


def levels(evidence: Evidence, units: pd.DataFrame) -> Floats:
    """Return what makes each unit hard: the runners of a race, else the market's figure where there is one."""
    if "market_hit" in units:
        rows = once(evidence.predictions)["group"]
        code, group = pd.factorize(rows)
        runners = np.bincount(code, minlength=len(group))
        return np.asarray(runners[pd.Index(group).get_indexer(pd.Index(units["block"]))], dtype=np.float64)
    prepared = evidence.prepared
    if "teacher" not in prepared or units.empty:
        return np.full(len(units), np.nan)
    place = located(units["row_id"], prepared["row_id"])
    teacher = pd.to_numeric(prepared["teacher"], errors="coerce").to_numpy(float)
    return taken(teacher, place)


def _place(units: pd.DataFrame, days: pd.DatetimeIndex) -> Ints:
    return np.asarray((units["day"] - days[0]) // pd.Timedelta(days=1), dtype=np.int64)


def _bands(level: Floats, prediction: Floats, day: Ints, learn: int) -> Ints:
    """Return each unit's band; those of units without a level follow the others."""
    known = np.isfinite(level)
    edges, other = _edges(level, known, day, learn, BANDS), _edges(prediction, ~known, day, learn, BANDS_ALONE)
    first = np.searchsorted(edges, np.where(known, level, 0.0), side="right")
    second = BANDS + np.searchsorted(other, prediction, side="right")
    return np.where(known, first, second).astype(np.int64)


def _edges(values: Floats, of: npt.NDArray[np.bool_], day: Ints, learn: int, bands: int) -> Floats:
    first = np.unique(day[of])[:learn]
    early = values[of & (day <= first[-1])] if len(first) else np.empty(0)
    return np.unique(np.quantile(early, np.arange(1, bands) / bands)) if len(early) else np.empty(0)
