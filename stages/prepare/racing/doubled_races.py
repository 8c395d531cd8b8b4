"""Doubled races: one race under two ids, from two sources, whose copy would know its own result."""

import pandas as pd

from trueline.core.tables.name_forms import reduce_to_letters

Flags = pd.Series  # True for the rows of a race that is set aside

RACE_TIME = pd.Timedelta(minutes=30)  # nobody starts twice within it; the off times of two sources differ by less
LEAST_SHARED = 0.5  # share of the smaller field that makes two races of one day the same where there are no times


def flag_doubled_races(rows: pd.DataFrame) -> Flags:
    """Return True for the rows of races one of whose runners stands in another race at the same time.

    Of two such races the one with more missing values is flagged, else the later, else the one with the later id. Names
    that differ only in a suffix count if two runners of a race have them. On days without times of day, two races are
    the same if they share at least two runners and half of the smaller field.
    """
    letters = {name: reduce_to_letters(str(name)) for name in rows["entity"].dropna().unique()}
    starts = rows[["entity", "start_time", "race_id"]].assign(letters=rows["entity"].map(letters))
    starts = starts.sort_values(["letters", "start_time", "race_id"])
    earlier = starts.shift()
    is_again = (starts["letters"] == earlier["letters"]) & (starts["race_id"] != earlier["race_id"])
    is_again &= (starts["start_time"] - earlier["start_time"] <= RACE_TIME) | (
        earlier["start_time"].eq(starts["start_time"].dt.normalize())  # a day without a time comes first on its day
    )
    if not is_again.any():
        return pd.Series(False, index=rows.index)
    pairs = pd.DataFrame({"first": earlier.loc[is_again, "race_id"], "second": starts.loc[is_again, "race_id"]})
    pairs["exact"] = (starts["entity"] == earlier["entity"])[is_again]
    shared = pairs.groupby(["first", "second"])["exact"].agg(shared="size", exact="sum").reset_index()
    races = rows.groupby("race_id").agg(size=("entity", "size"), time=("start_time", "first"))
    races["gaps"] = rows.isna().sum(axis=1).groupby(rows["race_id"]).mean()
    earlier_race, later_race = (races.loc[shared[name]].reset_index(drop=True) for name in ("first", "second"))
    smaller = earlier_race["size"].where(earlier_race["size"] < later_race["size"], later_race["size"])
    has_clock = earlier_race["time"] != earlier_race["time"].dt.normalize()
    is_same = (has_clock & ((shared["exact"] >= 1) | (shared["shared"] >= 2))) | (
        (shared["shared"] >= 2) & (shared["shared"] >= LEAST_SHARED * smaller)
    )
    keeps_second = later_race["gaps"] < earlier_race["gaps"]
    doubled = shared["second"].mask(keeps_second, shared["first"])[is_same]
    return rows["race_id"].isin(doubled)
