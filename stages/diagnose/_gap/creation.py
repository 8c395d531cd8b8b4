"""When production predicted: after the games, or many days in one batch, and what these predictions do to its rate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.drawn import Floats
from core.intervals import Interval
from stages.diagnose._gap.cause import beyond
from stages.diagnose._gap.chain import Chain
from stages.diagnose._gap.effect import effect
from stages.diagnose._gap.rows import Ints, Mask, Sides

HOUR = np.timedelta64(1, "h") / np.timedelta64(1, "us")
SHOWN = 10  # batches
LAGS = (0.01, 0.5, 0.99)  # quantiles of the hours between a prediction and its game's day


@dataclass(frozen=True)
class Clock:
    """When games begin and what a batch is."""

    start_hour: float  # hours after midnight, UTC, from which a game of the day may have begun
    end_hour: float  # from which all of them have
    batch_hours: float
    batch_days: int
    batch_share: float


def creation(sides: Sides, links: Chain, gap: Interval, clock: Clock) -> dict[str, Any]:
    """Return the predictions made after their games, the hours between, and the batches that hold much of the log."""
    made = sides.production.predicted & _known(sides)
    if not made.any():
        return {"known": 0.0, "late": None, "perhaps_late": 0, "hours_to_day": None, "batches": []}
    late, perhaps = lateness(sides, clock)
    to_day = -_after(sides)[made] / HOUR
    return {
        "known": float(made.sum() / sides.production.predicted.sum()),
        "late": _group(sides, links, late) if late.any() else None,
        "perhaps_late": int(perhaps.sum()),
        "hours_to_day": dict(zip(("q01", "q50", "q99"), np.quantile(to_day, LAGS).tolist(), strict=True)),
        "batches": _batches(sides, links, np.flatnonzero(made), late, gap, clock),
    }


def lateness(sides: Sides, clock: Clock) -> tuple[Mask, Mask]:
    """Return the predictions that were surely made after their game began, and those that may have been.

    A start_time settles it. Without one, only a prediction made after the last game of the day began is surely late.
    """
    made = sides.production.predicted & _known(sides)
    since = _after(sides) / HOUR
    told, start = _start(sides)
    late = made & np.where(told, since > start, since >= clock.end_hour)
    return late, made & ~told & ~late & (since >= clock.start_hour)


def _known(sides: Sides) -> Mask:
    absent = "production_at" not in sides.rows
    return np.zeros(len(sides.rows), bool) if absent else sides.rows["production_at"].notna().to_numpy()


def _after(sides: Sides) -> Floats:
    """Return the microseconds from midnight of the game's day to the prediction; 0 where its time is not known."""
    return _since_midnight(sides, "production_at")


def _start(sides: Sides) -> tuple[Mask, Floats]:
    if "start_time" not in sides.rows:
        return np.zeros(len(sides.rows), bool), np.zeros(len(sides.rows))
    return sides.rows["start_time"].notna().to_numpy(), _since_midnight(sides, "start_time") / HOUR


def _since_midnight(sides: Sides, name: str) -> Floats:
    if name not in sides.rows:
        return np.zeros(len(sides.rows))
    passed = sides.rows[name].to_numpy("datetime64[us]") - sides.days.astype("datetime64[us]")[sides.code]
    return np.where(np.isnat(passed), 0, passed.astype(np.int64)).astype(np.float64)


def _group(sides: Sides, links: Chain, rows: Mask | Ints) -> dict[str, Any]:
    """Return how many predictions some rows are, of which days, when made, and what they do to the hit rate."""
    production = sides.production
    numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
    found = effect(links.drawn, links.production, production.bets(links.drawn, numbers))
    made = pd.Series(sides.rows["production_at"].to_numpy()[numbers])
    days = np.flatnonzero(np.bincount(sides.code[numbers]))
    return {
        "rows": len(numbers),
        "share": len(numbers) / int(production.predicted.sum()),
        "days": len(days),
        "first_day": sides.named(days[:1])[0],
        "last_day": sides.named(days[-1:])[0],
        "made_from": f"{made.min():%Y-%m-%d %H:%M}",
        "made_to": f"{made.max():%Y-%m-%d %H:%M}",
        **found,
    }


def _batches(sides: Sides, links: Chain, made: Ints, late: Mask, gap: Interval, clock: Clock) -> list[dict[str, Any]]:
    """Return the batches of several days that hold much of the log or of the gap, or were made after the games."""
    at = sides.rows["production_at"].to_numpy("datetime64[us]")[made].astype(np.int64)
    _, batch = np.unique(at // int(clock.batch_hours * HOUR), return_inverse=True)
    count = int(batch.max()) + 1
    pairs = np.unique(batch * len(sides.days) + sides.code[made])
    days = np.bincount(pairs // len(sides.days), minlength=count)
    size = np.bincount(batch, minlength=count)
    bulk = np.flatnonzero(days >= clock.batch_days)
    found = []
    for number in bulk[np.argsort(-size[bulk], kind="stable")][:SHOWN]:
        rows = made[batch == number]
        group = _group(sides, links, rows) | {"late": float(late[rows].mean()), "of_gap": None}
        if beyond(gap) and group["lift"]["value"] is not None and gap["value"]:
            group["of_gap"] = group["lift"]["value"] / gap["value"]
        heavy = group["of_gap"] is not None and group["of_gap"] > clock.batch_share and beyond(group["lift"])
        group["concentrated"] = bool(group["share"] > clock.batch_share or heavy)
        if group["concentrated"] or group["late"]:
            found.append(group)
    return found
