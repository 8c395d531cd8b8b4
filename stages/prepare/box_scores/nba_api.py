"""nba_api: box scores as the common client of the NBA's statistics service gives them, one row per player and game."""

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.source_settings import SourceSettings

TABLE = "games"
COLUMNS = ("PLAYER_ID", "GAME_ID", "GAME_DATE", "MATCHUP", "MIN", "PTS")  # besides what the endpoint gives
MATCHUP = r"^\s*(?P<team>\w+)\s+(?P<place>vs\.?|@)\s+(?P<opponent>\w+)\s*$"
SEASON_ID = r"^(?P<part>[1-5])(?P<year>\d{4})$"
SEASON_PARTS = {"1": "Pre Season", "2": "Regular Season", "3": "All Star", "4": "Playoffs", "5": "PlayIn"}


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns that only this source has."""
    return {"playerid", "matchup"} <= {normalize_name(str(name)) for name in table.columns}


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the table with team, opponent and home from MATCHUP ("BOS @ NYK") and the season from SEASON_ID.

    Columns that the table has already are left as they are. Raises UserError for a match-up in another form.
    """
    names = {normalize_name(str(name)): str(name) for name in table.columns}
    matchup = table[names["matchup"]].astype("string")
    teams = matchup.str.extract(MATCHUP)
    unreadable = matchup[teams["opponent"].isna() & matchup.notna()]
    if len(unreadable):
        raise UserError(
            f"games: MATCHUP is {unreadable.iloc[0]!r} in row {unreadable.index[0] + 1}; it should read like "
            "'BOS @ NYK' or 'BOS vs. NYK'."
        )
    home = teams["place"].str.startswith("vs").astype("Float64").astype(float)
    derived = {"team": teams["team"], "opponent": teams["opponent"], "home": home}
    if "teamabbreviation" in names:
        del derived["team"]
    if "seasonid" in names and "seasonyear" not in names:
        season = table[names["seasonid"]].astype("string").str.extract(SEASON_ID)
        derived |= {"season": season["year"], "season_type": season["part"].map(SEASON_PARTS)}
    # the match-up names teams by their abbreviations
    table = table.drop(columns=[names[name] for name in ("teamname", "teamid") if name in names])
    return table.assign(**{name: values for name, values in derived.items() if name not in names})
