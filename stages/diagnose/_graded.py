"""Graded units: every prediction that can be judged beside its market, one row a unit, in time order.

A unit is a row where a quantity or a chance is predicted, and a race where a share of one win is: a race is told by
the model's favourite.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import races
from core.evidence import Evidence
from core.grading import by_edge, grade
from core.places import located
from core.races import Codes, Floats
from stages.diagnose._judged import Judged, judged

TIERS = ((5.0, 1.0), (3.0, 2.0), (1.0, 3.0))  # distance from the market from which each tier holds, in target's unit
NUMBERS = ("tier", "model", "market", "bias", "hit", "prediction", "actual")


@lru_cache(maxsize=1)  # several checks and the daily table ask for it: to be read, never written to
def graded(evidence: Evidence, arm: str = "tuned") -> pd.DataFrame:
    """Return one row a unit, in time order: what the arm's prediction cost and what the market's did.

    Columns: row_id, entity, block (its group), day (midnight), tier (1 to 3 by distance from the market, missing within
    1 of it and for shares), model and market (loss: |error| in the target's unit for quantities, nats for shares and
    chances; market's missing where there is none), bias (prediction − target; missing for shares), hit (1 won, 0 lost,
    missing without a decided pick), prediction, actual; for shares market_hit too. Quantities pick at `hit_edge` from
    the market, shares their favourite; favourites that tie share their wins. Empty where the arm is not predicted.
    """
    if arm not in evidence.predictions or "target" not in evidence.predictions:
        return _empty()
    rows = judged(evidence, arm)
    units = _races(rows) if rows.kind == "share" else _rows(rows, evidence.limits.hit_edge)
    place = located(units["row_id"], evidence.prepared["row_id"])
    units.insert(1, "entity", evidence.prepared["entity"].array.take(place, allow_fill=True))
    ordered = units if units["time"].is_monotonic_increasing else units.sort_values("time", kind="stable")
    return ordered.drop(columns="time").reset_index(drop=True)


def tier(distance: Floats) -> Floats:
    """Return 1 from 5 on, 2 from 3, 3 from 1, missing below and where the distance is missing."""
    found = np.full(len(distance), np.nan)
    for least, number in reversed(TIERS):
        found[np.abs(distance) >= least] = number
    return found


def _rows(rows: Judged, edge: float | None) -> pd.DataFrame:
    quantity = rows.kind == "quantity"
    own, market = (np.abs(side - rows.y) if quantity else _log_loss(side, rows.y) for side in (rows.p, rows.market))
    return _keys(rows.rows).assign(
        tier=tier(rows.p - rows.market) if quantity else np.nan,
        model=own,
        market=market,
        bias=rows.p - rows.y,
        hit=_hits(rows, edge) if quantity and edge is not None else np.nan,
        prediction=rows.p,
        actual=rows.y,
    )


def _hits(rows: Judged, edge: float) -> Floats:
    picks = grade(by_edge(rows.p, rows.market, edge), rows.market, rows.y)
    return np.where(picks.decided, picks.won.astype(float), np.nan)


def _races(rows: Judged) -> pd.DataFrame:
    known = np.isfinite(rows.market) & (rows.market >= 0) & (rows.market <= 1)
    priced = np.bincount(rows.group, weights=~known) == 0
    market = races.normalise(np.where(known, rows.market, 0.0), rows.group)
    favourite, first, hit = _favourites(rows.p, rows.y, rows.group)
    return _keys(rows.rows.iloc[first]).assign(
        tier=np.nan,
        model=rows.losses(),
        market=np.where(priced, races.losses(market, rows.y, rows.group), np.nan),
        bias=np.nan,
        hit=hit,
        prediction=favourite,
        actual=hit,
        market_hit=np.where(priced, _favourites(market, rows.y, rows.group)[2], np.nan),
    )


def _favourites(p: Floats, won: Floats, code: Codes) -> tuple[Floats, Codes, Floats]:
    """Return for each group the greatest p, the first row that has it, and the mean win of all that have it."""
    groups = int(code.max()) + 1 if len(code) else 0
    top = np.full(groups, -np.inf)
    np.maximum.at(top, code, p)
    leads = np.flatnonzero(p == top[code])
    first = leads[np.unique(code[leads], return_index=True)[1]]
    wins = np.bincount(code[leads], weights=won[leads], minlength=groups)
    return top, first, wins / np.maximum(np.bincount(code[leads], minlength=groups), 1)


def _keys(rows: pd.DataFrame) -> pd.DataFrame:
    day = rows["time"].dt.normalize().astype("datetime64[ns]")
    keys = {"row_id": rows["row_id"], "block": rows["group"], "day": day, "time": rows["time"]}
    return pd.DataFrame(keys).reset_index(drop=True)


def _log_loss(p: Floats, y: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        kept = np.clip(p, races.TINY, 1 - races.TINY)
    return -y * np.log(kept) - (1 - y) * np.log1p(-kept)


def _empty() -> pd.DataFrame:
    text: dict[str, npt.NDArray[np.object_]] = {name: np.empty(0, object) for name in ("row_id", "entity", "block")}
    day = {"day": np.empty(0, "datetime64[ns]")}
    return pd.DataFrame({**text, **day, **{name: np.empty(0) for name in NUMBERS}})
