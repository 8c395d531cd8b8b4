"""Completeness: which rows of a day should have been predicted, were, and on what inputs."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evidence import Evidence
from core.places import first_seen, located, taken
from core.stored import each, is_number

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROWS = 200  # of a day, evenly spaced, on which its inputs are judged
HISTORY = 60  # days before the first scored one from which it is learned what an input usually does
MANY = 30  # values from which a number is measured, not counted or chosen
COMMON = 0.05  # share of history from which a value of a measured input is its default
HALF = 0.5  # share of a day's rows that share a value, from which it stands for the missing ones
USUAL = 0.25  # unless that share is usual: half of the days have such a value (a league's mean, the day of the season)


def counts(evidence: Evidence, units: pd.DataFrame, arm: str, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Return for each day how many rows there are, were asked for, were predicted and could be graded, and its status.

    Status: graded; ungraded (predicted, no result that counts); no_data (asked for, nothing predicted: an outage);
    not_scored (rows that no test fold scores); no_games (no row at all). A row predicted twice counts once.
    """
    folds, made = evidence.folds, evidence.predictions
    known = made[arm].notna().to_numpy() if arm in made else np.zeros(len(made), dtype=bool)
    once = made.loc[known & first_seen(made["row_id"]), ["group", "time"]]
    shares = "market_hit" in units
    graded = once.loc[once["group"].isin(units["block"]), "time"] if shares else units["day"]
    found = pd.DataFrame({
        "rows": count(folds["time"], days),
        "asked": count(folds["time"].iloc[evidence.roles.scored.nonzero()[0]], days),
        "made": count(once["time"], days),
        "graded": count(graded, days),
    })  # fmt: skip
    chosen = [found[name] > 0 for name in ("graded", "made", "asked", "rows")]
    found["status"] = np.select(chosen, ["graded", "ungraded", "no_data", "not_scored"], "no_games").astype(object)
    return found


def count(times: pd.Series, days: pd.DatetimeIndex) -> Ints:
    """Return how many of the times lie on each of the days."""
    place = _place(times, days)
    return np.bincount(place[(place >= 0) & (place < len(days))], minlength=len(days))


def feature_quality(evidence: Evidence, days: pd.DatetimeIndex) -> Floats:
    """Return for each day the percentage of inputs that are present and not defaulted, in rows asked for.

    Of a day at most ROWS rows are looked at. A measured input (of many values) is at its default where it has the one
    value that took COMMON or more of the HISTORY before the first scored day, or a value that half of the day's rows
    share though that is not usual of it. Missing on days that asked for nothing. A row without inputs has none present.
    """
    asked, history = _sampled(evidence, days)
    inputs = [name for name in evidence.inputs if is_number(evidence.features, name)]
    if not inputs:
        return np.full(len(days), np.nan)
    sound = np.zeros(asked.shape)
    for _, column in each(evidence.features, inputs):
        values = column.to_numpy(float, na_value=np.nan)
        sound += _sound(taken(values, asked), taken(values, history))
    some = asked != EMPTY
    rows = some.sum(axis=1)
    total = np.where(some, sound, 0).sum(axis=1)
    return np.where(rows > 0, 100 * total / np.maximum(rows * len(inputs), 1), np.nan)


EMPTY = -2  # a place of the day's rows that no row takes; −1 is a row without inputs


def _sound(values: Floats, history: Floats) -> npt.NDArray[np.bool_]:
    """Return which of days × rows are present and not at a default."""
    found = np.isfinite(values)
    past = history[np.isfinite(history)]
    levels, often = np.unique(past, return_counts=True)
    if len(levels) <= MANY:
        return found
    if often.max() >= COMMON * len(past):
        found &= values != levels[often.argmax()]
    usual = _commonest(history)[1]
    if usual.any() and np.median(usual[usual > 0]) < USUAL:
        value, share = _commonest(values)
        found &= ~((share >= HALF)[:, None] & (values == value[:, None]))
    return np.asarray(found)


def _commonest(values: Floats) -> tuple[Floats, Floats]:
    """Return each day's commonest value and its share of those present; 0 of a day with fewer than two."""
    ordered = np.sort(values, axis=1)  # missing ones last
    n = np.isfinite(ordered).sum(axis=1)
    best, share = np.full(len(ordered), np.nan), np.zeros(len(ordered))
    run = np.zeros(len(ordered))
    for place in range(ordered.shape[1]):
        one = ordered[:, place]
        same = one == ordered[:, place - 1] if place else np.zeros(len(one), dtype=bool)
        run = np.where(same, run + 1, np.isfinite(one).astype(float))
        longer = run > share
        best, share = np.where(longer, one, best), np.where(longer, run, share)
    return best, np.where(n > 1, share / np.maximum(n, 1), 0.0)


def _sampled(evidence: Evidence, days: pd.DatetimeIndex) -> tuple[Ints, Ints]:
    """Return days × ROWS places among the features: of the days' rows asked for, and of the days before the first."""
    folds = evidence.folds
    place = _place(folds["time"], days)
    asked = _spread(np.flatnonzero(evidence.roles.scored & (place >= 0) & (place < len(days))), place, len(days))
    past = _spread(np.flatnonzero((place < 0) & (place >= -HISTORY)), place + HISTORY, HISTORY)
    to = located(folds["row_id"], evidence.features["row_id"])
    return np.where(asked == EMPTY, EMPTY, to[asked]), np.where(past == EMPTY, EMPTY, to[past])


def _spread(rows: Ints, place: Ints, days: int) -> Ints:
    """Return days × ROWS: evenly spaced rows of each day, in the order given."""
    order = rows[np.argsort(place[rows], kind="stable")]
    edge = np.searchsorted(place[order], np.arange(days + 1))
    size = np.diff(edge)
    step = np.maximum(size, ROWS)[:, None] / ROWS
    nth = np.floor(np.arange(ROWS) * step).astype(np.int64)
    inside = nth < size[:, None]
    if not len(order):
        return np.full((days, ROWS), EMPTY, dtype=np.int64)
    return np.where(inside, order[np.minimum(edge[:-1, None] + nth, len(order) - 1)], EMPTY)


def _place(times: pd.Series, days: pd.DatetimeIndex) -> Ints:
    if not len(days):
        return np.full(len(times), -1, dtype=np.int64)
    whole = times.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.asarray(whole - days.to_numpy()[0].astype("datetime64[D]").astype(np.int64))
