"""Cleaner of props: one row per player and game, with the line of the books, or an estimated line, marked as such."""

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from trueline.core.betting.consensus_line import compute_consensus_line
from trueline.core.errors import UserError, did_you_mean
from trueline.core.history.past import Past
from trueline.core.runtime.params import Date
from trueline.core.stats.group_ops import sum_by_group
from trueline.core.tables.coercion import blank_out_of_range, coerce_optional_table, coerce_table
from trueline.core.tables.duplicate_rows import flag_contradictory_rows, flag_superseded_rows
from trueline.core.tables.row_filters import Counts, Flags, filter_rows, require_rows
from trueline.core.tables.source_settings import SourceSettings
from trueline.core.tables.table_schema import Column, coerce_types, validate_table

RawTables = dict[str, pd.DataFrame]

MAX_GAME_COUNT = 150.0  # maximum of any count in one game; the record is 100 points, in 1962
MAX_TEAM_POINTS = 400.0  # points in one game; the record is 186, in 1983
DAY_END_OFFSET = pd.Timedelta(hours=29)  # from UTC midnight to the end of the day in New York, whose dates are used
MIN_ROTATION_MINUTES = 15.0  # usual minutes of the rotation; below, not playing is the coach's choice
DEFAULT_LINE_STAT = "points"  # the quantity of a line that does not name one
ROLE_MIN_MINUTES = {
    "bench": 0.0,
    "rotation": 14.0,
    "starter": 24.0,
    "star": 32.0,
}  # usual minutes at which a role begins

STAT_COLUMNS = [
    Column("minutes", "number", "after", "minutes played", "minutes", required=True, nullable=False),
    Column("points", "whole", "after", "points scored", "points", low=0, high=MAX_GAME_COUNT),
    Column("rebounds", "whole", "after", "rebounds", low=0, high=MAX_GAME_COUNT),
    Column("assists", "whole", "after", "assists", low=0, high=MAX_GAME_COUNT),
    Column("steals", "whole", "after", "steals", low=0, high=MAX_GAME_COUNT),
    Column("blocks", "whole", "after", "blocked shots", low=0, high=MAX_GAME_COUNT),
    Column("turnovers", "whole", "after", "balls lost", low=0, high=MAX_GAME_COUNT),
    Column("fgm", "whole", "after", "field goals made", low=0, high=MAX_GAME_COUNT),
    Column("fga", "whole", "after", "field goals tried", low=0, high=MAX_GAME_COUNT),
    Column("fg3m", "whole", "after", "three-pointers made", low=0, high=MAX_GAME_COUNT),
    Column("fg3a", "whole", "after", "three-pointers tried", low=0, high=MAX_GAME_COUNT),
    Column("ftm", "whole", "after", "free throws made", low=0, high=MAX_GAME_COUNT),
    Column("fta", "whole", "after", "free throws tried", low=0, high=MAX_GAME_COUNT),
    Column("fg_pct", "number", "after", "share of field goals made", low=0, high=1),
    Column("fg3_pct", "number", "after", "share of three-pointers made", low=0, high=1),
    Column("ft_pct", "number", "after", "share of free throws made", low=0, high=1),
    Column("plus_minus", "number", "after", "lead won while on the court", "points"),
    Column("team_points", "whole", "after", "points of the player's team", "points", low=0, high=MAX_TEAM_POINTS),
]
SCHEDULE_COLUMNS = [
    Column("player", "text", "before", "the player's name"),
    Column("game_id", "text", "before", "the game", required=True, nullable=False),
    Column("season", "text", "before", "the season", required=True, nullable=False),
    Column("season_type", "text", "before", "regular season, playoffs or another part of it"),
    Column("team", "text", "before", "the player's team", required=True, nullable=False),
    Column("opponent", "text", "before", "the other team", required=True, nullable=False),
    Column("home", "whole", "before", "1 at home, 0 away", required=True, nullable=False, low=0, high=1),
]
GAME_COLUMNS = [
    Column("player_id", "text", "before", "the player", required=True),
    Column("date", "time", "before", "day of the game", required=True),
    Column("start_time", "time", "before", "tip-off, UTC: later quotes are set aside"),
    *SCHEDULE_COLUMNS,
    *STAT_COLUMNS,
]
LINE_COLUMNS = [
    Column("player_id", "text", "before", "the player", required=True),
    Column("date", "time", "before", "day of the game", required=True),
    Column("stat", "text", "before", "quantity that the line is about; points if there is no such column"),
    Column("line", "number", "at_off", "the line", required=True),
    Column(
        "line_type",
        "text",
        "at_off",
        "actual: a quote; estimated: made by somebody, no market's",
        required=True,
        allowed=("actual", "estimated"),
    ),
    Column("open_line", "number", "before", "the first line that the book offered"),
    Column("over_price", "number", "at_off", "price of more than the line", "American odds"),
    Column("under_price", "number", "at_off", "price of less", "American odds"),
    Column("n_books", "whole", "at_off", "books that the quote stands for", low=1),
    Column("book", "text", "at_off", "who quotes; all quotes are one book's if there is no such column"),
    Column("quoted_at", "time", "at_off", "when, UTC"),
]
PRODUCTION_COLUMNS = [
    Column("player_id", "text", "before", "the player", required=True),
    Column("date", "time", "before", "day of the game", required=True),
    Column("model", "text", "after", "the model that predicted"),
    Column("predicted", "number", "after", "what it predicted", required=True),
    Column("line", "number", "after", "the line it was graded by"),
    Column("line_type", "text", "after", "actual or estimated"),
    Column("created_at", "time", "after", "when it predicted, UTC"),
]
LOGGED_COLUMNS = [
    Column("production", "number", "after", "what another model predicted in production", yardstick=True),
    Column("production_model", "text", "after", "that model", yardstick=True),
    Column("production_line", "number", "after", "the line it was graded by", yardstick=True),
    Column("production_line_type", "text", "after", "actual or estimated", yardstick=True),
    Column("production_at", "time", "after", "when it predicted, UTC", yardstick=True),
]
COLUMNS = [
    Column("row_id", "text", "before", "player and day", nullable=False),
    Column("entity", "text", "before", "the player", nullable=False),
    Column("group", "text", "before", "the day: its games are simultaneous", nullable=False),
    Column("time", "time", "before", "the day", nullable=False),
    Column("target", "number", "after", "the quantity that is predicted", nullable=False),
    Column("teacher", "number", "at_off", "the actual line"),
    *SCHEDULE_COLUMNS,
    *STAT_COLUMNS,
    Column("opponent_points", "number", "after", "points of the other team", "points"),
    Column("share_of_team", "number", "after", "one part of the team's rows: they sum to 1 a game", low=0, high=1),
    Column("last_5", "number", "before", "mean of the player's last five games"),
    Column("last_10", "number", "before", "mean of the last ten"),
    Column("season_mean", "number", "before", "mean of the season so far"),
    Column("usual", "number", "before", "mean of the last twenty"),
    Column("usual_minutes", "number", "before", "mean minutes of the last ten", "minutes"),
    Column("role", "text", "before", "by usual minutes; missing in a first game", allowed=tuple(ROLE_MIN_MINUTES)),
    Column("surplus", "number", "after", "target − usual"),
    Column("minutes_surplus", "number", "after", "minutes − usual minutes", "minutes"),
    Column("side_usual", "number", "at_off", "sum of the usual of those of 15 usual minutes who play; else missing"),
    Column("side_minutes", "number", "at_off", "and of their usual minutes", "minutes"),
    Column("open_line", "number", "before", "consensus of the books' first lines"),
    Column(
        "line", "number", "at_off", "consensus of the books' last lines before the game: the quote nearest the median"
    ),
    Column("over_price", "number", "at_off", "mean price of more than the line", "American odds"),
    Column("under_price", "number", "at_off", "mean price of less", "American odds"),
    Column("n_books", "number", "at_off", "books behind the line", low=1),
    Column("line_type", "text", "at_off", "what can grade the row", allowed=("actual", "estimated", "none")),
    Column("estimated_line", "number", "before", "mean of the last five games to the nearest half: no market's number"),
    Column("line_surplus", "number", "after", "target − line"),
    *LOGGED_COLUMNS,
]
PLAYER_DAY_COLUMNS = ["player_id", "date"]
KEY_COLUMNS = ["entity", "time"]
PLAYER_DAY_TO_KEY = dict(zip(PLAYER_DAY_COLUMNS, KEY_COLUMNS, strict=True))
REQUIRED_GAME_COLUMNS = [column.name for column in GAME_COLUMNS if column.required]
COUNT_STATS = [column.name for column in STAT_COLUMNS if column.high == MAX_GAME_COUNT]


class Settings(SourceSettings):
    """The predicted quantity, the last day to keep, the limits of minutes and lines, and whether to estimate lines."""

    quantity: Literal["points", "rebounds", "assists", "steals", "blocks", "turnovers", "fg3m"]
    until: Date | None
    longest_game: float = Field(gt=0)
    line_high: float = Field(gt=0)
    estimate: bool


def prepare(raw: RawTables, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a row for every sound player and game, sorted by day, game, team and player, and the quality report.

    `raw` holds the table `games` and perhaps `lines` and `production`. A game row that breaks a rule of RULES is set
    aside and counted under the first such rule; so is a line by LINE_RULES and a prediction by LOG_RULES. A line whose
    player has no row that day is void. Other statistics beyond their limits become missing and are counted. What a
    player usually does is measured on strictly earlier days. Without a tip-off time, quotes count until the end of the
    day in New York. Raises UserError if results are dated in the future (unless `until` is set), no game is sound, or
    the lines or predictions share no player with the games.
    """
    raw = {name: table.reset_index(drop=True) for name, table in raw.items()}
    coerced = _coerce_games(raw["games"], settings)
    sound, set_aside = filter_rows(coerced, RULES, settings)
    require_rows(coerced, sound, set_aside, "games")
    games, made_missing = blank_out_of_range(raw["games"], sound, STAT_COLUMNS)
    game_facts = _index_games(coerced, sound)
    lines, lines_aside = _prepare_lines(raw.get("lines"), game_facts, settings)
    predictions, predictions_aside = _prepare_predictions(raw.get("production"), game_facts, settings)
    keyed_games = _add_keys(games, settings)
    rows = _add_recent_form(keyed_games, Past(keyed_games))
    for table in (lines, predictions):
        rows = rows.merge(table, on=KEY_COLUMNS, how="left", validate="one_to_one")
    columns = _select_columns(raw)
    prepared = _add_line_type(rows, Past(rows), settings)[[column.name for column in columns]]
    validate_table(prepared, columns, "props")
    set_aside_counts = {"games": set_aside, "lines": lines_aside, "production": predictions_aside}
    return prepared, {"set_aside": set_aside_counts, "made_missing": made_missing} | _summarise_quality(raw, prepared)


def prepare_upcoming_games(
    raw: pd.DataFrame, past_of: Callable[[pd.DataFrame], Past], settings: Settings
) -> pd.DataFrame:
    """Return games of one day that are still to be played as `prepare` would, with their outcomes missing.

    `raw` has one row per player, with columns of GAME_COLUMNS and LINE_COLUMNS; those that a schedule does not give may
    be absent. `past_of` returns the past of such rows. The players in `raw` are taken to be those who play. Raises
    UserError if a player occurs twice or a team plays against itself.
    """
    delivered_columns = {column.name: column for column in (*LINE_COLUMNS, *GAME_COLUMNS) if column.name in raw}
    column_names = dict.fromkeys([*(column.name for column in (*GAME_COLUMNS, *LINE_COLUMNS)), settings.quantity])
    rows = _add_keys(
        coerce_types(raw, list(delivered_columns.values()), "games").reindex(columns=list(column_names)), settings
    )
    faults = {"a player twice": rows.duplicated(KEY_COLUMNS), "a team against itself": rows["team"] == rows["opponent"]}
    for reason, fault in faults.items():
        if fault.any():
            raise UserError(f"{rows.loc[fault, 'row_id'].iloc[0]}: {reason}; fix the row.")
    player_past = past_of(rows)
    rows = _add_recent_form(rows, player_past).assign(estimated_line=np.nan)
    return _add_line_type(rows, player_past, settings).reindex(columns=[column.name for column in COLUMNS])


def _select_columns(raw: RawTables) -> list[Column]:
    """Return the declarations of the prepared columns; a column that the source lacks is left out, not left empty."""
    absent_names = {column.name for column in (*SCHEDULE_COLUMNS, *STAT_COLUMNS)} - set(map(str, raw["games"].columns))
    if "team_points" in absent_names:
        absent_names.add("opponent_points")
    if not len(raw.get("production", ())):
        absent_names |= {column.name for column in LOGGED_COLUMNS}
    return [column for column in COLUMNS if column.name not in absent_names]


def _summarise_quality(raw: RawTables, prepared: pd.DataFrame) -> dict[str, Any]:
    declared = {"games": GAME_COLUMNS, "lines": LINE_COLUMNS, "production": PRODUCTION_COLUMNS}
    ignored = {name: set(map(str, table.columns)) - {c.name for c in declared[name]} for name, table in raw.items()}
    return {
        "ignored_columns": {name: sorted(columns) for name, columns in ignored.items()},
        "rows_in": {name: len(table) for name, table in raw.items()},
        "rows_out": len(prepared),
        "games_out": int(prepared["game_id"].nunique()),
        "line_types": prepared["line_type"].value_counts().sort_index().to_dict(),
        "teams_whose_points_are_not_their_players_sum": _count_mismatched_teams(prepared),
        "missing_share": {
            column.name: float(prepared[column.name].isna().mean())
            for column in COLUMNS
            if column.nullable and column.name in prepared
        },
        "days": int(prepared["time"].nunique()),
        "first_day": f"{prepared['time'].min():%Y-%m-%d}",
        "last_day": f"{prepared['time'].max():%Y-%m-%d}",
    }


def _count_mismatched_teams(prepared: pd.DataFrame) -> int | None:
    """Return for how many teams the players' points do not add up; None if the source lacks points of either kind."""
    if not {"points", "team_points"} <= set(prepared):
        return None
    team_games = prepared.groupby(["game_id", "team"])
    team_points = team_games["team_points"].first().dropna()
    return int((team_games["points"].sum()[team_points.index] != team_points).sum())


def _coerce_games(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    if settings.quantity not in raw:
        raise UserError(
            f"games has no column {settings.quantity!r}; {did_you_mean(settings.quantity, map(str, raw.columns))}"
        )
    rows = coerce_table(raw, GAME_COLUMNS, "games", [settings.quantity])
    rows["date"] = rows["date"].dt.normalize()
    # the latest date on Earth is that of UTC+14: no game that was played can have a later one
    today = (pd.Timestamp.now("UTC").tz_localize(None) + pd.Timedelta(hours=14)).normalize()
    future_dates = rows["date"][(rows["date"] > today) & rows[settings.quantity].notna()]
    if settings.until is None and len(future_dates):
        raise UserError(
            f"games: {len(future_dates)} results are dated after today ({today:%Y-%m-%d}), the last "
            f"{future_dates.max():%Y-%m-%d}; fix the dates, or set prepare.props.until to the last day to keep."
        )
    return rows


def _index_games(games: pd.DataFrame, sound: pd.DataFrame) -> pd.DataFrame:
    """Return every player and day of the source once, with the tip-off time and whether one of its rows is sound."""
    player_days = (
        games[[*PLAYER_DAY_COLUMNS, "start_time"]]
        .assign(sound=games.index.isin(sound.index))
        .dropna(subset=PLAYER_DAY_COLUMNS)
    )
    unique_player_days = player_days.sort_values("sound", kind="stable").drop_duplicates(
        PLAYER_DAY_COLUMNS, keep="last"
    )
    return unique_player_days.rename(columns=PLAYER_DAY_TO_KEY)


def _join_game_facts(rows: pd.DataFrame, game_facts: pd.DataFrame, table_name: str) -> pd.DataFrame:
    """Return rows about players and days, joined with the facts of the game on that day.

    Raises UserError if no player of the rows has a game.
    """
    rows = rows.assign(date=rows["date"].dt.normalize()).rename(columns=PLAYER_DAY_TO_KEY)
    known_player = rows["entity"].isin(game_facts["entity"])
    if len(rows) and not known_player.any():
        row_player, game_player = rows["entity"].fillna("").max(), game_facts["entity"].max()
        raise UserError(
            f"{table_name} and games share no player_id ({row_player!r} in {table_name}, {game_player!r} in games); "
            "use the same ids in both."
        )
    return rows.merge(game_facts, on=KEY_COLUMNS, how="left").assign(known_player=known_player)


def _prepare_lines(
    raw: pd.DataFrame | None, game_facts: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, Counts]:
    """Return one row of lines per player and day with a game, and how many quotes were set aside for which reason."""
    quotes = _join_game_facts(coerce_optional_table(raw, LINE_COLUMNS, "lines"), game_facts, "lines")
    validate_table(quotes, [column for column in LINE_COLUMNS if column.allowed], "lines")
    quotes, counts = filter_rows(quotes, LINE_RULES, settings)
    # every quote of a book but its newest counts as older, also the first, which gives the opening line
    if older_quotes := int(quotes.duplicated([*KEY_COLUMNS, "line_type", "book"]).sum()):
        counts["older quote of the same book"] = older_quotes
    quotes["open_line"] = quotes["open_line"].where(quotes["open_line"].between(0, settings.line_high, "right"))
    actual, estimated = (
        compute_consensus_line(quotes[quotes["line_type"] == kind], KEY_COLUMNS) for kind in ("actual", "estimated")
    )
    estimated = estimated[[*KEY_COLUMNS, "line"]].rename(columns={"line": "estimated_line"})
    return actual.merge(estimated, on=KEY_COLUMNS, how="outer"), counts


def _prepare_predictions(
    raw: pd.DataFrame | None, game_facts: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, Counts]:
    """Return the newest prediction per player and day with a game, and how many were set aside for which reason."""
    new_names = {"predicted": "production", "created_at": "production_at"}
    new_names |= {name: f"production_{name}" for name in ("model", "line", "line_type")}
    predictions = _join_game_facts(
        coerce_optional_table(raw, PRODUCTION_COLUMNS, "production"), game_facts, "production"
    )
    predictions, counts = filter_rows(predictions.rename(columns=new_names), LOG_RULES, settings)
    return predictions[[*KEY_COLUMNS, *new_names.values()]], counts


def _add_keys(games: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the games in their final order, with the key columns of every task."""
    games = games.sort_values(["date", "game_id", "team", "player_id"], ignore_index=True)
    day, target = games["date"].dt.strftime("%Y-%m-%d"), games[settings.quantity]
    keys = {"row_id": games["player_id"] + ":" + day, "entity": games["player_id"], "group": day, "time": games["date"]}
    return games.assign(**keys, target=target)


def _add_recent_form(rows: pd.DataFrame, past: Past) -> pd.DataFrame:
    """Add what each player usually does, his surplus over it, and the sums over his team and the opponent's points."""
    team_keys = [rows["game_id"], rows["team"]]
    form_columns = {
        "last_5": past.mean("target", "entity", last=5),
        "last_10": past.mean("target", "entity", last=10),
        "season_mean": past.mean("target", ("entity", "season")),
        "usual": past.mean("target", "entity", last=20),
        "usual_minutes": past.mean("minutes", "entity", last=10),
    }
    rows = rows.assign(**form_columns, share_of_team=1 / rows.groupby(team_keys)["entity"].transform("size"))
    rows["role"] = _assign_roles(rows["usual_minutes"])
    rows["surplus"] = rows["target"] - rows["usual"]
    rows["minutes_surplus"] = rows["minutes"] - rows["usual_minutes"]
    in_rotation = (rows["usual_minutes"] >= MIN_ROTATION_MINUTES).to_numpy()
    team_codes = np.asarray(rows.groupby(team_keys).ngroup(), np.int64)
    no_rotation = sum_by_group(in_rotation.astype(float), team_codes) == 0
    for name, usual_column in (("side_usual", "usual"), ("side_minutes", "usual_minutes")):
        rows[name] = np.where(
            no_rotation, np.nan, sum_by_group(np.where(in_rotation, rows[usual_column], 0.0), team_codes)
        )
    team_points = rows.groupby(["game_id", "team"])["team_points"].first()
    opponent_keys = pd.MultiIndex.from_frame(rows[["game_id", "opponent"]])
    return rows.assign(opponent_points=team_points.reindex(opponent_keys).to_numpy())


def _assign_roles(minutes: pd.Series) -> pd.Series:
    bounds = [*ROLE_MIN_MINUTES.values(), np.inf]
    return pd.cut(minutes, bounds, right=False, labels=list(ROLE_MIN_MINUTES)).astype(object)


def _add_line_type(rows: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Add which kind of line can grade each row; estimate a missing estimated line if the settings ask for it."""
    if settings.estimate:
        doubled_means = np.round(
            2 * past.mean("target", ("entity", "season"), last=5), 9
        )  # rounded, so that exact ties stay ties
        rows["estimated_line"] = rows["estimated_line"].fillna(pd.Series(np.round(doubled_means) / 2, index=rows.index))
    line_flags = [rows["line"].notna(), rows["estimated_line"].notna()]
    rows["line_type"] = np.select(line_flags, ["actual", "estimated"], "none")
    return rows.assign(teacher=rows["line"], line_surplus=rows["target"] - rows["line"])


def _flag_missing_values(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows[[*REQUIRED_GAME_COLUMNS, settings.quantity]].isna().any(axis=1)


def _flag_players_without_minutes(rows: pd.DataFrame, settings: Settings) -> Flags:
    """Flag players listed at 0 minutes without any statistic; a plus_minus means that he played for some seconds."""
    largest_stat = rows[[*COUNT_STATS, "plus_minus"]].max(axis=1)
    return (rows["minutes"] == 0) & rows["plus_minus"].isna() & (largest_stat.fillna(0) == 0)


def _flag_points_unlike_shots(rows: pd.DataFrame, settings: Settings) -> Flags:
    shot_points = 2 * rows["fgm"] + rows["fg3m"] + rows["ftm"]  # a three-pointer is a field goal worth one more
    return shot_points.notna() & rows["points"].notna() & (shot_points != rows["points"])


def _flag_sparser_duplicates(rows: pd.DataFrame, settings: Settings) -> Flags:
    return flag_superseded_rows(rows.assign(value_count=rows.notna().sum(axis=1)), PLAYER_DAY_COLUMNS, "value_count")


def _flag_impossible_lines(rows: pd.DataFrame, settings: Settings) -> Flags:
    zero_quotes = (rows["line_type"] == "actual") & (rows["line"] == 0)
    return zero_quotes | ~rows["line"].between(0, settings.line_high)


def _flag_incomplete_quotes(rows: pd.DataFrame, settings: Settings) -> Flags:
    stat_missing = rows["stat"].isna() & bool(
        rows["stat"].notna().any()
    )  # unknown quantity, if other quotes name theirs
    return rows["unreadable"] | stat_missing | rows[[*KEY_COLUMNS, "line", "line_type"]].isna().any(axis=1)


# In the order in which they run; each sees only the rows that the ones above let pass.
RowRules = dict[str, Callable[[pd.DataFrame, Settings], Flags]]
RULES: RowRules = {
    "unreadable value": lambda rows, settings: rows["unreadable"],
    "missing value": _flag_missing_values,
    "future": lambda rows, settings: rows["date"] > pd.Timestamp(settings.until or date.max),
    "a team against itself": lambda rows, settings: rows["team"] == rows["opponent"],
    "impossible minutes": lambda rows, settings: ~rows["minutes"].between(0, settings.longest_game),
    "impossible count": lambda rows, settings: ~rows[settings.quantity].between(0, MAX_GAME_COUNT),
    "points that are not the sum of the shots": _flag_points_unlike_shots,
    "did not play": _flag_players_without_minutes,
    "contradictory rows of a player and day": lambda rows, settings: flag_contradictory_rows(
        rows, PLAYER_DAY_COLUMNS, [*REQUIRED_GAME_COLUMNS, settings.quantity]
    ),
    "duplicate player and day": _flag_sparser_duplicates,
}
GAME_RULES: RowRules = {
    "unknown player": lambda rows, settings: ~rows["known_player"],
    "void: no game was played": lambda rows, settings: rows["sound"].isna(),
    "its game was set aside": lambda rows, settings: rows["sound"].eq(False),
}
LINE_RULES: RowRules = {
    "unreadable or missing value": _flag_incomplete_quotes,
    "another quantity": lambda rows, settings: rows["stat"].fillna(DEFAULT_LINE_STAT) != settings.quantity,
    **GAME_RULES,
    "impossible line": _flag_impossible_lines,
    "quoted after the start": lambda rows, settings: (
        rows["quoted_at"] > rows["start_time"].fillna(rows["time"] + DAY_END_OFFSET)
    ),
}
LOG_RULES: RowRules = {
    "unreadable or missing value": lambda rows, settings: (
        rows["unreadable"] | rows[[*KEY_COLUMNS, "production"]].isna().any(axis=1)
    ),
    **GAME_RULES,
    "older prediction": lambda rows, settings: flag_superseded_rows(rows, KEY_COLUMNS, "production_at"),
}
