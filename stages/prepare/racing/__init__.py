"""Cleaner of racing: one row per runner and race.

A race with one faulty row is set aside whole, because its other runners would be compared within a wrong field.
"""

import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd

from trueline.core.errors import UserError
from trueline.core.runtime.params import Date, StageSettings
from trueline.core.stats.group_ops import encode_groups, subtract_group_mean, sum_by_group
from trueline.core.tables.table_schema import Column, coerce_types, flag_unparseable, validate_table

Aggregate = Literal["sum", "any", "size", "nunique"]

MIN_DECIMAL_ODDS = 1.001  # decimal odds; 1.0 would only return the stake

# Raw columns that keep their names. In optional ones, a value beyond its limits becomes missing and is counted.
PASSTHROUGH_COLUMNS = [
    Column("venue", "text", "before", "where the race is run", required=True, nullable=False),
    Column("race_no", "whole", "before", "number of the race on its card", low=1),
    Column("distance_m", "number", "before", "length of the race", "m", required=True, nullable=False, low=1),
    Column("grade", "text", "before", "class of the race", required=True, nullable=False),
    Column("box", "whole", "before", "starting box, or rug number", required=True, nullable=False),
    Column("weight_kg", "number", "before", "weight of the runner", "kg", low=1),
    Column("trainer", "text", "before", "who trains the runner"),
    Column("early_speed", "number", "before", "rating of the runner's early pace, made before the race"),
    Column("won", "whole", "after", "1 for the winner, or each that shared the win", required=True, nullable=False),
    Column("placed", "whole", "after", "1 where place bets were paid; if not told, for the first three", low=0, high=1),
    Column("place", "whole", "after", "finishing position", low=1),
    Column("run_time_s", "number", "after", "the runner's own time", "s", low=1),
    Column("sectional_s", "number", "after", "the runner's time to the first mark", "s", low=0),
    Column("margin_lengths", "number", "after", "lengths behind the winner; the winner's lead, negative", "lengths"),
    Column("bsp", "number", "at_start", "starting price", "decimal odds", required=True, low=MIN_DECIMAL_ODDS),
    Column("place_bsp", "number", "at_start", "starting price of a place", "decimal odds", low=MIN_DECIMAL_ODDS),
    Column(
        "benchmark_price",
        "number",
        "at_start",
        "another modeller's price",
        "decimal odds",
        low=MIN_DECIMAL_ODDS,
        evaluation_only=True,
    ),
]
RAW_COLUMNS = [
    Column("race_id", "text", "before", "the race", required=True),
    Column("start_time", "time", "before", "the start, or its day", required=True),
    Column("runner", "text", "before", "the runner's name", required=True),
    Column("scratched", "whole", "before", "1 for a runner that was withdrawn", low=0, high=1),
    Column("dead_heat", "whole", "after", "1 for a runner that shared its place", low=0, high=1),
    *PASSTHROUGH_COLUMNS,
]
COLUMNS = [
    Column("row_id", "text", "before", "race and box", nullable=False),
    Column("entity", "text", "before", "the runner's name, in capitals", nullable=False),
    Column("group", "text", "before", "the race", nullable=False),
    Column("time", "time", "before", "the start, or its day", nullable=False),
    Column("target", "number", "after", "share of the win; a dead heat of k is 1/k", nullable=False, low=0, high=1),
    Column("soft_label", "number", "at_start", "the market's probability; missing if a price is", low=0, high=1),
    Column("field_size", "whole", "before", "runners in the race, without the scratched", nullable=False, low=2),
    *PASSTHROUGH_COLUMNS,
    Column("grade_level", "number", "before", "mean of the numbers in the grade's name: 4/5 is 4.5, 1 is the highest"),
    Column("log_odds", "number", "at_start", "ln(soft_label), centred within the race", "nats"),
    Column("surprise", "number", "after", "target − soft_label", low=-1, high=1),
    Column("place_p", "number", "at_start", "the place market's; sums to the places it pays", low=0, high=1),
]
# left out if the source lacks them
OPTIONAL_COLUMNS = ["weight_kg", "trainer", "place", "run_time_s", "sectional_s", "margin_lengths"]
REQUIRED_COLUMNS = ["race_id", "start_time", "venue", "distance_m", "grade", "box", "runner"]
# an unreadable value in one of these sets the race aside
CHECKED_COLUMNS = [*REQUIRED_COLUMNS[2:], "won", "bsp", "scratched", "dead_heat"]


class Settings(StageSettings):
    """The limits of boxes and books (the sum of 1/price over a race) that are plausible, and the last day to keep."""

    until: Date | None
    box_low: int
    box_high: int
    book_low: float
    book_high: float


def prepare(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the runners of every sound race, sorted by time, race and box, and the quality report.

    Scratched runners are dropped first. A race that breaks a rule of RULES is set aside whole and counted under the
    first such rule. Columns of OPTIONAL_COLUMNS that the source lacks are left out. Raises UserError if settled races
    are dated in the future (unless `until` is set), or no race is sound.
    """
    raw = raw.reset_index(drop=True)
    rows = _coerce_runners(raw, RAW_COLUMNS)
    runners = rows[~(rows["scratched"] == 1)]
    runners, made_missing = _clean_optional_columns(raw, runners)
    _reject_future_results(runners, settings)
    sound, set_aside = _filter_races(runners, settings)
    _require_races(rows, sound, set_aside)
    prepared = _build_runner_rows(sound).drop(columns=[name for name in OPTIONAL_COLUMNS if name not in raw])
    validate_table(prepared, [column for column in COLUMNS if column.name in prepared], "racing")
    report = {
        "rows_in": len(rows),
        "races_in": int(rows["race_id"].nunique()),
        "scratched_rows": len(rows) - len(runners),
        "set_aside": set_aside,
        "made_missing": made_missing,
        "ignored_columns": sorted(set(map(str, raw.columns)) - {column.name for column in RAW_COLUMNS}),
    }
    return prepared, report | _summarise_quality(prepared)


def prepare_race_card(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return races that are still to be run as `prepare` would, with their outcomes missing.

    `raw` may lack what a card does not give: results and prices. Raises UserError if it breaks a rule of CARD_RULES.
    """
    raw = raw.reset_index(drop=True)
    rows = _coerce_runners(raw, [column for column in RAW_COLUMNS if column.name in raw or column.known == "before"])
    rows = rows.reindex(columns=[*rows, *(column.name for column in RAW_COLUMNS if column.name not in rows)])
    runners, _ = _clean_optional_columns(raw, rows[~(rows["scratched"] == 1)])
    for reason in CARD_RULES:
        if (fault := RULES[reason](runners, settings)).any():
            raise UserError(f"race {runners.loc[fault, 'race_id'].iloc[0]}: {reason}; fix the card.")
    return _build_runner_rows(runners)


def _coerce_runners(raw: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    rows = coerce_types(raw, columns, "racing")
    rows["entity"] = rows["runner"].str.split().str.join(" ").str.upper()
    rows["unreadable_date"] = flag_unparseable(raw, rows, "start_time")
    rows["unreadable"] = np.any([flag_unparseable(raw, rows, name) for name in CHECKED_COLUMNS], axis=0)
    return rows


def _summarise_quality(prepared: pd.DataFrame) -> dict[str, Any]:
    days = prepared["time"].dt.normalize()
    nullable = [column.name for column in COLUMNS if column.nullable and column.name in prepared]
    return {
        "rows_out": len(prepared),
        "races_out": int(prepared["group"].nunique()),
        "missing_share": {name: float(prepared[name].isna().mean()) for name in nullable},
        "days": int(days.nunique()),
        "first_day": f"{days.min():%Y-%m-%d}",
        "last_day": f"{days.max():%Y-%m-%d}",
    }


def _clean_optional_columns(raw: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    cleaned, counts = rows.copy(), {}
    for column in PASSTHROUGH_COLUMNS:
        if column.required or column.name not in raw:
            continue
        invalid = flag_unparseable(raw.loc[rows.index], rows, column.name)
        if column.low is not None:
            invalid |= rows[column.name] < column.low
        if column.high is not None:
            invalid |= rows[column.name] > column.high
        if invalid.any():
            counts[column.name] = int(invalid.sum())
        cleaned[column.name] = rows[column.name].mask(invalid)
    return cleaned, counts


def _reject_future_results(runners: pd.DataFrame, settings: Settings) -> None:
    today = _get_latest_local_date()
    future_starts = runners["start_time"][runners["won"].notna() & (runners["start_time"].dt.normalize() > today)]
    if settings.until is None and len(future_starts):
        raise UserError(
            f"racing: {len(future_starts)} settled rows are dated after today ({today:%Y-%m-%d}), the last "
            f"{future_starts.max():%Y-%m-%d}; fix the dates, or set prepare.racing.until to the last day to keep."
        )


def _get_latest_local_date() -> pd.Timestamp:
    """Return the latest date on Earth, that of UTC+14: no race that was run can have a later one."""
    return (pd.Timestamp.now("UTC").tz_localize(None) + pd.Timedelta(hours=14)).normalize()


def _filter_races(rows: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, dict[str, dict[str, int]]]:
    counts = {}
    for reason, rule in RULES.items():
        fault = rule(rows, settings)
        dropped = fault | rows["race_id"].isin(rows.loc[fault, "race_id"].dropna())
        if dropped.any():
            counts[reason] = {"rows": int(dropped.sum()), "races": int(rows.loc[dropped, "race_id"].nunique())}
        rows = rows[~dropped]
    return rows, counts


def _require_races(rows: pd.DataFrame, sound: pd.DataFrame, set_aside: dict[str, dict[str, int]]) -> None:
    if len(sound):
        return
    if not set_aside:
        raise UserError(f"racing: all {len(rows)} rows are scratched; at least one race is needed.")
    reason, count = max(set_aside.items(), key=lambda item: item[1]["rows"])
    raise UserError(
        f"racing: none of {rows['race_id'].nunique()} races survives; most, {count['races']} races of "
        f"{count['rows']} rows, were set aside for {reason!r}."
    )


def _build_runner_rows(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.sort_values(["start_time", "race_id", "box"], ignore_index=True)
    book, place_book = _sum_book(rows, "bsp"), _sum_book(rows, "place_bsp")
    paid_places = place_book.round()  # known at the off, unlike the number of runners that were placed
    rows["group"], rows["time"] = rows["race_id"], rows["start_time"]
    rows["row_id"] = rows["race_id"] + ":" + rows["box"].astype(int).astype(str)
    rows["field_size"] = _aggregate_per_race(rows, rows["box"], "size").astype(float)
    rows["target"] = rows["won"] / _aggregate_per_race(rows, rows["won"], "sum")
    rows["soft_label"] = 1 / rows["bsp"] / book
    log_p = np.log(rows["soft_label"])
    rows["log_odds"] = subtract_group_mean(log_p.to_numpy(), encode_groups(rows["race_id"]))
    rows["surprise"] = rows["target"] - rows["soft_label"]
    rows["placed"] = rows["placed"].fillna((rows["place"] <= 3).astype(float).where(rows["place"].notna()))
    rows["place_p"] = (1 / rows["place_bsp"] / place_book * paid_places.where(paid_places > 0)).clip(upper=1.0)
    rows["grade_level"] = rows["grade"].map({grade: _parse_grade_level(grade) for grade in rows["grade"].unique()})
    return rows[[column.name for column in COLUMNS]]


def _parse_grade_level(grade: str) -> float:
    numbers = [float(number) for number in re.findall(r"\d+", grade)]
    return float(np.mean(numbers)) if numbers else np.nan


def _sum_book(rows: pd.DataFrame, price: str) -> pd.Series:
    """Return the sum of 1/price over the race of each row; missing if one of its prices is."""
    return pd.Series(sum_by_group(1 / rows[price].to_numpy(float), encode_groups(rows["race_id"])), rows.index)


def _aggregate_per_race(rows: pd.DataFrame, values: pd.Series, aggregate: Aggregate) -> pd.Series:
    aggregated: pd.Series = values.groupby(rows["race_id"]).transform(aggregate)
    return aggregated


Flags = pd.Series  # True for the rows that break a rule
RaceRule = Callable[[pd.DataFrame, Settings], Flags]


def _flag_unreadable_dates(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["unreadable_date"]


def _flag_unreadable_values(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["unreadable"] | rows["won"].lt(0) | rows["won"].gt(1)


def _flag_missing_values(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows[REQUIRED_COLUMNS].isna().any(axis=1)


def _flag_several_start_times(rows: pd.DataFrame, settings: Settings) -> Flags:
    return _aggregate_per_race(rows, rows["start_time"], "nunique") > 1


def _flag_several_courses(rows: pd.DataFrame, settings: Settings) -> Flags:
    return (_aggregate_per_race(rows, rows["venue"], "nunique") > 1) | (
        _aggregate_per_race(rows, rows["distance_m"], "nunique") > 1
    )


def _flag_future_races(rows: pd.DataFrame, settings: Settings) -> Flags:
    if settings.until is None:
        return pd.Series(False, index=rows.index)
    after_until: Flags = rows["start_time"].dt.normalize() > pd.Timestamp(settings.until)
    return after_until


def _flag_single_runners(rows: pd.DataFrame, settings: Settings) -> Flags:
    return _aggregate_per_race(rows, rows["box"], "size") < 2


def _flag_duplicate_runners(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows.duplicated(["race_id", "entity"])


def _flag_duplicate_boxes(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows.duplicated(["race_id", "box"])


def _flag_boxes_out_of_range(rows: pd.DataFrame, settings: Settings) -> Flags:
    return ~rows["box"].between(settings.box_low, settings.box_high)


def _flag_impossible_distances(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["distance_m"] < 1


def _flag_unsettled_runners(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["won"].isna()


def _flag_races_without_winner(rows: pd.DataFrame, settings: Settings) -> Flags:
    return _aggregate_per_race(rows, rows["won"], "sum") == 0


def _flag_several_winners(rows: pd.DataFrame, settings: Settings) -> Flags:
    declared = (rows["place"] == 1) | (rows["dead_heat"] == 1)
    undeclared = _aggregate_per_race(rows, (rows["won"] == 1) & ~declared, "any")
    return undeclared & (_aggregate_per_race(rows, rows["won"], "sum") > 1)


def _flag_incomplete_fields(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["place"] > _aggregate_per_race(rows, rows["box"], "size")


def _flag_impossible_prices(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["bsp"] < MIN_DECIMAL_ODDS


def _flag_implausible_books(rows: pd.DataFrame, settings: Settings) -> Flags:
    book = _sum_book(rows, "bsp")
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
}
# the rules that a race can be held to before it is run
CARD_RULES = (
    *("unreadable date", "unreadable value", "missing value", "several start times", "several venues or distances"),
    *("fewer than two runners", "duplicate runner", "duplicate box", "box out of range", "impossible distance"),
    "impossible price",
)
