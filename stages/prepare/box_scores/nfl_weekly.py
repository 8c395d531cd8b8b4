"""nfl_weekly: weekly player statistics of American football as the common open data set gives them."""

import pandas as pd

from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.date_parsing import read_times
from trueline.core.tables.source_settings import SourceSettings

TABLE = "games"
COLUMNS = ("player_id", "recent_team", "opponent_team", "season", "week", "receptions", "receiving_yards")
GAME_ID = r"^\d{4}_\d{1,2}_(?P<away>\w+?)_(?P<home>\w+)$"
TUESDAY, SUNDAY = 1, 6


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns that only this source has; newer files say team for recent_team."""
    names = {normalize_name(str(name)) for name in table.columns}
    return {"opponentteam", "season", "week", "receptions"} <= names and bool({"recentteam", "team"} & names)


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the table with day, game id and home, where it lacks them.

    A week is one day, its Sunday: nothing else is known of the day, and games of one day know nothing of each other.
    The game is the season, the week and both teams. Home is read from a game id such as 2022_01_BUF_LA, else it is 0.
    Players have their full names, as books write them.
    """
    names = {normalize_name(str(name)): str(name) for name in table.columns}
    season = pd.to_numeric(table[names["season"]], errors="coerce")
    week = pd.to_numeric(table[names["week"]], errors="coerce")
    team_name = "recentteam" if "recentteam" in names else "team"
    teams = [table[names[name]].astype("string").fillna("") for name in (team_name, "opponentteam")]
    pairs = [" ".join(sorted(pair)) for pair in zip(*teams, strict=True)]
    derived: dict[str, pd.Series] = {}
    if not {"date", "gameday", "gamedate"} & {*names}:
        derived["date"] = _find_first_sunday(season) + pd.to_timedelta(7 * (week - 1), unit="D")
    if "gameid" not in names:
        derived["game_id"] = season.astype("string") + " " + week.astype("string") + " " + pd.Series(pairs, table.index)
    if "home" not in names:
        ids = table[names["gameid"]].astype("string") if "gameid" in names else pd.Series("", table.index)
        derived["home"] = (ids.str.extract(GAME_ID)["home"] == teams[0]).fillna(False).astype(int)
    if "playerdisplayname" in names:
        derived["player"] = table[names["playerdisplayname"]]
        table = table.drop(columns=[names[name] for name in ("playername", "playerdisplayname") if name in names])
    return table.assign(**derived)


def move_to_weeks(lines: pd.DataFrame, games: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return lines with their days moved to the Sunday of the week, Tuesday to Monday, if the games have weeks only."""
    if "date" not in games or not recognize(games) or "date" not in lines:
        return lines
    if not (pd.to_datetime(games["date"], errors="coerce").dt.day_of_week == SUNDAY).all():
        return lines
    days = read_times(lines["date"], "lines: date", settings.date_format, settings.find_timezone("date"), as_day=True)
    days = pd.to_datetime(days, errors="coerce").dt.normalize()
    tuesdays = days - pd.to_timedelta((days.dt.day_of_week - TUESDAY) % 7, unit="D")
    return lines.assign(date=tuesdays + pd.Timedelta(days=SUNDAY - TUESDAY))


def _find_first_sunday(season: pd.Series) -> pd.Series:
    """Return the Sunday of the first week: after Labor Day, which is the first Monday of September."""
    september = pd.to_datetime(season.astype("Int64").astype("string") + "-09-01", errors="coerce")
    return september + pd.to_timedelta((7 - september.dt.day_of_week) % 7 + SUNDAY, unit="D")
