"""Race cards: runners that are still to run, under our names, with times and prices in the forms that prepare reads."""

from dataclasses import replace

import pandas as pd

from stages.prepare.racing.completed_runners import fill_runners
from stages.prepare.racing.off_times import move_to_afternoon
from stages.prepare.racing.price_forms import convert_to_decimal
from stages.prepare.racing.race_columns import RAW_COLUMNS, Settings
from stages.prepare.racing.source_names import SYNONYMS
from stages.prepare.runners.race_results import read_results
from trueline.core.tables.own_columns import list_source_columns
from trueline.core.tables.raw_tables import RawTable, read_raw_table
from trueline.core.tables.table_schema import Column, coerce_types

BOOK = Column("book", "text", "at_start", "who offers the price, where a runner has a row for each bookmaker")
CARD_SYNONYMS = {**SYNONYMS, "book": ("bookmaker", "sportsbook", "operator")}
PRICES = ("bsp", "place_bsp", "benchmark_price")
RESULTS = ("won", "placed", "place")


def read_race_card(raw: pd.DataFrame, settings: Settings) -> RawTable:
    """Return a card's rows as `prepare_race_card` takes them; what is known only after the race may be absent.

    Raises UserError where `read_raw_table` does. Cells that cannot be read stay as they came.
    """
    own_columns = list_source_columns(settings, RAW_COLUMNS, "racing")
    columns = [
        replace(column, required=column.required and column.known == "before")
        for column in (*RAW_COLUMNS, *own_columns)
    ]
    raw, _ = fill_runners(raw, settings)
    source = read_raw_table(raw, [*columns, BOOK], settings, "racing", CARD_SYNONYMS)
    rows = read_results(source.rows)
    forms = {}
    for column in columns:
        if column.name not in rows or column.name not in ("start_time", *PRICES):
            continue
        typed = coerce_types(rows, [column], "racing")[column.name]
        is_price = column.name in PRICES
        values = convert_to_decimal(typed, settings.odds) if is_price else move_to_afternoon(typed, settings.pm_before)
        forms[column.name] = (
            values.astype(object).where(typed.notna(), rows[column.name]) if typed.isna().any() else values
        )
    return replace(source, rows=rows.assign(**forms))


def select_unsettled_races(card: RawTable) -> RawTable:
    """Return the rows of the races of which no runner has a result."""
    has_result = card.rows.reindex(columns=list(RESULTS)).notna().any(axis=1)
    race_ids = card.rows.loc[has_result, "race_id"]
    return replace(card, rows=card.rows[~card.rows["race_id"].isin(race_ids)])


def build_row_ids(rows: pd.DataFrame) -> pd.Series:
    """Return the row id of typed runners: race and box."""
    return pd.Series(rows["race_id"] + ":" + rows["box"].astype(int).astype(str))
