"""The fault laboratory: a sound world of a model beside its market, with one known fault from one known day on.

A league of 180 players, some 60 of whom play on a day, for 280 days; the last 210 are predicted by walk-forward folds.
Strength 1 is moderate: what it means for each fault is said in KINDS and below. On average the market
errs by 4.2 points, the model by 4.5, whose bets win 55 to 58 %.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from core.evidence import Evidence
from core.refusals import Refusal, suggest
from samples._fault_evidence import FOLDS, evidence
from samples._fault_world import BEGINS, DAYS, MEDIAN, SCHEDULE, Mask, World, play, predict, quoted, random_of

Fault = Callable[[World, Mask, float], World]

LATE = 28  # days at the end from whose first on a fault is planted where no day is asked for
SHARPER = 0.7  # share of what nobody knew that the market learns
DRIFT = 2.2  # SD of the error that the model gains, in points: half its variance the player's, half the day's
BIAS = 1.0  # points, up for even seeds and down for odd ones
STALE = 0.5  # share of the players whose past stands still
LEAK = 0.35  # weight of the game's own points
BATCH = 14  # days that one batch of creation holds
BATCH_AFTER = pd.Timedelta(days=BATCH + 2, hours=9)  # from the first of them to its making
ESTIMATED = 0.3  # share of the lines that are estimates
MISSING = 8  # days of the LATE that follow
TWICE = 0.1  # share of the rows
EARLY = 0.6  # share of the lines that are the market's first
CROWD = 0.3  # share of the places that are kept for players of the lower third, who have a third of the others too
OUTAGE = 3  # days

KINDS = {
    "nothing": "no fault at all",
    "market_sharper": "the market learns 70 % of what nobody knew of the day, and errs 0.4 points less",
    "model_drift": "the model gains an error of SD 2.2 points",
    "bias": "the model says 1 point too much, or too little",
    "stale_features": "for 50 % of the players all inputs of their past stand still",
    "leak": "35 % of the game's points are in production's log of 14 days, made in one batch three days later",
    "leak_in_model": "35 % of the game's points are in the predictions, the backtest's and production's",
    "estimated_lines": "30 % of the lines are the mean of the last five games, and no type says so",
    "missing_dates": "8 days of 28 are not predicted",
    "duplicated_rows": "10 % of the rows are predicted twice",
    "line_timing": "60 % of the lines are the market's first, not its last",
    "population_shift": "30 % of the places are kept for players of the lower third, who then have 53 %",
    "outage": "3 days are not predicted, at the end where no day is asked for",
}


def plant(kind: str, seed: int, strength: float = 1.0, at: pd.Timestamp | None = None) -> Evidence:
    """Return the evidence of the world of a seed with a fault from a day on: 28 days before the end, if none is given.

    What strength 1 is, KINDS says; shares, points and days are proportional to it, and shares end at nine in ten. Of
    one seed all kinds have the same world and every row before that day is the same. Refuses kinds that KINDS does not
    have, negative strengths and days that no test fold scores. No attempt is made to fit the model again: a fault meets
    it as it is.
    """
    if kind not in KINDS:
        raise Refusal(f"no fault is called {kind!r}; {suggest(kind, KINDS)}")
    if not strength >= 0:
        raise Refusal(f"the strength is {strength}; it must be 0 or more, and 1 is moderate.")
    start = _start(kind, strength, at)
    if kind == "population_shift":
        return evidence(play(seed, (start, _share(CROWD, strength))))
    world = play(seed)
    late = world.rows["number"].to_numpy() >= start
    return evidence(FAULTS[kind](world, late, strength) if kind != "nothing" and strength else world)


def _start(kind: str, strength: float, at: pd.Timestamp | None) -> int:
    """Return the number of the first day of the fault."""
    if at is None:
        return DAYS - (_days(OUTAGE, strength) if kind == "outage" else LATE)
    first, last = (
        BEGINS + pd.Timedelta(days=int(DAYS * float(str(FOLDS.first_test)))),
        BEGINS + pd.Timedelta(days=DAYS - 1),
    )
    if not first <= at <= last:
        raise Refusal(
            f"a fault at {at:%Y-%m-%d} would not be seen; name a day from {first:%Y-%m-%d} to {last:%Y-%m-%d}."
        )
    return int((at - BEGINS).days)


def _share(share: float, strength: float) -> float:
    return min(share * strength, 0.9)


def _days(days: int, strength: float) -> int:
    return max(round(days * strength), 1)


def _some(world: World, late: Mask, share: float) -> Mask:
    """Return late rows, each with the chance of a share."""
    return np.asarray(late & (random_of(world.seed, "some").random(len(late)) < share))


def _market_sharper(world: World, late: Mask, strength: float) -> World:
    learned = _share(SHARPER, strength) * late * world.rows["hidden"].to_numpy()
    return _lines(world, quoted(world.rows, world.rows["close_error"].to_numpy() + MEDIAN * learned))


def _model_drift(world: World, late: Mask, strength: float) -> World:
    random = random_of(world.seed, "drift")
    lasting = random.normal(size=world.rows["player"].max() + 1)[world.rows["player"]]
    error = strength * DRIFT * (lasting + random.normal(size=len(late))) / np.sqrt(2)
    return replace(world, tuned=world.tuned + np.where(late, error, 0.0))


def _bias(world: World, late: Mask, strength: float) -> World:
    return replace(world, tuned=world.tuned + (-1) ** world.seed * BIAS * strength * late)


def _stale_features(world: World, late: Mask, strength: float) -> World:
    """Let some players' inputs be those of their last game before; of the schedule they are as they should be."""
    player = world.rows["player"].to_numpy()
    some = random_of(world.seed, "some").random(player.max() + 1) < _share(STALE, strength)
    before = np.flatnonzero(~late)
    last = np.full(player.max() + 1, -1)
    last[player[before]] = before  # in time order, so the last one stays
    frozen = np.flatnonzero(late & some[player] & (last[player] >= 0))
    past = [name for name in world.inputs if name not in SCHEDULE]
    inputs = world.inputs.copy()
    inputs.loc[frozen, past] = world.inputs.loc[last[player[frozen]], past].to_numpy()
    return replace(world, inputs=inputs, tuned=world.tuned + predict(inputs) - predict(world.inputs))


def _leak(world: World, late: Mask, strength: float) -> World:
    """Let production's log of two weeks be made afterwards."""
    number = world.rows["number"].to_numpy()
    batch = late & (number < number[late].min() + BATCH)
    made = world.rows["time"].min().normalize() + pd.Timedelta(days=int(number[late].min())) + BATCH_AFTER
    leak = np.where(batch, _share(LEAK, strength), 0.0)
    return replace(world, leak=leak, logged_at=world.logged_at.mask(batch, made))


def _leak_in_model(world: World, late: Mask, strength: float) -> World:
    leak = _share(LEAK, strength) * late
    return replace(world, tuned=(1 - leak) * world.tuned + leak * world.rows["target"].to_numpy())


def _estimated_lines(world: World, late: Mask, strength: float) -> World:
    return _other_lines(world, "estimated_line", _some(world, late, _share(ESTIMATED, strength)))


def _line_timing(world: World, late: Mask, strength: float) -> World:
    return _other_lines(world, "open_line", _some(world, late, _share(EARLY, strength)))


def _missing_dates(world: World, late: Mask, strength: float) -> World:
    """Leave days out, scattered, but for the last of the span."""
    number = world.rows["number"].to_numpy()
    held = np.unique(number[late])[: LATE - 1]
    held = held[held < number.max()]
    gone = random_of(world.seed, "some").permutation(held)[: _days(MISSING, strength)]
    return _unpredicted(world, np.isin(number, gone))


def _duplicated_rows(world: World, late: Mask, strength: float) -> World:
    return replace(world, twice=_some(world, late, _share(TWICE, strength)))


def _outage(world: World, late: Mask, strength: float) -> World:
    number = world.rows["number"].to_numpy()
    return _unpredicted(world, late & (number < number[late].min() + _days(OUTAGE, strength)))


def _unpredicted(world: World, gone: Mask) -> World:
    return replace(world, tuned=np.where(gone, np.nan, world.tuned))


def _other_lines(world: World, column: str, where: Mask) -> World:
    lines = world.rows["teacher"]
    return _lines(world, lines.mask(where & lines.notna() & world.rows[column].notna(), world.rows[column]).to_numpy())


def _lines(world: World, lines: np.ndarray) -> World:
    return replace(world, rows=world.rows.assign(teacher=lines))


FAULTS: dict[str, Fault] = {
    "market_sharper": _market_sharper,
    "model_drift": _model_drift,
    "bias": _bias,
    "stale_features": _stale_features,
    "leak": _leak,
    "leak_in_model": _leak_in_model,
    "estimated_lines": _estimated_lines,
    "missing_dates": _missing_dates,
    "duplicated_rows": _duplicated_rows,
    "line_timing": _line_timing,
    "outage": _outage,
}
