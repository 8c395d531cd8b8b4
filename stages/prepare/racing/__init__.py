"""Cleaner of racing: one row per runner and race.

A race with one faulty row is set aside whole, because its other runners would be compared within a wrong field.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from stages.prepare.racing.box_numbers import drop_box_numbers
from stages.prepare.racing.completed_runners import fill_runners
from stages.prepare.racing.off_times import move_to_afternoon, reject_contradictory_times, reject_half_day_clock
from stages.prepare.racing.price_forms import convert_to_decimal, describe_strange_books
from stages.prepare.racing.race_cards import build_row_ids, read_race_card, select_unsettled_races
from stages.prepare.racing.race_columns import (
    CHECKED_COLUMNS,
    COLUMNS,
    MIN_DECIMAL_ODDS,
    OPTIONAL_COLUMNS,
    PASSTHROUGH_COLUMNS,
    RAW_COLUMNS,
    REQUIRED_COLUMNS,
    Settings,
)
from stages.prepare.racing.rules import CARD_RULES, JUDGED, NO_LOSS, RULES, aggregate_per_race, sum_book
from stages.prepare.racing.source_names import SYNONYMS
from stages.prepare.racing.strange_sizes import describe_strange_sizes
from stages.prepare.runners.race_results import read_results
from trueline.core.errors import UserError
from trueline.core.stats.group_ops import encode_groups, rank_within_group, subtract_group_mean
from trueline.core.tables.column_mapping import reject_unknown_targets
from trueline.core.tables.date_parsing import EARLIEST, suggest_time_setting
from trueline.core.tables.duplicate_rows import flag_older_versions
from trueline.core.tables.intake_report import (
    Example,
    IntakeError,
    describe_example,
    describe_remedy,
    make_example,
    summarise_intake,
)
from trueline.core.tables.logged_predictions import LoggedFields
from trueline.core.tables.name_forms import find_near_spellings, normalize_entity, unify_spellings
from trueline.core.tables.own_columns import (
    convert_own_columns,
    list_own_columns,
    list_source_columns,
    read_own_columns,
)
from trueline.core.tables.raw_tables import RawTable, read_raw_table
from trueline.core.tables.table_schema import Column, coerce_types, flag_unparseable, validate_table

__all__ = [
    "COLUMNS",
    "LOGGED",
    "MIN_DECIMAL_ODDS",
    "RAW_COLUMNS",
    "RULES",
    "Settings",
    "build_row_ids",
    "parse_grade_level",
    "prepare",
    "prepare_race_card",
    "read_race_card",
    "select_unsettled_races",
]

Flags = pd.Series  # True for the rows that break a rule
LOGGED = LoggedFields(("race_id", "box"), {"price": "number"})
SPELT_COLUMNS = ("entity", "venue", "trainer")
UNIFIED_COLUMNS = ("venue", "grade", "trainer")  # of which one spelling of each name is kept
MOST_BOXES = 40  # a higher number is an error, and no limit to propose
MOST_MISSPELT = 0.05  # share of the rows from which on names in several spellings explain a lack of history


def prepare(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the runners of every sound race, sorted by time, race and box, and the quality report.

    Rows that came twice are taken once and scratched runners dropped first. A race that breaks a rule of RULES is set
    aside whole and counted under the first such rule. Columns of OPTIONAL_COLUMNS without any value are left out.
    Raises UserError if settled races are dated in the future (unless `until` is set), or off times contradict race
    numbers; and IntakeError, which carries the quality report, if no race is sound.
    """
    own_columns = list_source_columns(settings, RAW_COLUMNS, "racing")
    reject_unknown_targets(settings, [*RAW_COLUMNS, *own_columns], "racing")
    raw, completed = fill_runners(raw, settings)
    source = read_raw_table(raw, [*RAW_COLUMNS, *own_columns], settings, "racing", SYNONYMS, key=["race_id"])
    table = read_results(source.rows)
    rows = _read_source_forms(_coerce_runners(table, RAW_COLUMNS), settings)
    is_repeated = _flag_repeated_rows(table)
    is_older = flag_older_versions(rows, ["race_id", "entity"], "updated_at") & ~is_repeated
    runners = rows[~(rows["scratched"] == 1) & ~is_repeated & ~is_older]
    cleaned, made_missing = _clean_optional_columns(table, runners)
    lost_examples = _describe_lost_values(table, runners, cleaned, made_missing)
    runners = cleaned
    own_values = read_own_columns(table, runners, own_columns, "racing")
    runners = runners.join(own_values.rows)
    _reject_future_results(runners, settings)
    reject_contradictory_times(runners)
    if settings.pm_before is None:
        reject_half_day_clock(runners)
    reasons, examples = _find_reasons(runners, table, settings)
    sound = runners.drop(index=reasons.index)
    report = {
        "rows_in": len(rows),
        "races_in": int(rows["race_id"].nunique()),
        "repeated_rows": int(is_repeated.sum()),
        "scratched_rows": int(((rows["scratched"] == 1) & ~is_repeated & ~is_older).sum()),
        "set_aside": {
            reason: {"rows": int((reasons == reason).sum()), "races": _count_races(runners, reasons, reason)}
            for reason in RULES
            if (reasons == reason).any()
        },
        "made_missing": made_missing,
        "ignored_columns": source.ignored,
    }
    if is_older.any():
        report["older_rows"] = int(is_older.sum())
    notes = [*source.notes, *completed, *lost_examples, *describe_strange_sizes(runners), *own_values.notes]
    source = replace(source, notes=notes)
    report["intake"] = _summarise_intake(runners, reasons, examples, source, report)
    report["made_missing"] = made_missing | own_values.lost
    if sound.empty:
        raise IntakeError(_describe_empty_intake(rows, report), report)
    prepared = _build_runner_rows(sound, settings)
    prepared = prepared.drop(columns=[name for name in OPTIONAL_COLUMNS if prepared[name].isna().all()])
    validate_table(prepared, [column for column in COLUMNS if column.name in prepared], "racing")
    return prepared, report | _summarise_quality(prepared, settings)


def prepare_race_card(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return races that are still to be run as `prepare` would, with their outcomes missing.

    `raw` may lack what a card does not give: results and prices. Raises UserError if it breaks a rule of CARD_RULES.
    """
    raw = raw.reset_index(drop=True)
    card_columns = [column for column in RAW_COLUMNS if column.name in raw or column.known == "before"]
    rows = _coerce_runners(raw, card_columns)
    rows = rows.reindex(columns=[*rows, *(column.name for column in RAW_COLUMNS if column.name not in rows)])
    runners, _ = _clean_optional_columns(raw, rows[~(rows["scratched"] == 1)])
    if settings.own_columns:
        runners = runners.join(convert_own_columns(raw, list_source_columns(settings, RAW_COLUMNS, "racing")))
    for reason in CARD_RULES:
        if (fault := RULES[reason](runners, settings)).any():
            raise UserError(f"race {runners.loc[fault, 'race_id'].iloc[0]}: {reason}; fix the card.")
    return _build_runner_rows(runners, settings)


def _coerce_runners(raw: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    rows = coerce_types(raw, columns, "racing")
    rows["entity"] = normalize_entity(drop_box_numbers(rows["runner"], rows["race_id"]), has_number=True)
    rows = rows.assign(**{name: unify_spellings(rows[name]) for name in UNIFIED_COLUMNS})
    rows["start_time"] = rows["start_time"].mask(rows["start_time"] < EARLIEST)
    rows["unreadable_date"] = flag_unparseable(raw, rows, "start_time")
    rows["unreadable"] = np.any([flag_unparseable(raw, rows, name) for name in CHECKED_COLUMNS], axis=0)
    return rows


def _read_source_forms(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return rows whose prices are decimal odds, and whose off times are on a 24-hour clock."""
    prices = {name: convert_to_decimal(rows[name], settings.odds) for name in ("bsp", "place_bsp", "benchmark_price")}
    return rows.assign(start_time=move_to_afternoon(rows["start_time"], settings.pm_before), **prices)


def _flag_repeated_rows(table: pd.DataFrame) -> Flags:
    """Return True for rows that are equal in every column to one above them."""
    repeated = table[table.duplicated(["race_id", "runner"], keep=False)]
    return repeated.astype(str).duplicated().reindex(table.index, fill_value=False)


def _count_races(rows: pd.DataFrame, reasons: pd.Series, reason: str) -> int:
    return int(rows.loc[reasons.index[reasons == reason], "race_id"].nunique())


def _summarise_intake(
    runners: pd.DataFrame,
    reasons: pd.Series,
    examples: dict[str, Example],
    source: RawTable,
    report: dict[str, Any],
) -> dict[str, Any]:
    keys = pd.DataFrame({"group": runners["race_id"], "day": runners["start_time"].dt.normalize()})
    notes = [*source.notes, *_describe_races(runners, report)]
    spellings = {name: find_near_spellings(runners[name].dropna().astype(str).str.upper()) for name in SPELT_COLUMNS}
    notes += [_describe_spellings(name, groups) for name, groups in spellings.items() if groups]
    hints = [describe_strange_books(runners["bsp"], runners["race_id"]), _describe_empty_losers(runners)]
    other_rows = sum(sum(group["rows"][1:]) for group in spellings["entity"])
    if other_rows > MOST_MISSPELT * len(runners):
        hints.append(f"{other_rows / len(runners):.0%} of the rows have a rarer spelling of a runner's name")
    given_hints = [hint for hint in hints if hint]
    return summarise_intake(keys, reasons, examples, "races", notes, source.look_meant, NO_LOSS, given_hints)


def _describe_empty_losers(runners: pd.DataFrame) -> str | None:
    """Return a sentence if `won` is 1 or empty, and most races have a winner."""
    won = runners["won"]
    winners_count = runners.loc[won == 1, "race_id"].nunique()
    if won.notna().all() or (won == 0).any() or 2 * winners_count < runners["race_id"].nunique():
        return None
    return "won is 1 or empty; if an empty cell means that the runner lost, set prepare.racing.values: {won: {'': 0}}"


def _describe_races(runners: pd.DataFrame, report: dict[str, Any]) -> list[str]:
    races_without_price = runners.loc[runners["bsp"].isna(), "race_id"].nunique()
    counts = {
        "rows that came twice, of which one copy is kept": report["repeated_rows"],
        "rows of which the source has a newer version, by updated_at": report.get("older_rows", 0),
        "scratched runners, left out": report["scratched_rows"],
        "races with a missing price, left out of the market's figures": races_without_price,
    }
    return [f"{label}: {count:,}" for label, count in counts.items() if count]


def _describe_spellings(name: str, groups: list[dict[str, Any]]) -> str:
    spellings = zip(groups[0]["names"][:3], groups[0]["rows"][:3], strict=True)
    example = " and ".join(f"{spelling!r} ({rows} rows)" for spelling, rows in spellings)
    label = "runners" if name == "entity" else f"{name}s"
    return f"{label} that may be written in several ways: {len(groups):,}, for example {example}"


def _describe_empty_intake(rows: pd.DataFrame, report: dict[str, Any]) -> str:
    set_aside = report["set_aside"]
    if not set_aside:
        return f"racing: all {len(rows)} rows are scratched; at least one race is needed."
    reason, count = max(set_aside.items(), key=lambda item: item[1]["rows"])
    return (
        f"racing: none of {rows['race_id'].nunique()} races survives; most, {count['races']} races of "
        f"{count['rows']} rows, were set aside for {reason!r}{describe_remedy(report['intake'], reason, 'racing')}."
    )


def _summarise_quality(prepared: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    days = prepared["time"].dt.normalize()
    declared = [*COLUMNS, *list_own_columns(settings)]
    nullable = [column.name for column in declared if column.nullable and column.name in prepared]
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
        invalid = flag_unparseable(raw, rows, column.name)
        if column.low is not None:
            invalid |= rows[column.name] < column.low
        if column.high is not None:
            invalid |= rows[column.name] > column.high
        if invalid.any():
            counts[column.name] = int(invalid.sum())
            cleaned[column.name] = rows[column.name].mask(invalid)
    return cleaned, counts


def _describe_lost_values(
    table: pd.DataFrame, runners: pd.DataFrame, cleaned: pd.DataFrame, counts: dict[str, int]
) -> list[str]:
    """Return a sentence for each optional column with values that are unreadable or impossible, with the first."""
    sentences = []
    for name, count in counts.items():
        is_lost = (runners[name].notna() & cleaned[name].isna()) | flag_unparseable(table, runners, name)
        example = make_example(table, int(is_lost.index[is_lost][0]), name)
        sentences.append(f"unreadable or impossible values of {name}: {count:,}{describe_example(example)}")
    return sentences


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


def _find_reasons(rows: pd.DataFrame, table: pd.DataFrame, settings: Settings) -> tuple[pd.Series, dict[str, Example]]:
    """Return the first rule that each row's race breaks, under the row's index, and an example of each rule."""
    reasons, examples = [pd.Series(dtype=object)], {}
    for reason, rule in RULES.items():
        fault = rule(rows, settings)
        dropped = fault | rows["race_id"].isin(rows.loc[fault, "race_id"].dropna())
        if dropped.any():
            examples[reason] = _make_example(reason, rows[fault], table)
            reasons.append(pd.Series(reason, rows.index[dropped], dtype=object))
        rows = rows[~dropped]
    return pd.Series(pd.concat(reasons), dtype=object), examples


def _make_example(reason: str, faulty: pd.DataFrame, table: pd.DataFrame) -> Example:
    if reason == "several winners without a dead heat":
        faulty = faulty[faulty["won"] == 1]
    row = int(faulty.sort_values(["race_id", "box", "entity"], kind="stable").index[0])
    column, setting = JUDGED.get(reason, ("race_id", None))
    cells = table.loc[[row]]
    if reason == "unreadable value":
        unreadable = [name for name in CHECKED_COLUMNS if flag_unparseable(cells, faulty.loc[[row]], name).any()]
        column, setting = next(iter(unreadable), "won"), None
        setting = "decimal" if "," in str(cells[column].iloc[0]) else None
    if reason == "missing value":
        column = next(name for name in REQUIRED_COLUMNS if faulty.loc[[row], name].isna().any())
    if reason == "box out of range" and (highest := faulty["box"].max()) <= MOST_BOXES:
        setting = f"box_high: {highest:.0f}"
    example = make_example(table, row, column, setting)
    return (
        example | {"setting": suggest_time_setting(str(example["value"]))} if reason == "unreadable date" else example
    )


def _build_runner_rows(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    rows = rows.sort_values(["start_time", "race_id", "box"], ignore_index=True)
    book, place_book = sum_book(rows, "bsp"), sum_book(rows, "place_bsp")
    paid_places = place_book.round()  # known at the off, unlike the number of runners that were placed
    rows["group"], rows["time"] = rows["race_id"], rows["start_time"]
    rows["row_id"] = build_row_ids(rows)
    rows["field_size"] = aggregate_per_race(rows, rows["box"], "size").astype(float)
    rows["target"] = rows["won"] / aggregate_per_race(rows, rows["won"], "sum")
    rows["soft_label"] = 1 / rows["bsp"] / book
    log_p = np.log(rows["soft_label"])
    rows["log_odds"] = subtract_group_mean(log_p.to_numpy(), encode_groups(rows["race_id"]))
    rows["surprise"] = rows["target"] - rows["soft_label"]
    rows["placed"] = rows["placed"].fillna((rows["place"] <= 3).astype(float).where(rows["place"].notna()))
    rows["place_p"] = (1 / rows["place_bsp"] / place_book * paid_places.where(paid_places > 0)).clip(upper=1.0)
    rows["early_rank"] = rank_within_group(rows["early_speed"].to_numpy(float), encode_groups(rows["race_id"]))
    rows["grade_level"] = rows["grade"].map({grade: parse_grade_level(grade) for grade in rows["grade"].unique()})
    return rows[[column.name for column in (*COLUMNS, *list_own_columns(settings))]]


def parse_grade_level(grade: str) -> float:
    """Return the mean of the numbers in a grade's name; missing without any."""
    numbers = [float(number) for number in re.findall(r"\d+", grade)]
    return float(np.mean(numbers)) if numbers else np.nan
