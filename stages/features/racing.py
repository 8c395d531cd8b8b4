"""Inputs of racing: form, ratings and draw of each runner, as known before its race, alone and against the field."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.history.input_selection import make_input_table
from trueline.core.history.leak_detection import DecisionSettings
from trueline.core.history.opponent_ratings import RatingTerms
from trueline.core.history.own_inputs import OwnFigures
from trueline.core.history.past import Past
from trueline.core.history.prefix_sums import FirstSeen, RatedKey
from trueline.core.stats.group_ops import (
    Codes,
    Floats,
    compute_group_softmax,
    encode_groups,
    rank_within_group,
    subtract_group_mean,
)

Inputs = dict[str, Floats]

RUNNER = "entity"
COURSE_BOX = ("venue", "distance_m", "box")
FIRST_GRADE = FirstSeen("grade", RUNNER)
FIRST_COURSE = FirstSeen(("venue", "distance_m"), RUNNER)
START_WINDOWS = (1, 2, 3, 5, 10, None)  # None is every earlier start
DAY_WINDOWS = (30, 90, 365)
SPLITS = ("distance_m", "venue", "box", "grade")
RESIDUAL = "residual"  # what the adjusted rating of its day left unexplained of a start
RESIDUAL_WINDOWS = (1, 2, 3, 5)
SHRINK_STARTS = 3.0  # a runner's rates are shrunk toward the average with the weight of this many starts
SHRINK_BOX_STARTS = 50.0  # and those of a box on its course, or of a trainer, with this many
OWN_FIGURES = OwnFigures(surplus="surprise", is_field=True)


class Settings(DecisionSettings):
    """The half-life of the ratings, the ridge penalties of their terms, and the weight of the surprise."""

    half_life_days: float = Field(gt=0)
    ridge_runner: float = Field(gt=0)
    ridge_course: float = Field(gt=0)
    ridge_first: float = Field(gt=0)
    ridge_early: float = Field(gt=0)
    ridge_early_box: float = Field(gt=0)
    surprise: float = Field(ge=0)


def build(current: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Return the inputs of every runner, in the order of `current`.

    The names give the formula: `_5` is a window of starts, `_30d` one of days, `_lead` the difference from the race's
    mean, `_rank` the rank within the race, 1 the highest. Whatever is not known yet, for example about a first starter,
    is missing, never zero.
    """
    race = encode_groups(current["group"])
    ratings = _build_rating_inputs(past, settings)
    rated_past = past.add_residuals(RESIDUAL, _choose_rating_terms(past, settings))
    own_inputs = {
        **_build_form_inputs(past),
        **_build_split_inputs(past),
        **_build_residual_inputs(rated_past),
        **_build_change_inputs(current, past),
        **_build_physique_inputs(current, past),
        **ratings,
    }
    relative_inputs = {
        name: values
        for input_name in (*ratings, "log_odds_5", "surprise_10", "placed_10", "sectional_5", "pace_5")
        if input_name in own_inputs
        for name, values in _compare_within_race(input_name, own_inputs[input_name], race)
    }
    table = {
        **_build_card_inputs(current, race),
        **own_inputs,
        **relative_inputs,
        **_build_field_inputs(own_inputs["rating"], race),
        **_compare_neighbours("rating", own_inputs["rating"], current, race),
    }
    if "early_speed" in current:
        table |= _compare_neighbours("early_speed", current["early_speed"].to_numpy(float), current, race)
    categories = {name: current[name].astype("category") for name in ("venue", "grade")}
    return make_input_table({**table, **categories, **_build_price_inputs(current, race)})


def _build_card_inputs(current: pd.DataFrame, race: Codes) -> Inputs:
    """Return what the race card says."""
    number_columns = ("box", "distance_m", "field_size", "grade_level", "race_no", "early_speed")
    table = {name: current[name].to_numpy(float) for name in number_columns if name in current}
    table["boxes_inside"] = rank_within_group(-current["box"].to_numpy(float), race) - 1
    if "early_speed" in current:
        table |= _compare_within_race("early_speed", table["early_speed"], race)
    return table


def _build_form_inputs(past: Past) -> Inputs:
    """Return how often, how recently and how well the runner ran: its prices, places and wins above expectation."""
    table = {"starts": past.count(None, RUNNER), "days_since": past.days_since_last(RUNNER)}
    for last in START_WINDOWS:
        name = f"_{last}" if last else ""
        table["log_odds" + name] = past.mean("log_odds", RUNNER, last=last)
        table["surprise" + name] = past.shrunk_rate("surprise", RUNNER, last=last, strength=SHRINK_STARTS)
        if past.has_column("placed"):
            table["placed" + name] = past.shrunk_rate("placed", RUNNER, last=last, prior=0.35, strength=SHRINK_STARTS)
        table["won" + name] = past.shrunk_rate("won", RUNNER, last=last, prior=0.14, strength=SHRINK_STARTS)
    for days in DAY_WINDOWS:
        table[f"starts_{days}d"] = past.count(None, RUNNER, days=days)
        table[f"log_odds_{days}d"] = past.mean("log_odds", RUNNER, days=days)
        table[f"surprise_{days}d"] = past.shrunk_rate("surprise", RUNNER, days=days, strength=SHRINK_STARTS)
    table["log_odds_spread"] = past.std("log_odds", RUNNER, last=10)
    table["log_odds_slope"] = past.slope("log_odds", RUNNER, last=5)
    table["log_odds_best"] = past.max("log_odds", RUNNER)
    table["past_log_odds"] = past.ewm("log_odds", RUNNER, half_life_days=30)
    if past.has_column("place_p"):
        table["place_p_5"] = past.mean("place_p", RUNNER, last=5)
    return table


def _build_split_inputs(past: Past) -> Inputs:
    """Return how the runner did at this distance, venue, box and grade; and how the box does on this course."""
    table = {}
    for name in SPLITS:
        table[f"starts_at_{name}"] = past.count(None, (RUNNER, name))
        table[f"surprise_at_{name}"] = past.shrunk_rate("surprise", (RUNNER, name), strength=SHRINK_STARTS)
        table[f"log_odds_at_{name}"] = past.mean("log_odds", (RUNNER, name))
    table["box_won"] = past.shrunk_rate("won", COURSE_BOX, prior=0.14, strength=SHRINK_BOX_STARTS)
    table["box_surprise"] = past.shrunk_rate("surprise", COURSE_BOX, strength=SHRINK_BOX_STARTS)
    return table


def _build_residual_inputs(rated_past: Past) -> Inputs:
    """Return how much better than rated the runner was lately, and at this distance, venue, box and grade."""
    table = {f"residual_{last}": rated_past.mean(RESIDUAL, RUNNER, last=last) for last in RESIDUAL_WINDOWS}
    for name in SPLITS:
        table[f"residual_at_{name}"] = rated_past.shrunk_rate(RESIDUAL, (RUNNER, name), strength=SHRINK_STARTS)
    return table


def _build_change_inputs(current: pd.DataFrame, past: Past) -> Inputs:
    """Return what has changed since the runner's last start."""
    number_columns = ("distance_m", "box", "field_size", "grade_level", "early_speed")
    table = {
        f"{name}_change": current[name].to_numpy(float) - past.nth_latest(name, RUNNER)
        for name in number_columns
        if name in current
    }
    if "early_speed" in current:
        table["early_speed_news"] = current["early_speed"].to_numpy(float) - past.mean("early_speed", RUNNER, last=5)
    return table


def _build_physique_inputs(current: pd.DataFrame, past: Past) -> Inputs:
    """Return weights, times, margins and the trainer's form, as far as the source has them."""
    table: Inputs = {}
    if "weight_kg" in current:
        weight = current["weight_kg"].to_numpy(float)
        table |= {"weight_kg": weight, "weight_change": weight - past.nth_latest("weight_kg", RUNNER)}
    if past.has_column("run_time_s"):
        usual_time = past.mean("run_time_s", ("venue", "distance_m"))
        table["pace_5"] = 1 - past.mean("run_time_s", (RUNNER, "venue", "distance_m"), last=5) / usual_time
        table["pace_best"] = 1 - past.min("run_time_s", (RUNNER, "venue", "distance_m")) / usual_time
    if past.has_column("sectional_s"):
        usual_time = past.mean("sectional_s", ("venue", "distance_m"))
        table["sectional_5"] = 1 - past.mean("sectional_s", (RUNNER, "venue", "distance_m"), last=5) / usual_time
    if past.has_column("margin_lengths"):
        table["margin_5"] = past.mean("margin_lengths", RUNNER, last=5)
    if "trainer" in current:
        table["trainer_starts_90d"] = past.count(None, "trainer", days=90)
        table["trainer_surprise_90d"] = past.shrunk_rate("surprise", "trainer", days=90, strength=SHRINK_BOX_STARTS)
    return table


def _build_rating_inputs(past: Past, settings: Settings) -> Inputs:
    """Return ratings from past races, which adjust for the opponents met, by price and result.

    The adjusted rating shares the credit with where the runner began, so that a runner of few starts is rated like
    those who began in the same grade or on the same course, and with its early speed among the field, by box.
    """
    terms = _choose_rating_terms(past, settings)
    rating = past.rating(replace(terms, effects={by: terms.effects[by] for by in (RUNNER, COURSE_BOX)}))
    adjusted_rating = past.rating(terms)
    table = {
        "rating": rating.sum(axis=1),
        "rating_runner": rating[:, 0],
        "rating_box": rating[:, 1],
        "rating_adjusted": adjusted_rating.sum(axis=1),
    }
    if "early_rank" in terms.effects:
        table["rating_early"] = adjusted_rating[:, -2:].sum(axis=1)
    return table


def _choose_rating_terms(past: Past, settings: Settings) -> RatingTerms:
    """Return the terms of the adjusted rating."""
    effects: dict[RatedKey, float] = {
        RUNNER: settings.ridge_runner,
        COURSE_BOX: settings.ridge_course,
        FIRST_GRADE: settings.ridge_first,
        FIRST_COURSE: settings.ridge_first,
    }
    if past.has_column("early_rank"):
        effects |= {"early_rank": settings.ridge_early, ("early_rank", "box"): settings.ridge_early_box}
    performance = {"log_odds": 1.0, "surprise": settings.surprise}
    return RatingTerms(performance, "group", effects, settings.half_life_days)


def _compare_within_race(name: str, values: Floats, race: Codes) -> Iterator[tuple[str, Floats]]:
    yield f"{name}_lead", subtract_group_mean(values, race)
    yield f"{name}_rank", rank_within_group(values, race)


def _build_field_inputs(rating: Floats, race: Codes) -> Inputs:
    """Return how open the race is, and the winning chances by the rating alone."""
    probability = compute_group_softmax(rating, race)
    by_race = pd.Series(rating).groupby(race)
    best_rating = by_race.transform("max").to_numpy()
    return {
        "rating_log_p": np.log(probability),
        "rating_gap": rating - best_rating,
        "rivals": by_race.transform("mean").to_numpy(),
        "openness": (-pd.Series(probability * np.log(probability)).groupby(race).transform("sum")).to_numpy(),
    }


def _compare_neighbours(name: str, values: Floats, current: pd.DataFrame, race: Codes) -> Inputs:
    """Return how much more the next runner inside, and the next outside, has than this one; missing at the edge."""
    order = np.lexsort((current["box"].to_numpy(float), race))
    sorted_values, sorted_race = values[order], race[order]
    table = {}
    for direction, step, edge in (("inside", 1, 0), ("outside", -1, -1)):
        difference = np.roll(sorted_values, step) - sorted_values
        difference[np.roll(sorted_race, step) != sorted_race] = np.nan
        difference[edge] = np.nan  # np.roll wraps around, into the same race if there is only one
        table[f"{name}_{direction}"] = np.empty(len(values))
        table[f"{name}_{direction}"][order] = difference
    return table


def _build_price_inputs(current: pd.DataFrame, race: Codes) -> Inputs:
    """Return the market's view of this race; nothing if the decision is made before the off."""
    if "log_odds" not in current:
        return {}
    price = current["log_odds"].to_numpy(float)
    return {"price": price, "price_rank": rank_within_group(price, race)}
