"""Speeds: run times and distances in other units than ours give speeds that no runner has."""

import pandas as pd

PLAUSIBLE_SPEED = (4.0, 25.0)  # metres a second: from a person on a long way to the fastest dogs and horses


def describe_strange_speeds(distance_m: pd.Series, run_time_s: pd.Series) -> list[str]:
    """Return a sentence if the typical runner is faster or slower than any is; none otherwise, or without times."""
    speed = float((distance_m / run_time_s).median())
    if pd.isna(speed) or PLAUSIBLE_SPEED[0] <= speed <= PLAUSIBLE_SPEED[1]:
        return []
    low, high = PLAUSIBLE_SPEED
    return [
        f"the typical runner makes {speed:.3g} metres a second, and all should be between {low:g} and {high:g}: "
        "distance_m may not be in metres, or run_time_s not in seconds"
    ]
