"""Racing: form, ratings and the draw of each runner, as known before its race, alone and against its rivals."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from pydantic import Field

from core.leaks import Decision
from core.races import Codes, Floats, codes, lead, rank, softmax
from core.windows import Past

Inputs = dict[str, Floats]

RUNNER = "entity"
COURSE = ("venue", "distance_m", "box")
STARTS = (1, 2, 3, 5, 10, None)  # None is every earlier start
DAYS = (30, 90, 365)
SHRINK = 3.0  # starts' worth of the average that a runner's shares are drawn toward
SHRINK_BOX = 50.0  # and those of a box on its course


class Settings(Decision):
    """How fast a rating forgets, and how much its strengths are drawn toward nothing."""

    half_life_days: float = Field(gt=0)
    short_half_life_days: float = Field(gt=0)
    ridge_runner: float = Field(gt=0)
    ridge_course: float = Field(gt=0)
    surprise: float = Field(ge=0)


def build(current: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Return the inputs of every runner, row by row as `current`.

    Names tell the formula: a window as `_5` (starts) or `_30d` (days), `_lead` less the race's mean, `_rank` within the
    race, 1 the highest. What nobody knows yet, of a first starter say, is missing, never zero.
    """
    race = codes(current["group"])
    ratings = _ratings(past, settings)
    alone = {**_form(past), **_splits(past), **_changes(current, past), **_physique(current, past), **ratings}
    against = {
        name: values
        for source in (*ratings, "log_odds_5", "surprise_10", "placed_10", "sectional_5", "pace_5")
        if source in alone
        for name, values in _against(source, alone[source], race)
    }
    table = {
        **_card(current, race),
        **alone,
        **against,
        **_field(alone["rating"], race),
        **_neighbours("rating", alone["rating"], current, race),
        **_neighbours("early_speed", current["early_speed"].to_numpy(float), current, race),
    }
    categories = {name: current[name].astype("category") for name in ("venue", "grade")}
    return pd.DataFrame({**table, **categories, **_prices(current, race)})


def _card(current: pd.DataFrame, race: Codes) -> Inputs:
    """What the race card says."""
    early = current["early_speed"].to_numpy(float)
    numbers = ("box", "distance_m", "field_size", "grade_level", "race_no", "early_speed")
    return {
        **{name: current[name].to_numpy(float) for name in numbers},
        "boxes_inside": rank(-current["box"].to_numpy(float), race) - 1,
        **dict(_against("early_speed", early, race)),
    }


def _form(past: Past) -> Inputs:
    """How often, how recently and how well the runner ran: its price, its places, its wins over expectation."""
    table = {"starts": past.count(None, RUNNER), "days_since": past.gap(RUNNER)}
    for last in STARTS:
        name = f"_{last}" if last else ""
        table["log_odds" + name] = past.mean("log_odds", RUNNER, last=last)
        table["surprise" + name] = past.share("surprise", RUNNER, last=last, strength=SHRINK)
        table["placed" + name] = past.share("placed", RUNNER, last=last, prior=0.35, strength=SHRINK)
        table["won" + name] = past.share("won", RUNNER, last=last, prior=0.14, strength=SHRINK)
    for days in DAYS:
        table[f"starts_{days}d"] = past.count(None, RUNNER, days=days)
        table[f"log_odds_{days}d"] = past.mean("log_odds", RUNNER, days=days)
        table[f"surprise_{days}d"] = past.share("surprise", RUNNER, days=days, strength=SHRINK)
    table["log_odds_spread"] = past.std("log_odds", RUNNER, last=10)
    table["log_odds_slope"] = past.slope("log_odds", RUNNER, last=5)
    table["log_odds_best"] = past.max("log_odds", RUNNER)
    table["past_log_odds"] = past.ewm("log_odds", RUNNER, half_life_days=30)
    table["place_p_5"] = past.mean("place_p", RUNNER, last=5)
    return table


def _splits(past: Past) -> Inputs:
    """How the runner did on this course, from this box, in this grade; and how the box does on this course."""
    table = {}
    for name in ("distance_m", "venue", "box", "grade"):
        table[f"starts_at_{name}"] = past.count(None, (RUNNER, name))
        table[f"surprise_at_{name}"] = past.share("surprise", (RUNNER, name), strength=SHRINK)
        table[f"log_odds_at_{name}"] = past.mean("log_odds", (RUNNER, name))
    table["box_won"] = past.share("won", COURSE, prior=0.14, strength=SHRINK_BOX)
    table["box_surprise"] = past.share("surprise", COURSE, strength=SHRINK_BOX)
    return table


def _changes(current: pd.DataFrame, past: Past) -> Inputs:
    """What is new since the runner's last start."""
    numbers = ("distance_m", "box", "field_size", "grade_level", "early_speed")
    table = {f"{name}_change": current[name].to_numpy(float) - past.last(name, RUNNER) for name in numbers}
    table["early_speed_news"] = current["early_speed"].to_numpy(float) - past.mean("early_speed", RUNNER, last=5)
    return table


def _physique(current: pd.DataFrame, past: Past) -> Inputs:
    """Weights, times, margins and the trainer's form, where the source has them."""
    table: Inputs = {}
    if "weight_kg" in current:
        weight = current["weight_kg"].to_numpy(float)
        table |= {"weight_kg": weight, "weight_change": weight - past.last("weight_kg", RUNNER)}
    if past.knows("run_time_s"):
        usual = past.mean("run_time_s", ("venue", "distance_m"))
        table["pace_5"] = 1 - past.mean("run_time_s", (RUNNER, "venue", "distance_m"), last=5) / usual
        table["pace_best"] = 1 - past.min("run_time_s", (RUNNER, "venue", "distance_m")) / usual
    if past.knows("sectional_s"):
        usual = past.mean("sectional_s", ("venue", "distance_m"))
        table["sectional_5"] = 1 - past.mean("sectional_s", (RUNNER, "venue", "distance_m"), last=5) / usual
    if past.knows("margin_lengths"):
        table["margin_5"] = past.mean("margin_lengths", RUNNER, last=5)
    if "trainer" in current:
        table["trainer_starts_90d"] = past.count(None, "trainer", days=90)
        table["trainer_surprise_90d"] = past.share("surprise", "trainer", days=90, strength=SHRINK_BOX)
    return table


def _ratings(past: Past, settings: Settings) -> Inputs:
    """Strengths learned from who was met: by price and result, faster forgetting, by course, and by result alone."""
    runner, course = settings.ridge_runner, settings.ridge_course
    price = {"log_odds": 1.0, "surprise": settings.surprise}
    long = past.rating(price, "group", {RUNNER: runner, COURSE: course}, settings.half_life_days)
    short = past.rating(price, "group", {RUNNER: runner, COURSE: course}, settings.short_half_life_days)
    suited = {RUNNER: runner, COURSE: course, (RUNNER, "distance_m"): 1.0, (RUNNER, "venue"): 1.0, (RUNNER, "box"): 4.0}
    fit = past.rating(price, "group", suited, settings.half_life_days)
    result = past.rating({"won": 5.0, "placed": 3.0}, "group", {RUNNER: 3.0, COURSE: course}, settings.half_life_days)
    return {
        "rating": long.sum(axis=1),
        "rating_runner": long[:, 0],
        "rating_box": long[:, 1],
        "rating_short": short.sum(axis=1),
        "rating_suited": fit.sum(axis=1),
        "rating_distance": fit[:, 2],
        "rating_venue": fit[:, 3],
        "rating_result": result.sum(axis=1),
    }


def _against(name: str, values: Floats, race: Codes) -> Iterator[tuple[str, Floats]]:
    yield f"{name}_lead", lead(values, race)
    yield f"{name}_rank", rank(values, race)


def _field(rating: Floats, race: Codes) -> Inputs:
    """How open the race is and what the rating alone would make of it."""
    p = softmax(rating, race)
    by_race = pd.Series(rating).groupby(race)
    best = by_race.transform("max").to_numpy()
    return {
        "rating_log_p": np.log(p),
        "rating_gap": rating - best,
        "rivals": by_race.transform("mean").to_numpy(),
        "openness": (-pd.Series(p * np.log(p)).groupby(race).transform("sum")).to_numpy(),
    }


def _neighbours(name: str, values: Floats, current: pd.DataFrame, race: Codes) -> Inputs:
    """How much more the nearest runner to the inside and to the outside has than this one; missing at the edge."""
    order = np.lexsort((current["box"].to_numpy(float), race))
    sorted_values, sorted_race = values[order], race[order]
    table = {}
    for side, step, edge in (("inside", 1, 0), ("outside", -1, -1)):
        near = np.roll(sorted_values, step) - sorted_values
        near[np.roll(sorted_race, step) != sorted_race] = np.nan
        near[edge] = np.nan  # what is rolled in from the other end may be of the same race where there is but one
        table[f"{name}_{side}"] = np.empty(len(values))
        table[f"{name}_{side}"][order] = near
    return table


def _prices(current: pd.DataFrame, race: Codes) -> Inputs:
    """The market's view of this very race, where the decision is made at the off."""
    if "log_odds" not in current:
        return {}
    price = current["log_odds"].to_numpy(float)
    return {"price": price, "price_rank": rank(price, race)}
