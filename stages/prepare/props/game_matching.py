"""Game matching: the game that each line or prediction is about, and the rules for those that have none."""

import pandas as pd

from stages.prepare.props.player_matching import match_players
from stages.prepare.props.props_columns import KEY_COLUMNS, PLAYER_DAY_COLUMNS, PLAYER_DAY_TO_KEY
from stages.prepare.props.props_settings import RowRules
from trueline.core.errors import UserError

DAY = pd.Timedelta(days=1)
LEAST_VOID_ROWS = 30  # days are compared only if at least so many rows have no game,
LEAST_VOID = 0.2  # and this share of all
MOST_MATCHED = 0.5  # and the day is wrong if at least this share of those would have one a day earlier or later

GAME_RULES: RowRules = {
    "unknown player": lambda rows, settings: ~rows["known_player"],
    "void: no game was played": lambda rows, settings: rows["sound"].isna(),
    "void: did not play": lambda rows, settings: rows["sound"].eq(False) & rows["absent"].eq(True),
    "its game was set aside": lambda rows, settings: rows["sound"].eq(False),
    "two games that day, and no start time that says which": lambda rows, settings: rows["ambiguous"],
}


def index_games(games: pd.DataFrame, sound: pd.DataFrame) -> pd.DataFrame:
    """Return every sound game of a player once, and every other player and day of the source once.

    The columns are those of KEY_COLUMNS, `game_row` (its label in the index of `games`), `game_start`, `player`,
    whether the row is `sound`, and whether the player was `absent`.
    """
    rows = games[[*PLAYER_DAY_COLUMNS, "player", "start_time", "absent"]].assign(
        sound=games.index.isin(sound.index), game_row=games.index
    )
    rows = rows.dropna(subset=PLAYER_DAY_COLUMNS).sort_values("sound", ascending=False, kind="stable")
    rows = rows[rows["sound"] | ~rows.duplicated(PLAYER_DAY_COLUMNS)]
    return rows.rename(columns=PLAYER_DAY_TO_KEY | {"start_time": "game_start"})


def join_games(rows: pd.DataFrame, game_index: pd.DataFrame, table_name: str) -> pd.DataFrame:
    """Return rows about players and days, joined with the game on that day, and whether the player is known.

    On a day of two games the one that starts nearest to the row's `start_time` counts; without one the row is
    `ambiguous`. Raises UserError if no player of the rows has a game, or if the rows' days are off by one.
    """
    rows = rows.assign(date=rows["date"].dt.normalize()).rename(columns=PLAYER_DAY_TO_KEY)
    players = game_index[["entity", "player"]].rename(columns={"entity": "player_id"})
    rows["entity"] = match_players(rows["entity"], players)
    known_player = rows["entity"].isin(game_index["entity"])
    if len(rows) and not known_player.any():
        row_player, game_player = rows["entity"].fillna("").max(), game_index["entity"].max()
        raise UserError(
            f"{table_name} and games share no player_id ({row_player!r} in {table_name}, {game_player!r} in games); "
            "use the same ids in both, or the names of the column player."
        )
    games = game_index.drop(columns="player")
    joined = rows.assign(known_player=known_player, position=range(len(rows))).merge(games, on=KEY_COLUMNS, how="left")
    joined = _choose_games(joined) if len(joined) > len(rows) else joined.assign(ambiguous=False)
    _reject_shifted_days(joined[joined["known_player"]], game_index, table_name)
    return joined.drop(columns="position").set_axis(rows.index)


def _choose_games(joined: pd.DataFrame) -> pd.DataFrame:
    """Return each row once, with the game that starts nearest to it."""
    row_starts = joined.get("start_time", pd.Series(pd.NaT, joined.index))
    distances = (row_starts - joined["game_start"]).abs()
    ranked = joined.assign(distance=distances).sort_values(["position", "distance", "game_row"])
    is_ambiguous = ranked.duplicated("position", keep=False) & ranked["distance"].isna()
    return ranked.assign(ambiguous=is_ambiguous).drop_duplicates("position").drop(columns="distance")


def _reject_shifted_days(rows: pd.DataFrame, game_index: pd.DataFrame, table_name: str) -> None:
    """Raise UserError if many rows have no game on their day and most of them would have one on the next day or last.

    A source that dates evening games in UTC, or in another zone than the box scores, gives that picture.
    """
    void_rows = rows.loc[rows["sound"].isna() & rows["time"].notna(), KEY_COLUMNS]
    void_share = len(void_rows) / max(len(rows), 1)
    if len(void_rows) < LEAST_VOID_ROWS or void_share < LEAST_VOID:
        return
    game_days = pd.MultiIndex.from_frame(game_index[KEY_COLUMNS])
    shifts = {-1: ("earlier", table_name), 1: ("later", "games")}
    shares = {
        days: pd.MultiIndex.from_frame(void_rows.assign(time=void_rows["time"] + days * DAY)).isin(game_days).mean()
        for days in shifts
    }
    best_shift = max(shares, key=lambda days: shares[days])
    if shares[best_shift] >= MOST_MATCHED:
        direction, late_table = shifts[best_shift]
        raise UserError(
            f"{table_name}: {void_share:.0%} of the rows have no game on their day, and {shares[best_shift]:.0%} of "
            f"those would have one a day {direction}: the days of {late_table} seem to be in another time zone; give "
            "date as the local day of the game, or, if it is a time, set prepare.props.timezone: {date: "
            "America/New_York}, with the league's zone."
        )
