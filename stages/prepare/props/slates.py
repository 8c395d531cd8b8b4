"""Slates: players whose games are still to come, with the quotes that stand on them, alternate lines included."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.prepare.props.game_matching import index_games
from stages.prepare.props.own_tables import LINES, PRODUCTION, OwnColumns, assign_own_columns, read_own_values
from stages.prepare.props.player_matching import match_players
from stages.prepare.props.props_columns import GAME_KEY, LINE_COLUMNS, declare_game_columns
from stages.prepare.props.props_settings import Settings
from stages.prepare.props.quotes import ALTERNATE, LINE_RULES, GameLines, prepare_lines
from stages.prepare.props.source_tables import LINE_SYNONYMS, read_raw_tables
from trueline.core.errors import UserError
from trueline.core.tables.coercion import coerce_table
from trueline.core.tables.column_mapping import find_targets
from trueline.core.tables.intake_report import describe_example, make_example
from trueline.core.tables.raw_tables import RawTable
from trueline.core.tables.row_filters import count_reasons
from trueline.core.tables.table_schema import OWN_PREFIX, coerce_types, flag_unparseable

QUOTE_COLUMNS = ["game_row", "line", "over_price", "under_price", "book", "quoted_at"]
LINE_NUMBERS = ["line", "open_line", "over_price", "under_price", "n_books"]
QUOTED_AT = next(column for column in LINE_COLUMNS if column.name == "quoted_at")
RawTables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Slate:
    """The players of a slate as `prepare_upcoming_games` takes them, and the quotes that stand on them.

    `rows` are labelled by their position in the table `games`. `quotes` has QUOTE_COLUMNS: the newest quotes of every
    book, of its main line and of alternates, with the book as it is spelt. `as_given` is the table `games` under our
    names, its ids and names as they came.
    """

    rows: pd.DataFrame
    quotes: pd.DataFrame
    as_given: pd.DataFrame
    notes: list[str]


def read_slate(
    raw: RawTables, players: pd.DataFrame, settings: Settings, moment: pd.Timestamp, is_source: bool = False
) -> Slate:
    """Return the games to come of the tables `games` and, if there is one, `lines`, without quotes after `moment`.

    A slate may also be one table of both, with a row for each quote. `players` has the columns `player_id` and `player`
    of those who are known, by which ids and names of the slate are found. Of a source (`is_source`) the games without a
    result are taken. Raises UserError where reading does, and for a row that lacks what is needed.
    """
    if "lines" not in raw and _has_lines(raw["games"], settings):
        raw = raw | {"lines": raw["games"]}
    raw = {name: table for name, table in raw.items() if name != PRODUCTION}
    tables = read_raw_tables(raw, settings, is_to_come=True)
    games = tables["games"]
    rows = _coerce_games(games, settings, is_source)
    rows = rows[~rows.duplicated(GAME_KEY)].assign(player_id=match_players(rows["player_id"], players), absent=False)
    if rows.empty:
        raise UserError("games: none is still to come; name a card with the games to predict.")
    notes = [note for table in tables.values() for note in table.notes]
    assigned = assign_own_columns(raw, settings)
    if "lines" not in tables:
        rows = rows.join(_read_own_values(tables, assigned, rows, {}, settings))
        no_lines = rows.assign(**dict.fromkeys(LINE_NUMBERS, np.nan))
        return Slate(no_lines, pd.DataFrame(columns=QUOTE_COLUMNS), games.rows, notes)
    lines = tables["lines"].rows
    if is_source:
        lines = lines[lines["date"].isin(games.rows.loc[rows.index, "date"])]
    if "quoted_at" in lines and len(lines):
        is_later = coerce_types(lines, [QUOTED_AT], "lines")["quoted_at"] > moment
        if is_later.any():
            notes.append(f"lines: {int(is_later.sum()):,} quotes are later than {moment} and are not used")
        lines = lines[~is_later]
    judged = prepare_lines(lines, index_games(rows, rows), settings)
    rows = rows.join(_read_own_values(tables, assigned, rows, {LINES: judged.list_sound_quotes()}, settings))
    consensus = judged.lines.reindex(rows.index).reindex(columns=LINE_NUMBERS)
    opened = consensus["open_line"].fillna(consensus["line"])  # a line that has not moved is its own opening line
    return Slate(
        rows.join(consensus.assign(open_line=opened)),
        _collect_quotes(judged, tables["lines"].rows),
        games.rows,
        [*notes, *_describe_fates(judged)],
    )


def _has_lines(games: pd.DataFrame, settings: Settings) -> bool:
    targets = find_targets(list(map(str, games.columns)), LINE_COLUMNS, settings.columns, LINE_SYNONYMS)
    return "line" in targets.values()


def _coerce_games(games: RawTable, settings: Settings, is_source: bool) -> pd.DataFrame:
    """Return the games, typed, without what is known only afterwards; of a source, those without a result."""
    columns = [column for column in declare_game_columns(settings.profile) if column.known == "before"]
    raw = games.rows
    if is_source:
        results = ["minutes", *settings.profile.count_names]
        raw = raw[raw.reindex(columns=results).isna().all(axis=1)]
        if raw.empty:
            return coerce_table(games.rows, columns, "games").iloc[:0]
    rows = coerce_table(raw, columns, "games")
    needed = [column.name for column in columns if column.required]
    is_faulty = rows["unreadable"] | rows[needed].isna().any(axis=1)
    if is_faulty.any():
        first_row = rows.index[is_faulty][0]
        cells = rows.loc[[first_row]]
        names = [name for name in needed if cells[name].isna().any()]
        names += [str(name) for name in rows if flag_unparseable(raw, cells, str(name)).any()]
        example = describe_example(make_example(raw, int(first_row), names[0]))
        raise UserError(f"games: {int(is_faulty.sum())} rows lack {names[0]}{example}; complete the card.")
    return rows.assign(date=rows["date"].dt.normalize())


def _read_own_values(
    tables: dict[str, RawTable],
    assigned: OwnColumns,
    games: pd.DataFrame,
    quotes: dict[str, pd.DataFrame],
    settings: Settings,
) -> pd.DataFrame:
    """Return the own values of the games to come under their names in the source; missing where the slate has none."""
    tables_with_quotes = {name: columns for name, columns in assigned.items() if name != LINES or name in quotes}
    values = read_own_values(tables, tables_with_quotes, games, quotes, settings, is_to_come=True)
    return values.rows.rename(columns=lambda name: name.removeprefix(OWN_PREFIX))


def _collect_quotes(judged: GameLines, raw_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the newest quotes of every book on a game, of main and alternate lines."""
    is_sound = ~judged.quotes.index.isin(judged.reasons.index[judged.reasons != ALTERNATE])
    quotes = judged.quotes[is_sound & (judged.quotes["line_type"] == "actual")]
    book_key = [quotes["game_row"], quotes["book"].fillna("")]
    newest_time = quotes["quoted_at"].groupby(book_key).transform("max")
    quotes = quotes[newest_time.isna() | (quotes["quoted_at"] == newest_time)]
    names = raw_lines["book"] if "book" in raw_lines else pd.Series(None, raw_lines.index, dtype=object)
    return quotes.assign(book=names.reindex(quotes.index))[QUOTE_COLUMNS].reset_index(drop=True)


def _describe_fates(judged: GameLines) -> list[str]:
    """Return a sentence for each reason for which quotes are not used."""
    counts = count_reasons(judged.reasons[judged.reasons != ALTERNATE], LINE_RULES)
    return [f"lines: {count:,} rows are not used: {reason}" for reason, count in counts.items()]
