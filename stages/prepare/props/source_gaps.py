"""Source gaps: parts of a game, game ids and days of props that a source says in other columns than ours."""

from collections.abc import Mapping

import pandas as pd

from stages.prepare.props.props_columns import LINE_COLUMNS, declare_game_columns
from stages.prepare.props.props_settings import Settings
from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import Synonyms, find_source_names, normalize_name

# by normal form: columns of the part of the game that a line is about
PERIOD_NAMES = {"period", "gameperiod", "segment", "gamesegment", "marketperiod", "half", "quarter", "scope"}
WHOLE_GAME = {"", "0", "fg", "ft", "full", "fullgame", "fulltime", "game", "match", "wholegame", "regulation", "all"}
UTC_TIME = r"T?\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?\s*(?:[zZ]|UTC|GMT|\+00:?00)$"
NIGHT_ENDS = 8  # o'clock UTC: games that start before are evening games of the Americas
LEAST_NIGHT_SHARE = 0.1


def add_periods(lines: pd.DataFrame, settings: Settings, synonyms: Synonyms) -> pd.DataFrame:
    """Return raw lines whose quantity also names the part of the game, if it is not the whole: it is another one."""
    names = find_source_names(lines, LINE_COLUMNS, settings.columns, synonyms)
    free_names = [name for name in map(str, lines.columns) if name not in names.values()]
    period_name = next((name for name in free_names if normalize_name(name) in PERIOD_NAMES), None)
    if period_name is None:
        return lines
    periods = lines[period_name].astype("string").fillna("").str.strip()
    is_part = ~periods.map(normalize_name).isin(WHOLE_GAME)
    stat_name = names.get("stat", "stat")
    stats = lines[stat_name].astype("string") if stat_name in lines else pd.Series(settings.quantity, lines.index)
    return lines.assign(**{stat_name: stats.mask(is_part, stats + " in " + periods).astype(object)})


def add_game_ids(games: pd.DataFrame, settings: Settings, synonyms: Synonyms) -> tuple[pd.DataFrame, list[str]]:
    """Return raw games with ids of day and both teams, if they have none; and a sentence about it."""
    names = find_source_names(games, declare_game_columns(settings.profile), settings.columns, synonyms)
    if "game_id" in names or not {"date", "team", "opponent"} <= set(names):
        return games, []
    day, team, opponent = (games[names[name]].astype(str).str.strip() for name in ("date", "team", "opponent"))
    pairs = [" ".join(sorted(pair)) for pair in zip(team, opponent, strict=True)]
    ids = pd.Series(pairs, games.index).radd(day + " ").where(games[names["opponent"]].notna())
    return games.assign(game_id=ids), ["games: a game is its day and both teams, because none has an id"]


def reject_utc_days(raw: Mapping[str, pd.DataFrame], settings: Settings, synonyms: Mapping[str, Synonyms]) -> None:
    """Raise UserError if days are times in UTC of which many are at night: the local day of such a game is another."""
    if settings.find_timezone("date") is not None:
        return
    columns = {"games": declare_game_columns(settings.profile), "lines": LINE_COLUMNS}
    for table_name in columns.keys() & raw.keys():
        table = raw[table_name]
        names = find_source_names(table, columns[table_name], settings.columns, synonyms[table_name])
        name = names.get("date")
        if name is None or not pd.api.types.is_string_dtype(table[name]):
            continue
        clock = table[name].astype("string").str.extract(UTC_TIME).dropna().astype(int)
        is_at_night = (clock["hour"] < NIGHT_ENDS) & (clock["hour"] + clock["minute"] > 0)
        if is_at_night.sum() > LEAST_NIGHT_SHARE * len(table):
            example = table.loc[is_at_night.index[is_at_night][0], name]
            raise UserError(
                f"{table_name}: {name} is a time in UTC, in {is_at_night.mean():.0%} of the rows at night (for example "
                f"{example!r}), when the local day of the game is another; set prepare.props.timezone: {{date: "
                "America/New_York}, with the league's zone, or {date: UTC} if these are the days."
            )
