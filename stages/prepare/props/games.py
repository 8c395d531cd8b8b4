"""Game rows of props: typed, judged by rules, and in the final order of the task."""

from datetime import date

import numpy as np
import pandas as pd

from stages.prepare.props.duplicate_players import flag_duplicate_players
from stages.prepare.props.props_columns import GAME_KEY, PLAYER_DAY_COLUMNS, REQUIRED_GAME_COLUMNS, declare_game_columns
from stages.prepare.props.props_settings import RowRules, Settings
from trueline.core.errors import UserError
from trueline.core.tables.coercion import coerce_table
from trueline.core.tables.copied_groups import flag_copied_groups
from trueline.core.tables.duplicate_rows import flag_contradictory_rows, flag_older_versions, flag_superseded_rows
from trueline.core.tables.row_filters import Flags

HOME_WORDS = {"home": "1", "h": "1", "vs": "1", "vs.": "1", "away": "0", "a": "0", "@": "0", "at": "0"}
DID_NOT_PLAY = "did not play"
OLDER_VERSION, DUPLICATE, DUPLICATE_PLAYER = REPEATED_ROWS = (
    "older version of the row",
    "duplicate player and day",
    "the same player under another id",
)
# what sources write in place of minutes: did not play or dress, not with the team, a coach's decision
ABSENCE_PATTERN = r"(?i)\s*(?:dnp|dnd|nwt|dns|did not|not with|inactive|coach|inj\b|injur).*"


def mask_absences(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the raw games with the cell_texts for "did not play" made missing in the box score."""
    blanked = {}
    for name in ("minutes", *settings.profile.count_names):
        if name in raw and not pd.api.types.is_numeric_dtype(raw[name]):
            cell_texts = raw[name].astype("string")
            is_absence = cell_texts.str.fullmatch(ABSENCE_PATTERN, na=False)
            if is_absence.any():
                blanked[name] = raw[name].mask(is_absence)
    return raw.assign(**blanked) if blanked else raw


def coerce_games(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the games, typed, with their day; `unreadable` marks rows with a needed value that could not be read.

    Raises UserError if results are dated in the future and `until` is not set.
    """
    if "home" in raw and not pd.api.types.is_numeric_dtype(raw["home"]):
        words = raw["home"].astype("string").str.strip().str.lower()
        if set(words.dropna().unique()) <= {"@", ""}:  # a mark for away games alone
            words = words.fillna("").replace("", "home")
        home = words.map(HOME_WORDS)
        raw = raw.assign(home=raw["home"].where(home.isna(), home))
    if "minutes" not in raw:
        raw = raw.assign(minutes=1.0)  # every game counts alike
    rows = coerce_table(raw, declare_game_columns(settings.profile), "games", settings.parts)
    if settings.profile.in_innings:
        rows["minutes"] = _read_innings(rows["minutes"])
    if len(settings.parts) > 1:
        rows[settings.quantity] = rows[settings.parts].sum(axis=1, skipna=False)
    rows["date"] = rows["date"].dt.normalize()
    # the latest date on Earth is that of UTC+14: no game that was played can have a later one
    today = (pd.Timestamp.now("UTC").tz_localize(None) + pd.Timedelta(hours=14)).normalize()
    future_dates = rows["date"][(rows["date"] > today) & rows[settings.quantity].notna()]
    if settings.until is None and len(future_dates):
        raise UserError(
            f"games: {len(future_dates)} results are dated after today ({today:%Y-%m-%d}), the last "
            f"{future_dates.max():%Y-%m-%d}; fix the dates, or set prepare.props.until to the last day to keep."
        )
    return rows.assign(absent=_flag_absent_players(rows, settings))


def add_keys(games: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the games in their final order, with the key columns of every task.

    A row id is the player and the day, and on a day of two games also the game.
    """
    games = games.sort_values(["date", "game_id", "team", "player_id"], ignore_index=True)
    day, target = games["date"].dt.strftime("%Y-%m-%d"), games[settings.quantity]
    row_ids = games["player_id"] + ":" + day
    is_repeated = row_ids.duplicated(keep=False)
    row_ids = row_ids.mask(is_repeated, row_ids + ":" + games["game_id"])
    return games.assign(row_id=row_ids, entity=games["player_id"], group=day, time=games["date"], target=target)


def _read_innings(innings: pd.Series) -> pd.Series:
    """Return innings as numbers: 5.1 and 5.2 mean one and two thirds of the sixth."""
    whole_innings = np.floor(innings)
    thirds = ((innings - whole_innings) * 10).round(6)
    return innings.where(~thirds.isin([1.0, 2.0]), whole_innings + thirds / 3)


def _flag_absent_players(rows: pd.DataFrame, settings: Settings) -> Flags:
    """Flag players listed without any statistic, at 0 minutes or none; a plus_minus means some seconds on the court.

    Without minutes somebody else must have played, or else the game is still to come.
    """
    statistics = rows[settings.profile.count_names].fillna(0).to_numpy() != 0
    is_blank = pd.Series(~statistics.any(axis=1), index=rows.index)
    if "plus_minus" in rows:
        is_blank &= rows["plus_minus"].isna()
    has_no_minutes = rows["minutes"].isna() & is_blank
    if has_no_minutes.any():
        was_played = rows["minutes"].gt(0).groupby(rows["game_id"]).transform("any")
        has_no_minutes &= was_played.eq(True)
    is_absent: Flags = (is_blank & (rows["minutes"] == 0)) | has_no_minutes
    return is_absent


def _flag_impossible_minutes(rows: pd.DataFrame, settings: Settings) -> Flags:
    scored = [name for name in {"points", *settings.parts} if name in rows]
    scored_without_playing = (rows["minutes"] == 0) & (rows[scored].max(axis=1) > 0)
    return scored_without_playing | ~rows["minutes"].between(0, settings.profile.longest_game)


def _flag_points_unlike_shots(rows: pd.DataFrame, settings: Settings) -> Flags:
    if settings.sport != "basketball":
        return pd.Series(False, index=rows.index)
    shot_points = 2 * rows["fgm"] + rows["fg3m"] + rows["ftm"]  # a three-pointer is a field goal worth one more
    return shot_points.notna() & rows["points"].notna() & (shot_points != rows["points"])


def _flag_contradictions(rows: pd.DataFrame, settings: Settings) -> Flags:
    """Flag rows of one game that differ, and one box score under several game ids; two box scores are two games."""
    is_repeated = rows.duplicated(PLAYER_DAY_COLUMNS, keep=False)
    repeated = rows[is_repeated]
    needed_columns = [*REQUIRED_GAME_COLUMNS, settings.quantity]
    box_score = [*PLAYER_DAY_COLUMNS, "minutes", *dict.fromkeys([settings.quantity, *settings.profile.count_names])]
    is_contradictory = flag_contradictory_rows(repeated, GAME_KEY, needed_columns)
    is_contradictory |= flag_contradictory_rows(repeated, box_score, ["game_id"])
    return is_contradictory.reindex(rows.index, fill_value=False)


def _flag_sparser_duplicates(rows: pd.DataFrame, settings: Settings) -> Flags:
    return flag_superseded_rows(rows.assign(value_count=rows.notna().sum(axis=1)), GAME_KEY, "value_count")


def _flag_duplicate_players(rows: pd.DataFrame, settings: Settings) -> Flags:
    counts = [name for name in settings.profile.count_names if name in rows and rows[name].notna().any()]
    return flag_duplicate_players(rows, ["minutes", *counts])


def _flag_copied_games(rows: pd.DataFrame, settings: Settings) -> Flags:
    """Flag games that repeat another under another id, on any day and by whatever names: their box scores agree.

    The minutes count once with and once without, because sources round them differently.
    """
    counts = [name for name in settings.profile.count_names if name in rows and rows[name].notna().any()]
    return flag_copied_groups([rows[counts], rows[["minutes", *counts]]], rows["game_id"], rows["date"])


# In the order in which they run; each sees only the rows that the ones above let pass.
RULES: RowRules = {
    "unreadable value": lambda rows, settings: rows["unreadable"],
    DID_NOT_PLAY: lambda rows, settings: rows["absent"],
    "missing value": lambda rows, settings: rows[[*REQUIRED_GAME_COLUMNS, settings.quantity]].isna().any(axis=1),
    "future": lambda rows, settings: rows["date"] > pd.Timestamp(settings.until or date.max),
    "a team against itself": lambda rows, settings: rows["team"] == rows["opponent"],
    "impossible minutes": _flag_impossible_minutes,
    "impossible count": lambda rows, settings: (
        ~rows[settings.quantity].between(*settings.profile.find_limits(settings.quantity))
    ),
    "points that are not the sum of the shots": _flag_points_unlike_shots,
    OLDER_VERSION: lambda rows, settings: flag_older_versions(rows, GAME_KEY, "updated_at"),
    "contradictory rows of a player and day": _flag_contradictions,
    DUPLICATE: _flag_sparser_duplicates,
    DUPLICATE_PLAYER: _flag_duplicate_players,
    "the same game under another id": _flag_copied_games,
}
