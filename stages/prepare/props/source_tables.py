"""Raw tables of props under our names, whatever the sources call their columns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from stages.prepare.props.own_tables import (
    KEY_COLUMNS,
    assign_own_columns,
    find_table_key,
    list_own_game_columns,
)
from stages.prepare.props.props_columns import GAME_KEY, LINE_COLUMNS, PRODUCTION_COLUMNS, declare_game_columns
from stages.prepare.props.props_settings import Settings
from stages.prepare.props.quantity_words import WORD_OF, normalize_quantity
from stages.prepare.props.source_gaps import add_game_ids, add_periods
from stages.prepare.props.sports import Sport
from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import Synonyms, normalize_name, reject_unknown_targets
from trueline.core.tables.intake_report import make_example
from trueline.core.tables.number_parsing import LEAST_AMERICAN_ODDS
from trueline.core.tables.raw_tables import RawTable, read_raw_table
from trueline.core.tables.table_schema import coerce_types, flag_unparseable

MOST_QUANTITIES = 200  # different values of a column that are looked at
PLAYER_NAMES = ("player_name", "player_display_name", "player", "athlete", "participant")
DAY_NAMES = ("game_date", "gameday", "game_day", "event_date", "match_date", "day")
START_NAMES = ("commence_time", "tipoff", "tip_off", "game_time", "game_datetime", "start", "kickoff", "first_pitch")
GAME_SYNONYMS = {
    "player_id": ("athlete_id", "person_id", "playerid", "id_player"),
    "player": tuple(name for name in PLAYER_NAMES if name != "player"),
    "date": DAY_NAMES,
    "start_time": START_NAMES,
    "lineups_at": ("lineup_time", "lineups_announced_at"),
    "game_id": ("gameid", "match_id", "event_id", "id_game"),
    "season": ("season_year", "season_id", "year"),
    "season_type": ("game_type", "seasontype"),
    "team": ("team_abbreviation", "recent_team", "team_name", "team_abbr", "tm", "team_short_display_name"),
    "opponent": ("opponent_team", "opp", "opponent_abbreviation", "opponent_team_abbreviation", "opponent_name"),
    "home": ("is_home", "home_game"),
    "minutes": ("min", "mins", "mp", "minutes_played", "time_played"),
    "points": ("pts",),
    "rebounds": ("reb", "trb", "total_rebounds", "rebounds_total", "treb"),
    "assists": ("ast",),
    "steals": ("stl",),
    "blocks": ("blk",),
    "turnovers": ("tov", "turnover"),
    "fgm": ("fg", "field_goals_made", "field_goals"),
    "fga": ("field_goals_attempted",),
    "fg3m": ("3pm", "3p", "three_point_field_goals_made", "three_pointers_made"),
    "fg3a": ("3pa", "three_point_field_goals_attempted", "three_pointers_attempted"),
    "ftm": ("ft", "free_throws_made"),
    "fta": ("free_throws_attempted",),
    "plus_minus": ("plusminus", "+/-"),
    "team_points": ("team_score", "team_pts"),
    "updated_at": ("last_updated", "modified_at", "corrected_at"),
}
LINE_SYNONYMS = {
    "player_id": PLAYER_NAMES,
    "date": DAY_NAMES,
    "start_time": START_NAMES,
    "stat": (
        "market",
        "stat_type",
        "prop_type",
        "prop",
        "market_key",
        "market_type",
        "bet_type",
        "category",
        "quantity",
        "market_name",
        "prop_category",
        "prop_name",
        "stat_name",
        "stat_category",
        "bet_name",
        "statistic",
        "metric",
    ),
    "line": ("point", "line_score", "prop_line", "total", "handicap", "line_value"),
    "open_line": ("opening_line", "open"),
    "over_price": ("over_odds", "odds_over", "price_over", "over_american", "over"),
    "under_price": ("under_odds", "odds_under", "price_under", "under_american", "under"),
    "side": ("over_under", "ou", "selection", "outcome", "outcome_name", "bet_side", "direction"),
    "price": ("odds", "american_odds", "odds_american", "outcome_price"),
    "book": ("bookmaker", "sportsbook", "bookmaker_key", "bookmaker_title", "sports_book", "operator", "site"),
    "quoted_at": ("last_update", "snapshot_time", "timestamp", "bookmaker_last_update", "captured_at", "updated_at"),
    "quoted_until": ("valid_until", "stood_until"),
    "n_books": ("books", "num_books"),
    "live": ("is_live", "in_play", "is_in_play", "is_inplay", "live_bet", "in_running"),
}
PRODUCTION_SYNONYMS = {
    "player_id": PLAYER_NAMES,
    "date": DAY_NAMES,
    "predicted": ("prediction", "forecast", "projection"),
    "created_at": ("predicted_at", "timestamp"),
}
PRICE_COLUMNS = {column.name: column for column in LINE_COLUMNS if column.unit == "American odds"}
SYNONYMS = {"games": GAME_SYNONYMS, "lines": LINE_SYNONYMS, "production": PRODUCTION_SYNONYMS}


def read_raw_tables(raw: dict[str, pd.DataFrame], settings: Settings, is_to_come: bool = False) -> dict[str, RawTable]:
    """Return the tables that have columns, under our names, with their numbers and times read.

    A table without a day but with start times takes the day from these. Raises UserError for a missing column, the
    predicted quantity among them, and as `read_raw_table` does. Of games that are to come (`is_to_come`) what is not
    known before may be missing.
    """
    game_columns = [
        replace(column, required=column.required or column.name in settings.parts)
        for column in declare_game_columns(settings.profile)
    ]
    assigned = assign_own_columns(raw, settings)
    declared = {"games": game_columns, "lines": LINE_COLUMNS, "production": PRODUCTION_COLUMNS}
    further_names = [name for name in assigned if name not in declared]
    declared |= dict.fromkeys(further_names, KEY_COLUMNS)
    declared = {name: [*columns, *assigned.get(name, ())] for name, columns in declared.items()}
    if is_to_come:
        declared["games"] = [
            replace(column, required=column.required and column.known == "before") for column in declared["games"]
        ]
    all_columns = [*(column for columns in declared.values() for column in columns), *list_own_game_columns(settings)]
    reject_unknown_targets(settings, all_columns, "props")
    game_synonyms = list_game_synonyms(settings.profile)
    synonyms = SYNONYMS | dict.fromkeys(("games", *further_names), game_synonyms)
    keys = {"games": GAME_KEY}
    for name in further_names:
        keys[name] = find_table_key(list(map(str, raw[name].columns)), settings, game_synonyms)
        if not keys[name]:
            raise UserError(
                f"{name} has {assigned[name][0].name}, but no column that tells what it is about: player_id, player, "
                "team, game_id, date or season; add one, or name it in prepare.props.columns."
            )
    raw, gap_notes = _fill_gaps(raw, synonyms, settings)
    tables = {
        name: read_raw_table(
            raw[name] if name in further_names else _add_missing_days(raw[name], synonyms[name], settings),
            columns,
            settings,
            name,
            synonyms[name],
            day_columns=("date",),
            key=keys.get(name, ()),
        )
        for name, columns in declared.items()
        if name in raw and len(raw[name].columns)
    }
    tables["games"].notes.extend(gap_notes)
    if "lines" in tables and "stat" not in tables["lines"].rows:
        _reject_unnamed_quantities(raw["lines"], tables["lines"].ignored)
    return tables


def _fill_gaps(
    raw: dict[str, pd.DataFrame], synonyms: Mapping[str, Synonyms], settings: Settings
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the raw tables with what they say in other columns than ours, and a sentence about it."""
    games, notes = add_game_ids(raw["games"], settings, synonyms["games"])
    lines = {"lines": add_periods(raw["lines"], settings, synonyms["lines"])} if "lines" in raw else {}
    return raw | {"games": games} | lines, notes


def list_game_synonyms(profile: Sport) -> dict[str, tuple[str, ...]]:
    """Return what sources call the columns of games, with the words of the sport."""
    minutes = (*profile.playing_time, *GAME_SYNONYMS["minutes"])
    return {**profile.words, **GAME_SYNONYMS, "minutes": minutes}


def count_odd_prices(raw: pd.DataFrame | None, read: pd.DataFrame | None) -> dict[str, Any]:
    """Return how many prices of the lines are 0, which some feeds write where there is none, or could not be read."""
    zero_count = unreadable_count = 0
    examples = []
    if raw is None or read is None or read.empty:
        return {"zero_prices": 0, "unreadable_prices": 0}
    for name in PRICE_COLUMNS:
        spellings = {normalize_name(spelling) for spelling in (name, *LINE_SYNONYMS[name])}
        source_columns = [raw[column] for column in raw if normalize_name(str(column)) in spellings]
        zero_count += sum(int((pd.to_numeric(values, errors="coerce") == 0).sum()) for values in source_columns)
        if name in read:
            typed = coerce_types(read, [PRICE_COLUMNS[name]], "lines")
            is_unreadable = flag_unparseable(read, typed, name) | (typed[name].abs() < LEAST_AMERICAN_ODDS)
            unreadable_count += int(is_unreadable.sum())
            examples += [make_example(read, int(row), name) for row in is_unreadable.index[is_unreadable][:1]]
    counts = {"zero_prices": zero_count, "unreadable_prices": unreadable_count}
    return counts | ({"unreadable_price_example": examples[0]} if examples else {})


def _reject_unnamed_quantities(lines: pd.DataFrame, ignored_columns: list[str]) -> None:
    """Raise UserError if a column that is ignored names several quantities: lines of all would count as one."""
    for name in ignored_columns:
        cells = lines[name].dropna() if name in lines else pd.Series(dtype=object)
        cell_texts = {str(cell) for cell in cells.unique()[:MOST_QUANTITIES]}
        known_texts = [text for text in cell_texts if set(normalize_quantity(text).split("+")) <= set(WORD_OF.values())]
        if len({normalize_quantity(text) for text in known_texts}) > 1 and 2 * len(known_texts) > len(cell_texts):
            raise UserError(
                f"lines: {name} names several quantities ({', '.join(sorted(known_texts)[:3])}), and is no column of "
                f"ours; if the lines are of these, set prepare.props.columns: {{{name}: stat}}, else leave it out."
            )


def _add_missing_days(raw: pd.DataFrame, synonyms: dict[str, tuple[str, ...]], settings: Settings) -> pd.DataFrame:
    names = {normalize_name(name): name for name in raw.columns}
    configured = {target: name for name, target in settings.columns.items() if name in raw.columns}
    if "date" in configured or any(normalize_name(spelling) in names for spelling in ("date", *synonyms["date"])):
        return raw
    starts = [configured.get("start_time", "start_time"), *synonyms.get("start_time", ())]
    start_names = [names[normalize_name(spelling)] for spelling in starts if normalize_name(spelling) in names]
    return raw.assign(date=raw[start_names[0]]) if start_names else raw
