"""Rules of racing: what makes a race unsound, in the order in which it is judged."""

from collections.abc import Callable
from typing import Literal

import pandas as pd

from stages.prepare.racing.doubled_races import flag_doubled_races
from stages.prepare.racing.race_columns import MIN_DECIMAL_ODDS, REQUIRED_COLUMNS, Settings
from trueline.core.stats.group_ops import encode_groups, sum_by_group
from trueline.core.tables.copied_groups import flag_copied_groups
from trueline.core.tables.number_parsing import LEAST_METRES

Aggregate = Literal["sum", "any", "size", "nunique"]
Flags = pd.Series  # True for the rows that break a rule
RaceRule = Callable[[pd.DataFrame, Settings], Flags]

# What tells a race from all others: its prices, its times, or who ran from which box with which result.
RACE_SIGNATURES = (
    ["bsp", "place_bsp"],
    ["run_time_s", "sectional_s", "margin_lengths"],
    ["entity", "box", "won", "placed", "place"],
)
MOST_DEAD_HEATS = 0.03  # share of the races; several times what is usual


def sum_book(rows: pd.DataFrame, price: str) -> pd.Series:
    """Return the sum of 1/price over the race of each row; missing if one of its prices is."""
    return pd.Series(sum_by_group(1 / rows[price].to_numpy(float), encode_groups(rows["race_id"])), rows.index)


def aggregate_per_race(rows: pd.DataFrame, values: pd.Series, aggregate: Aggregate) -> pd.Series:
    aggregated: pd.Series = values.groupby(rows["race_id"]).transform(aggregate)
    return aggregated


def _flag_unreadable_dates(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["unreadable_date"]


def _flag_unreadable_values(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["unreadable"] | rows["won"].lt(0) | rows["won"].gt(1)


def _flag_missing_values(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows[REQUIRED_COLUMNS].isna().any(axis=1)


def _flag_several_start_times(rows: pd.DataFrame, settings: Settings) -> Flags:
    return aggregate_per_race(rows, rows["start_time"], "nunique") > 1


def _flag_several_courses(rows: pd.DataFrame, settings: Settings) -> Flags:
    return (aggregate_per_race(rows, rows["venue"], "nunique") > 1) | (
        aggregate_per_race(rows, rows["distance_m"], "nunique") > 1
    )


def _flag_future_races(rows: pd.DataFrame, settings: Settings) -> Flags:
    if settings.until is None:
        return pd.Series(False, index=rows.index)
    after_until: Flags = rows["start_time"].dt.normalize() > pd.Timestamp(settings.until)
    return after_until


def _flag_single_runners(rows: pd.DataFrame, settings: Settings) -> Flags:
    return aggregate_per_race(rows, rows["box"], "size") < 2


def _flag_duplicate_runners(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows.duplicated(["race_id", "entity"])


def _flag_duplicate_boxes(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows.duplicated(["race_id", "box"])


def _flag_boxes_out_of_range(rows: pd.DataFrame, settings: Settings) -> Flags:
    return ~rows["box"].between(settings.box_low, settings.box_high)


def _flag_impossible_distances(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["distance_m"] < LEAST_METRES


def _flag_unsettled_runners(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["won"].isna()


def _flag_races_without_winner(rows: pd.DataFrame, settings: Settings) -> Flags:
    return aggregate_per_race(rows, rows["won"], "sum") == 0


def _flag_several_winners(rows: pd.DataFrame, settings: Settings) -> Flags:
    declared = (rows["place"] == 1) | (rows["dead_heat"] == 1)
    undeclared = aggregate_per_race(rows, (rows["won"] == 1) & ~declared, "any")
    winner_count = aggregate_per_race(rows, rows["won"], "sum")
    several: Flags = undeclared & (winner_count > 1)
    # two winners without a place between them are a dead heat, if it is as rare as dead heats are
    unexplained = several & (winner_count == 2) & ~aggregate_per_race(rows, rows["place"].notna(), "any")
    if unexplained.sum() <= MOST_DEAD_HEATS * len(rows):
        several &= ~unexplained
    return several


def _flag_incomplete_fields(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["place"] > aggregate_per_race(rows, rows["box"], "size")


def _flag_doubled_races(rows: pd.DataFrame, settings: Settings) -> Flags:
    return flag_doubled_races(rows)


def _flag_copied_races(rows: pd.DataFrame, settings: Settings) -> Flags:
    """Flag races that repeat another under another id, on any day and by whatever names."""
    return flag_copied_groups([rows[names] for names in RACE_SIGNATURES], rows["race_id"], rows["start_time"])


def _flag_impossible_prices(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["bsp"] < MIN_DECIMAL_ODDS


def _flag_implausible_books(rows: pd.DataFrame, settings: Settings) -> Flags:
    book = sum_book(rows, "bsp")
    return book.notna() & ~book.between(settings.book_low, settings.book_high)


# In the order in which they run; each sees only the races that the ones above let pass.
RULES: dict[str, RaceRule] = {
    "unreadable date": _flag_unreadable_dates,
    "unreadable value": _flag_unreadable_values,
    "missing value": _flag_missing_values,
    "several start times": _flag_several_start_times,
    "several venues or distances": _flag_several_courses,
    "future": _flag_future_races,
    "fewer than two runners": _flag_single_runners,
    "duplicate runner": _flag_duplicate_runners,
    "duplicate box": _flag_duplicate_boxes,
    "box out of range": _flag_boxes_out_of_range,
    "impossible distance": _flag_impossible_distances,
    "unsettled": _flag_unsettled_runners,
    "no winner": _flag_races_without_winner,
    "several winners without a dead heat": _flag_several_winners,
    "a finishing place beyond the field": _flag_incomplete_fields,
    "impossible price": _flag_impossible_prices,
    "implausible book": _flag_implausible_books,
    "a runner in two races at once": _flag_doubled_races,
    "the same race under another id": _flag_copied_races,
}
# the rules that a race can be held to before it is run
CARD_RULES = (
    *("unreadable date", "unreadable value", "missing value", "several start times", "several venues or distances"),
    *("fewer than two runners", "duplicate runner", "duplicate box", "box out of range", "impossible distance"),
    "impossible price",
)
# what is left out on purpose, and copies of races that are kept
NO_LOSS = ("future", "a runner in two races at once")
# the column, and perhaps the setting, that a rule judges: for the example of what it set aside
JUDGED: dict[str, tuple[str, str | None]] = {
    "unreadable date": ("start_time", "date_format"),
    "future": ("start_time", "until"),
    "several start times": ("start_time", None),
    "several venues or distances": ("distance_m", None),
    "fewer than two runners": ("race_id", None),
    "duplicate runner": ("runner", None),
    "duplicate box": ("box", None),
    "box out of range": ("box", "box_high"),
    "impossible distance": ("distance_m", None),
    "unsettled": ("won", None),
    "no winner": ("won", None),
    "several winners without a dead heat": ("won", None),
    "a finishing place beyond the field": ("place", None),
    "impossible price": ("bsp", "odds"),
    "implausible book": ("bsp", "odds"),
    "a runner in two races at once": ("runner", None),
    "the same race under another id": ("race_id", None),
}
