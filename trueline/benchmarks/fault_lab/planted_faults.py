"""Planted faults: a sound world of a model beside its market, with one known fault from one known day on.

A league of 180 players, some 60 of whom play on a day, for 280 days; walk-forward folds predict the last 210. Strength
1 is moderate; FAULT_KINDS and the constants say what it means for each fault. On average the market errs by 4.2 points
and the model by 4.5; the model's bets win 55 to 58 %.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from stages.diagnose.units.evidence import Evidence
from trueline.benchmarks.fault_lab.simulated_evidence import FOLD_SETTINGS, build_evidence
from trueline.benchmarks.fault_lab.simulated_world import (
    DAYS,
    FIRST_DAY,
    MEDIAN_OVER_MEAN,
    SCHEDULE_INPUTS,
    Mask,
    World,
    create_generator,
    predict_points,
    quote_market_lines,
    simulate_world,
)
from trueline.core.errors import UserError, did_you_mean

Fault = Callable[[World, Mask, float], World]

LATE_DAYS = 28  # days before the end at which a fault begins if no day is given
LEARNED_SHARE = 0.7  # share of what nobody knew that the market learns
DRIFT_SD = 2.2  # SD of the error that the model gains, in points; half its variance is the player's, half the day's
BIAS_POINTS = 1.0  # points, up for even seeds and down for odd ones
STALE_PLAYER_SHARE = 0.5  # share of the players whose history stops being updated
LEAK_WEIGHT = 0.35  # weight of the game's own points
BATCH_DAYS = 14  # days that are logged in one batch
BATCH_DELAY = pd.Timedelta(days=BATCH_DAYS + 2, hours=9)  # from the first of those days to the making of the batch
ESTIMATED_LINE_SHARE = 0.3  # share of the lines that are estimates
MISSING_DAYS = 8  # days out of the LATE_DAYS that follow
DUPLICATE_SHARE = 0.1  # share of the rows
EARLY_LINE_SHARE = 0.6  # share of the lines that are the market's first
# Share of the places reserved for players of the lower third, who also have a third of the other places.
CROWD_SHARE = 0.3
OUTAGE_DAYS = 3  # days

FAULT_KINDS = {
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


def inject_fault(kind: str, seed: int, strength: float = 1.0, at: pd.Timestamp | None = None) -> Evidence:
    """Return the evidence of a seed's world with a fault from a day on, by default from 28 days before the end.

    By default an outage takes the last days. FAULT_KINDS says what strength 1 means; shares, points and days are
    proportional to it, with shares capped at nine in ten. With the same seed all kinds share one world, and every row
    before the first day of the fault is the same. The model is not fitted again: a fault meets it as it is. Raises
    UserError for a kind that is not in FAULT_KINDS, a negative strength, or a day that no test fold scores.
    """
    if kind not in FAULT_KINDS:
        raise UserError(f"no fault is called {kind!r}; {did_you_mean(kind, FAULT_KINDS)}")
    if not strength >= 0:
        raise UserError(f"the strength is {strength}; it must be 0 or more (1 is moderate).")
    start = _find_start(kind, strength, at)
    if kind == "population_shift":
        return build_evidence(simulate_world(seed, (start, _scale_share(CROWD_SHARE, strength))))
    world = simulate_world(seed)
    is_late = world.rows["number"].to_numpy() >= start
    return build_evidence(FAULT_FUNCTIONS[kind](world, is_late, strength) if kind != "nothing" and strength else world)


def _find_start(kind: str, strength: float, at: pd.Timestamp | None) -> int:
    """Return the number of the first day of the fault."""
    if at is None:
        return DAYS - (_scale_days(OUTAGE_DAYS, strength) if kind == "outage" else LATE_DAYS)
    earliest = FIRST_DAY + pd.Timedelta(days=int(DAYS * float(str(FOLD_SETTINGS.first_test))))
    latest = FIRST_DAY + pd.Timedelta(days=DAYS - 1)
    if not earliest <= at <= latest:
        raise UserError(
            f"a fault at {at:%Y-%m-%d} would not be seen; give a day from {earliest:%Y-%m-%d} to {latest:%Y-%m-%d}."
        )
    return int((at - FIRST_DAY).days)


def _scale_share(share: float, strength: float) -> float:
    return min(share * strength, 0.9)


def _scale_days(days: int, strength: float) -> int:
    return max(round(days * strength), 1)


def _sample_rows(world: World, is_late: Mask, share: float) -> Mask:
    """Return a random sample of the late rows, each picked with the chance `share`."""
    return np.asarray(is_late & (create_generator(world.seed, "some").random(len(is_late)) < share))


def _sharpen_market(world: World, is_late: Mask, strength: float) -> World:
    learned = _scale_share(LEARNED_SHARE, strength) * is_late * world.rows["hidden"].to_numpy()
    return _set_lines(
        world, quote_market_lines(world.rows, world.rows["close_error"].to_numpy() + MEDIAN_OVER_MEAN * learned)
    )


def _add_model_drift(world: World, is_late: Mask, strength: float) -> World:
    random = create_generator(world.seed, "drift")
    lasting = random.normal(size=world.rows["player"].max() + 1)[world.rows["player"]]
    error = strength * DRIFT_SD * (lasting + random.normal(size=len(is_late))) / np.sqrt(2)
    return replace(world, tuned=world.tuned + np.where(is_late, error, 0.0))


def _add_bias(world: World, is_late: Mask, strength: float) -> World:
    return replace(world, tuned=world.tuned + (-1) ** world.seed * BIAS_POINTS * strength * is_late)


def _freeze_features(world: World, is_late: Mask, strength: float) -> World:
    """Freeze some players' inputs at their last game before the fault; inputs of the schedule stay correct."""
    player = world.rows["player"].to_numpy()
    stale_share = _scale_share(STALE_PLAYER_SHARE, strength)
    is_stale = create_generator(world.seed, "some").random(player.max() + 1) < stale_share
    before = np.flatnonzero(~is_late)
    last_row = np.full(player.max() + 1, -1)
    last_row[player[before]] = before  # in time order, so the last one wins
    frozen = np.flatnonzero(is_late & is_stale[player] & (last_row[player] >= 0))
    past_inputs = [name for name in world.inputs if name not in SCHEDULE_INPUTS]
    inputs = world.inputs.copy()
    inputs.loc[frozen, past_inputs] = world.inputs.loc[last_row[player[frozen]], past_inputs].to_numpy()
    return replace(world, inputs=inputs, tuned=world.tuned + predict_points(inputs) - predict_points(world.inputs))


def _leak_into_log(world: World, is_late: Mask, strength: float) -> World:
    """Make two weeks of the production log afterwards, with the games' own points in it."""
    number = world.rows["number"].to_numpy()
    batch = is_late & (number < number[is_late].min() + BATCH_DAYS)
    made_at = world.rows["time"].min().normalize() + pd.Timedelta(days=int(number[is_late].min())) + BATCH_DELAY
    leak_weight = np.where(batch, _scale_share(LEAK_WEIGHT, strength), 0.0)
    return replace(world, leak_weight=leak_weight, logged_at=world.logged_at.mask(batch, made_at))


def _leak_into_model(world: World, is_late: Mask, strength: float) -> World:
    leak_weight = _scale_share(LEAK_WEIGHT, strength) * is_late
    return replace(world, tuned=(1 - leak_weight) * world.tuned + leak_weight * world.rows["target"].to_numpy())


def _estimate_lines(world: World, is_late: Mask, strength: float) -> World:
    is_estimated = _sample_rows(world, is_late, _scale_share(ESTIMATED_LINE_SHARE, strength))
    return _replace_lines(world, "estimated_line", is_estimated)


def _take_open_lines(world: World, is_late: Mask, strength: float) -> World:
    return _replace_lines(world, "open_line", _sample_rows(world, is_late, _scale_share(EARLY_LINE_SHARE, strength)))


def _drop_dates(world: World, is_late: Mask, strength: float) -> World:
    """Leave out scattered days, but never the last one."""
    number = world.rows["number"].to_numpy()
    late_days = np.unique(number[is_late])[: LATE_DAYS - 1]
    late_days = late_days[late_days < number.max()]
    missing_days = create_generator(world.seed, "some").permutation(late_days)[: _scale_days(MISSING_DAYS, strength)]
    return _remove_predictions(world, np.isin(number, missing_days))


def _duplicate_rows(world: World, is_late: Mask, strength: float) -> World:
    return replace(world, is_duplicated=_sample_rows(world, is_late, _scale_share(DUPLICATE_SHARE, strength)))


def _drop_outage(world: World, is_late: Mask, strength: float) -> World:
    number = world.rows["number"].to_numpy()
    return _remove_predictions(world, is_late & (number < number[is_late].min() + _scale_days(OUTAGE_DAYS, strength)))


def _remove_predictions(world: World, is_missing: Mask) -> World:
    return replace(world, tuned=np.where(is_missing, np.nan, world.tuned))


def _replace_lines(world: World, column: str, is_replaced: Mask) -> World:
    lines = world.rows["soft_label"]
    return _set_lines(
        world, lines.mask(is_replaced & lines.notna() & world.rows[column].notna(), world.rows[column]).to_numpy()
    )


def _set_lines(world: World, lines: np.ndarray) -> World:
    return replace(world, rows=world.rows.assign(soft_label=lines))


FAULT_FUNCTIONS: dict[str, Fault] = {
    "market_sharper": _sharpen_market,
    "model_drift": _add_model_drift,
    "bias": _add_bias,
    "stale_features": _freeze_features,
    "leak": _leak_into_log,
    "leak_in_model": _leak_into_model,
    "estimated_lines": _estimate_lines,
    "missing_dates": _drop_dates,
    "duplicated_rows": _duplicate_rows,
    "line_timing": _take_open_lines,
    "outage": _drop_outage,
}
