"""Cleaner of props: one row per player and game, with the line of the books, or an estimated line, marked as such."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from stages.prepare.props.game_intake import (
    describe_missing_starts,
    find_line_examples,
    require_games,
    summarise_game_intake,
    summarise_line_intake,
)
from stages.prepare.props.game_matching import index_games
from stages.prepare.props.games import RULES, add_keys, coerce_games, mask_absences
from stages.prepare.props.line_formulas import summarise_formula_lines
from stages.prepare.props.line_scale import reject_other_scale
from stages.prepare.props.own_tables import assign_own_columns, list_own_game_columns, read_own_values
from stages.prepare.props.player_matching import count_unknown_players
from stages.prepare.props.predictions import LOG_RULES, prepare_predictions
from stages.prepare.props.props_columns import (
    CLOCK_COLUMNS,
    COLUMNS,
    GAME_COLUMNS,
    KEY_COLUMNS,
    LINE_COLUMNS,
    LOGGED_COLUMNS,
    PRODUCTION_COLUMNS,
    REQUIRED_GAME_COLUMNS,
    ROLE_MIN_MINUTES,
    SCHEDULE_COLUMNS,
    declare_columns,
    declare_game_columns,
)
from stages.prepare.props.props_settings import AUTO, Settings
from stages.prepare.props.quality import summarise_quality
from stages.prepare.props.quote_times import add_known_times
from stages.prepare.props.quotes import LINE_RULES, prepare_lines
from stages.prepare.props.recent_form import add_recent_form
from stages.prepare.props.slates import Slate, read_slate
from stages.prepare.props.source_gaps import reject_utc_days
from stages.prepare.props.source_tables import SYNONYMS, count_odd_prices, read_raw_tables
from stages.prepare.props.sport_choice import choose_sport
from stages.prepare.props.sports import SPORTS
from stages.prepare.props.unified_names import unify_names
from trueline.core.errors import UserError
from trueline.core.history.past import Past
from trueline.core.tables.coercion import mask_out_of_range
from trueline.core.tables.own_columns import convert_own_columns, list_own_columns
from trueline.core.tables.row_filters import count_reasons, find_reasons
from trueline.core.tables.table_schema import OWN_PREFIX, Column, coerce_types, validate_table

__all__ = [
    "AUTO",
    "CLOCK_COLUMNS",
    "COLUMNS",
    "GAME_COLUMNS",
    "LINE_COLUMNS",
    "LINE_RULES",
    "LOGGED_COLUMNS",
    "LOG_RULES",
    "PRODUCTION_COLUMNS",
    "REQUIRED_GAME_COLUMNS",
    "ROLE_MIN_MINUTES",
    "RULES",
    "Settings",
    "Slate",
    "columns",
    "prepare",
    "prepare_upcoming_games",
    "read_slate",
]
RawTables = dict[str, pd.DataFrame]


def prepare(raw: RawTables, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a row for every sound player and game, sorted by day, game, team and player, and the quality report.

    `raw` holds the table `games` and perhaps `lines` and `production`. A game row that breaks a rule of RULES is set
    aside and counted under the first such rule; so is a line by LINE_RULES and a prediction by LOG_RULES. A line whose
    player has no row that day is void. Other statistics beyond their limits become missing and are counted. What a
    player usually does is measured on strictly earlier days. Without a tip-off time, quotes count until the end of the
    day in New York. Raises UserError if results are dated in the future (unless `until` is set), no game is sound, or
    the lines or predictions share no player with the games.
    """
    was_quantity_set = settings.quantity != AUTO
    settings, choices = choose_sport(raw, settings)
    tables = read_raw_tables(raw, settings)
    tables["games"].notes[:0] = choices
    read = {name: table.rows for name, table in tables.items()}
    read["games"], notes = unify_names(mask_absences(read["games"], settings))
    tables["games"].notes.extend(notes)
    coerced = coerce_games(read["games"], settings)
    reasons = find_reasons(coerced, RULES, settings)
    sound = coerced[~coerced.index.isin(reasons.index)]
    quality: dict[str, Any] = {
        "sport": settings.sport,
        "quantity": settings.quantity,
        "rows_in": {name: len(table) for name, table in raw.items()},
        "set_aside": {"games": count_reasons(reasons, RULES)},
    }
    require_games(tables, coerced, reasons, settings, quality)
    games, made_missing = mask_out_of_range(read["games"], sound, settings.profile.stats)
    game_index = index_games(coerced, sound)
    game_lines = prepare_lines(read.get("lines"), game_index, settings)
    reject_utc_days(raw, settings, SYNONYMS)
    if not was_quantity_set and game_lines.quotes["stat"].isna().all():
        unused = raw["games"].reset_index(drop=True)[tables["games"].ignored]
        reject_other_scale(game_lines.lines["line"], games, unused, settings)
    logged = prepare_predictions(read.get("production"), game_index, settings)
    tables["games"] = replace(tables["games"], rows=read["games"])
    counted_rows = {"lines": game_lines.list_sound_quotes(), "production": logged.kept_rows}
    own_values = read_own_values(tables, assign_own_columns(raw, settings), sound, counted_rows, settings)
    tables["games"] = replace(tables["games"], notes=[*tables["games"].notes, *own_values.notes])
    keyed_games = games.join(own_values.rows).join(game_lines.lines).join(logged.predictions)
    keyed_games = add_known_times(add_keys(keyed_games, settings))
    rows = add_recent_form(keyed_games, Past(keyed_games), settings)
    columns = _select_columns(rows, read, settings)
    prepared = _add_line_type(rows, Past(rows), settings)[[column.name for column in columns]]
    validate_table(prepared, columns, "props")
    quality["set_aside"] |= {"lines": game_lines.count_fates(), "production": logged.set_aside}
    quality |= summarise_quality(tables, prepared) | {
        "made_missing": made_missing | own_values.lost,
        "unknown_players": {"lines": count_unknown_players(game_lines.quotes), "production": logged.unknown_players},
        "rows_joined_as_over_and_under": game_lines.joined_count,
        **count_odd_prices(raw.get("lines"), read.get("lines")),
    }
    if examples := find_line_examples(tables.get("lines"), game_lines.quotes, game_lines.reasons):
        quality["line_examples"] = examples
    tables["games"].notes.extend(describe_missing_starts(game_lines.quotes))
    quality["intake"] = summarise_game_intake(tables, coerced, reasons, settings, quality)
    if len(game_lines.quotes):
        quotes = game_lines.quotes.drop(index=game_lines.reasons.index)
        quality["formula_lines"] = summarise_formula_lines(games, quotes, settings.quantity)
        quality["line_intake"] = summarise_line_intake(tables["lines"], game_lines.quotes, game_lines.reasons)
    return prepared, quality


def prepare_upcoming_games(
    raw: pd.DataFrame, past_of: Callable[[pd.DataFrame], Past], settings: Settings
) -> pd.DataFrame:
    """Return games of one day that are still to be played as `prepare` would, with their outcomes missing.

    `raw` has one row per player, with columns of GAME_COLUMNS and LINE_COLUMNS; those that a schedule does not give may
    be absent. `past_of` returns the past of such rows. The players in `raw` are taken to be those who play. Raises
    UserError if a player occurs twice or a team plays against itself.
    """
    game_columns = declare_game_columns(settings.profile)
    delivered_columns = {column.name: column for column in (*LINE_COLUMNS, *game_columns) if column.name in raw}
    column_names = dict.fromkeys([*(column.name for column in (*game_columns, *LINE_COLUMNS)), settings.quantity])
    typed = coerce_types(raw, list(delivered_columns.values()), "games").reindex(columns=list(column_names))
    rows = add_keys(typed.join(convert_own_columns(raw, list_own_game_columns(settings))), settings)
    faults = {"a player twice": rows.duplicated(KEY_COLUMNS), "a team against itself": rows["team"] == rows["opponent"]}
    for reason, fault in faults.items():
        if fault.any():
            raise UserError(f"{rows.loc[fault, 'row_id'].iloc[0]}: {reason}; fix the row.")
    player_past = past_of(rows)
    rows = add_recent_form(rows, player_past, settings).assign(estimated_line=np.nan)
    columns = [*declare_columns(settings.profile), *list_own_columns(settings)]
    return _add_line_type(rows, player_past, settings).reindex(columns=[column.name for column in columns])


def columns(prepared: pd.DataFrame) -> list[Column]:
    """Return the declarations of prepared columns of any sport; a statistic that none has is one's own."""
    by_name = {column.name: column for sport in reversed(SPORTS.values()) for column in declare_columns(sport)}
    # what was prepared was judged by the limits of its sport, or of a statistic of one's own with that name
    by_name |= {
        column.name: replace(column, low=None, high=None) for sport in SPORTS.values() for column in sport.stats
    }
    our_names = [name for name in map(str, prepared) if not name.startswith(OWN_PREFIX)]
    return [by_name.get(name) or Column(name, "number", "after", name.replace("_", " ")) for name in our_names]


def _select_columns(rows: pd.DataFrame, raw: RawTables, settings: Settings) -> list[Column]:
    """Return the declarations of the prepared columns; one of which the source has no value is left out, not empty."""
    optional_names = [column.name for column in (*SCHEDULE_COLUMNS, *settings.profile.stats)]
    absent_names = {name for name in (*optional_names, "opponent_points", "production_hash") if rows[name].isna().all()}
    if "minutes" not in raw["games"]:  # every game counts as 1
        absent_names |= {"minutes_surplus", "role"}
    if not len(raw.get("production", ())):
        absent_names |= {column.name for column in LOGGED_COLUMNS}
    declared = [*declare_columns(settings.profile), *list_own_columns(settings)]
    return [column for column in declared if column.name not in absent_names]


def _add_line_type(rows: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Add which kind of line can grade each row; estimate a missing estimated line if the settings ask for it."""
    if settings.estimate:
        doubled_means = np.round(
            2 * past.mean("target", ("entity", "season"), last=5), 9
        )  # rounded, so that exact ties stay ties
        rows["estimated_line"] = rows["estimated_line"].fillna(pd.Series(np.round(doubled_means) / 2, index=rows.index))
    line_flags = [rows["line"].notna(), rows["estimated_line"].notna()]
    rows["line_type"] = np.select(line_flags, ["actual", "estimated"], "none")
    return rows.assign(soft_label=rows["line"], line_surplus=rows["target"] - rows["line"])
