"""Strange sizes: distances, run times and weights that no runner has are in other units than ours."""

import pandas as pd

PLAUSIBLE_SPEED = (4.0, 25.0)  # metres a second: from a person on a long way to the fastest dogs and horses
# kg of the typical runner: of a dog; of a rider with saddle, which horses carry; of a horse
DOG_WEIGHTS, RIDER_WEIGHTS, HORSE_WEIGHTS = (15.0, 45.0), (45.0, 85.0), (300.0, 700.0)
LONGEST_DOG_RACE = 750.0  # m; the typical race of horses is longer
MOST_CHANGE = 1.6  # times; nobody's weight changes by more, but pounds are 2.2 times the kilograms
LEAST_CHANGED = 0.01  # share of the runners


def describe_strange_sizes(runners: pd.DataFrame) -> list[str]:
    """Return a sentence for each column whose numbers seem to be in another unit; none if all may be right."""
    return [
        *_describe_speeds(runners["distance_m"], runners["run_time_s"]),
        *_describe_weights(runners["weight_kg"], runners["distance_m"]),
        *_describe_changing_weights(runners["weight_kg"], runners["entity"]),
    ]


def _describe_speeds(distance_m: pd.Series, run_time_s: pd.Series) -> list[str]:
    speed = float((distance_m / run_time_s).median())
    if pd.isna(speed) or PLAUSIBLE_SPEED[0] <= speed <= PLAUSIBLE_SPEED[1]:
        return []
    low, high = PLAUSIBLE_SPEED
    return [
        f"the typical runner makes {speed:.3g} metres a second, and all should be between {low:g} and {high:g}: "
        "distance_m may not be in metres, or run_time_s not in seconds"
    ]


def _describe_weights(weight_kg: pd.Series, distance_m: pd.Series) -> list[str]:
    weight, distance = float(weight_kg.median()), float(distance_m.median())
    if pd.isna(weight):
        return []
    of_dogs = pd.notna(distance) and distance <= LONGEST_DOG_RACE
    plausible = (DOG_WEIGHTS,) if of_dogs else (RIDER_WEIGHTS, HORSE_WEIGHTS)
    if any(low <= weight <= high for low, high in plausible):
        return []
    limits = " or ".join(f"{low:g} to {high:g} kg" for low, high in plausible)
    return [
        f"the typical weight is {weight:.3g} kg, where {limits} are usual over {distance:g} metres: weight_kg may be "
        "in pounds; if so, name the column weight_lb"
    ]


def _describe_changing_weights(weight_kg: pd.Series, entity: pd.Series) -> list[str]:
    extremes = weight_kg.groupby(entity).agg(["min", "max"]).dropna()
    is_changed = extremes["max"] > MOST_CHANGE * extremes["min"]
    if not len(extremes) or is_changed.mean() < LEAST_CHANGED:
        return []
    runner, (low, high) = extremes.index[is_changed][0], extremes[is_changed].iloc[0]
    return [
        f"the weight of {int(is_changed.sum()):,} runners changes as no runner's does, for example of {runner!r} from "
        f"{low:g} to {high:g} kg: a part of weight_kg may be in pounds; write lb behind those, as in '68 lb'"
    ]
