"""Own tables: which table of a source has each own column, and its value for every game."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from stages.prepare.props.player_matching import match_players
from stages.prepare.props.props_columns import LINE_COLUMNS, PRODUCTION_COLUMNS, declare_game_columns
from stages.prepare.props.props_settings import Settings
from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import Synonyms, find_targets, normalize_name
from trueline.core.tables.duplicate_rows import flag_older_versions
from trueline.core.tables.own_columns import (
    OwnValues,
    convert_own_columns,
    list_own_columns,
    list_source_columns,
    read_own_columns,
)
from trueline.core.tables.raw_tables import RawTable
from trueline.core.tables.table_schema import OWN_PREFIX, Column, coerce_types

LINES, PRODUCTION = "lines", "production"
OUR_COLUMNS: dict[str, Sequence[Column]] = {"games": (), LINES: LINE_COLUMNS, PRODUCTION: PRODUCTION_COLUMNS}
# A further table is about players, else teams, else neither; and about a game, else a day, else a season, else always.
ENTITY_KEYS, TIME_KEYS = ("player_id", "team"), ("game_id", "date", "season")
KEY_COLUMNS = [
    Column("player_id", "text", "before", "the player"),
    Column("player", "text", "before", "the player's name"),
    Column("team", "text", "before", "the player's team"),
    Column("game_id", "text", "before", "the game"),
    Column("date", "time", "before", "day of the game"),
    Column("season", "text", "before", "the season"),
    Column("updated_at", "time", "after", "when the row was written: of several of a key the newest counts"),
]
QUOTE_COLUMNS = ["game_row", "made_at", "book"]
ReadValues = Callable[[pd.DataFrame, pd.DataFrame, Sequence[Column], str], OwnValues]
OwnColumns = dict[str, list[Column]]  # by the table that has them


def list_own_game_columns(settings: Settings) -> list[Column]:
    """Return the declarations of the own columns under their names in the source."""
    return list_source_columns(settings, declare_game_columns(settings.profile), "props")


def assign_own_columns(raw: Mapping[str, pd.DataFrame], settings: Settings) -> OwnColumns:
    """Return the own columns by the first table that has them: games, lines, production, then by name.

    Those that none has are the games', where they will be missed.
    """
    own_columns = list_own_game_columns(settings)
    names_by_table = {
        table_name: _find_own_names(raw[table_name], own_columns, settings, OUR_COLUMNS.get(table_name, ()))
        for table_name in (*OUR_COLUMNS, *sorted(set(raw) - {*OUR_COLUMNS}))
        if table_name in raw
    }
    assigned: OwnColumns = {}
    for column in own_columns:
        table_name = next((table for table, names in names_by_table.items() if column.name in names), "games")
        assigned.setdefault(table_name, []).append(column)
    return assigned


def find_table_key(names: Sequence[str], settings: Settings, synonyms: Synonyms) -> list[str]:
    """Return the columns by which a further table is joined to the games; none if it has none of them."""
    targets = {*find_targets(names, KEY_COLUMNS, settings.columns, synonyms).values()}
    if "player" in targets:
        targets.add("player_id")
    keys = [next((name for name in choices if name in targets), "") for choices in (ENTITY_KEYS, TIME_KEYS)]
    return [name for name in keys if name]


def read_own_values(
    tables: Mapping[str, RawTable],
    assigned: OwnColumns,
    games: pd.DataFrame,
    quotes: Mapping[str, pd.DataFrame],
    settings: Settings,
    is_to_come: bool = False,
) -> OwnValues:
    """Return the own values of every row of `games`, whatever table they are in.

    `quotes` holds, for lines and production, the rows that count, labelled as the table's, with QUOTE_COLUMNS. Raises
    UserError for an own column without any value, unless the games are to come (`is_to_come`).
    """
    read = _convert_own_columns if is_to_come else read_own_columns
    answers: list[OwnValues] = []
    for table_name, own_columns in assigned.items():
        table = tables[table_name]
        if table_name == "games":
            answers.append(read(table.rows, games, own_columns, table_name))
        elif table_name in quotes:
            judged = quotes[table_name]
            values = read(table.rows, judged, own_columns, table_name)
            answers.append(
                OwnValues(_choose_quoted_values(judged, values.rows, own_columns), values.lost, values.notes)
            )
        else:
            answers.append(_read_further_table(table, games, own_columns, table_name, read))
    names = [column.name for column in list_own_columns(settings)]
    rows = pd.concat(
        [
            pd.DataFrame(index=games.index),
            *(values.rows.reindex(games.index) for values in answers),
        ],
        axis=1,
    )
    lost = {name: count for values in answers for name, count in values.lost.items()}
    return OwnValues(rows.reindex(columns=names), lost, [note for values in answers for note in values.notes])


def _convert_own_columns(
    raw: pd.DataFrame, rows: pd.DataFrame, own_columns: Sequence[Column], table_label: str
) -> OwnValues:
    """Return the own columns of `rows` as `read_own_columns` does, where a column may lack any value."""
    return OwnValues(convert_own_columns(raw.loc[rows.index], own_columns), {}, [])


def _find_own_names(
    table: pd.DataFrame, own_columns: Sequence[Column], settings: Settings, our_columns: Sequence[Column]
) -> set[str]:
    our_names = {normalize_name(column.name) for column in our_columns}
    free_columns = [column for column in own_columns if normalize_name(column.name) not in our_names]
    return {*find_targets(list(map(str, table.columns)), free_columns, settings.columns, {}).values()}


def _choose_quoted_values(quotes: pd.DataFrame, values: pd.DataFrame, own_columns: Sequence[Column]) -> pd.DataFrame:
    """Return the own values of quotes, one row per game, labelled by `game_row`.

    Of every book the first quote counts for what is known before the decision, and the newest for the rest; quotes
    without a time are the oldest. Of several books' values the median counts, and of categories and flags the
    commonest, of equally common ones the smallest.
    """
    table = quotes[QUOTE_COLUMNS].assign(book=quotes["book"].fillna("")).join(values)
    names = [OWN_PREFIX + column.name for column in own_columns]
    table = table.reindex(columns=[*QUOTE_COLUMNS, *names])
    table = table.sort_values(["made_at", *names], na_position="first", kind="stable")
    chosen = {}
    for column in own_columns:
        name = OWN_PREFIX + column.name
        kept_quotes = table.drop_duplicates(["game_row", "book"], keep="first" if column.known == "before" else "last")
        by_game = kept_quotes.groupby("game_row")[name]
        chosen[name] = by_game.median() if column.kind == "number" else by_game.agg(_find_commonest)
    return pd.DataFrame(chosen)


def _find_commonest(values: pd.Series) -> Any:
    """Return the commonest value, of equally common ones the smallest; nothing if all are missing."""
    modes = values.mode()
    return modes.iloc[0] if len(modes) else None


def _read_further_table(
    table: RawTable, games: pd.DataFrame, own_columns: Sequence[Column], table_name: str, read: ReadValues
) -> OwnValues:
    """Return the own values that a table of players, teams, games or days has for the rows of `games`.

    Raises UserError if no game is in it, and if it has several values for one and no `updated_at` tells the newest.
    """
    rows = coerce_types(table.rows, KEY_COLUMNS, table_name)
    rows = rows.assign(date=rows["date"].dt.normalize(), player_id=rows["player_id"].fillna(rows["player"]))
    key = [name for name in _list_present(rows, (ENTITY_KEYS, TIME_KEYS)) if name]
    if "player_id" in key:
        rows["player_id"] = match_players(rows["player_id"], games[["player_id", "player"]])
    rows = rows.dropna(subset=key)
    rows = rows[~flag_older_versions(rows, key, "updated_at")]
    values = read(table.rows, rows, own_columns, table_name)
    keyed = rows[key].join(values.rows).drop_duplicates()
    _reject_several_values(keyed, key, table_name)
    is_found = pd.MultiIndex.from_frame(games[key]).isin(pd.MultiIndex.from_frame(keyed[key]))
    if not is_found.any():
        examples = ", ".join(f"{keyed[name].iloc[0]} there and {games[name].iloc[0]} in games" for name in key)
        raise UserError(
            f"{table_name} and games share no {' and '.join(key)} ({examples}), so {own_columns[0].name} cannot be "
            "joined; write both alike."
        )
    joined = games[key].merge(keyed, on=key, how="left").set_axis(games.index).drop(columns=key)
    names = ", ".join(column.name for column in own_columns)
    note = f"{table_name}: {names} found by {' and '.join(key)} for {int(is_found.sum()):,} of {len(games):,} rows"
    return replace(values, rows=joined, notes=[*values.notes, note])


def _list_present(rows: pd.DataFrame, choices: Sequence[Sequence[str]]) -> list[str]:
    """Return of each of several choices the first column that has a value; "" if none has."""
    return [next((name for name in names if rows[name].notna().any()), "") for names in choices]


def _reject_several_values(keyed: pd.DataFrame, key: list[str], table_name: str) -> None:
    is_repeated = keyed.duplicated(key, keep=False)
    if not is_repeated.any():
        return
    first_row = keyed[is_repeated].iloc[0]
    rivals = keyed[(keyed[key] == first_row[key]).all(axis=1)].drop(columns=key)
    name = next(str(column) for column in rivals if rivals[column].nunique(dropna=False) > 1)
    shown = " and ".join(repr(value) for value in rivals[name].astype(str).unique()[:2])
    raise UserError(
        f"{table_name} has several values of {name.removeprefix(OWN_PREFIX)} for one {' and '.join(key)}, for example "
        f"{shown} for {' and '.join(str(first_row[name]) for name in key)}; keep one, or add a column updated_at, of "
        "which the newest counts."
    )
