"""Columns of props: what the raw tables may hold, and what prepare makes of them."""

from dataclasses import replace

from stages.prepare.props.sports import BASKETBALL, Sport
from trueline.core.tables.table_schema import Column

ROLE_MIN_MINUTES = {
    "bench": 0.0,
    "rotation": 14.0,
    "starter": 24.0,
    "star": 32.0,
}  # usual minutes at which a role begins

MINUTES = Column("minutes", "number", "after", "minutes played", "minutes", required=True, nullable=False)
SCHEDULE_COLUMNS = [
    Column("player", "text", "before", "the player's name"),
    Column("game_id", "text", "before", "the game", required=True, nullable=False),
    Column("season", "text", "before", "the season", required=True, nullable=False),
    Column("season_type", "text", "before", "regular season, playoffs or another part of it"),
    Column("team", "text", "before", "the player's team", required=True, nullable=False),
    Column("opponent", "text", "before", "the other team", required=True, nullable=False),
    Column("home", "whole", "before", "1 at home, 0 away", required=True, nullable=False, low=0, high=1),
]


def declare_game_columns(sport: Sport) -> list[Column]:
    """Return the columns that the raw games of a sport may have."""
    return [
        Column("player_id", "text", "before", "the player", required=True),
        Column("date", "time", "before", "day of the game", required=True),
        Column("start_time", "time", "before", "tip-off, UTC: later quotes are set aside"),
        Column("lineups_at", "time", "before", "when line-ups were announced, UTC; if not told, the start"),
        *SCHEDULE_COLUMNS,
        replace(MINUTES, required=sport.needs_playing_time),
        *sport.stats,
        Column("updated_at", "time", "after", "when the row was written: of several of a game the newest counts"),
    ]


LINE_COLUMNS = [
    Column("player_id", "text", "before", "the player", required=True),
    Column("date", "time", "before", "day of the game", required=True),
    Column("stat", "text", "before", "quantity that the line is about; points if there is no such column"),
    Column("line", "number", "at_start", "the line", required=True),
    Column(
        "line_type",
        "text",
        "at_start",
        "actual: a quote; estimated: made by somebody, no market's; actual if there is no such column",
        allowed=("actual", "estimated"),
    ),
    Column("open_line", "number", "before", "the first line that the book offered"),
    Column("over_price", "number", "at_start", "price of more than the line", "American odds"),
    Column("under_price", "number", "at_start", "price of less", "American odds"),
    Column("side", "text", "at_start", "over or under, where each side of a quote has a row of its own"),
    Column("price", "number", "at_start", "the price of that side", "American odds"),
    Column("n_books", "whole", "at_start", "books that the quote stands for", low=1),
    Column("book", "text", "at_start", "who quotes; all quotes are one book's if there is no such column"),
    Column("quoted_at", "time", "at_start", "when, UTC"),
    Column("quoted_until", "time", "at_start", "until when the quote stood, UTC, if the source knows"),
    Column("start_time", "time", "before", "start of the game, UTC, where the box scores do not say"),
    Column("live", "whole", "at_start", "1 for a quote from the running game, which is set aside", low=0, high=1),
]
PRODUCTION_COLUMNS = [
    Column("player_id", "text", "before", "the player", required=True),
    Column("date", "time", "before", "day of the game", required=True),
    Column("model", "text", "after", "the model that predicted"),
    Column("model_hash", "text", "after", "the hash of that model, if it is one of ours"),
    Column("predicted", "number", "after", "what it predicted", required=True),
    Column("line", "number", "after", "the line it was graded by"),
    Column("line_type", "text", "after", "actual or estimated"),
    Column("created_at", "time", "after", "when it predicted, UTC"),
]
LOGGED_COLUMNS = [
    Column("production", "number", "after", "what another model predicted in production", evaluation_only=True),
    Column("production_model", "text", "after", "that model", evaluation_only=True),
    Column("production_hash", "text", "after", "its hash", evaluation_only=True),
    Column("production_line", "number", "after", "the line it was graded by", evaluation_only=True),
    Column("production_line_type", "text", "after", "actual or estimated", evaluation_only=True),
    Column("production_at", "time", "after", "when it predicted, UTC", evaluation_only=True),
]
ROW_COLUMNS = [
    Column("row_id", "text", "before", "player and day", nullable=False),
    Column("entity", "text", "before", "the player", nullable=False),
    Column("group", "text", "before", "the day: its games are simultaneous", nullable=False),
    Column("time", "time", "before", "the day", nullable=False),
    Column("target", "number", "after", "the quantity that is predicted", nullable=False),
    Column("soft_label", "number", "at_start", "the actual line"),
]
CLOCK_COLUMNS = [
    Column("known_before", "time", "before", "when the inputs known before were, UTC", evaluation_only=True),
    Column("known_at_start", "time", "at_start", "when line-ups and closing facts were, UTC", evaluation_only=True),
    Column("open_from", "time", "at_start", "when the opening line was first quoted, UTC", evaluation_only=True),
    Column("open_until", "time", "at_start", "until when it stood, UTC", evaluation_only=True),
    Column("quoted_from", "time", "at_start", "when the line was first quoted, UTC", evaluation_only=True),
    Column("quoted_until", "time", "at_start", "until when it stood, UTC", evaluation_only=True),
]
DERIVED_COLUMNS = [
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
    Column("side_usual", "number", "at_start", "sum of the usual of those of 15 usual minutes who play; else missing"),
    Column("side_minutes", "number", "at_start", "and of their usual minutes", "minutes"),
    Column("open_line", "number", "before", "consensus of the books' first lines"),
    Column(
        "line",
        "number",
        "at_start",
        "consensus of the books' last lines before the game: the quote nearest the median",
    ),
    Column("over_price", "number", "at_start", "mean price of more than the line", "American odds"),
    Column("under_price", "number", "at_start", "mean price of less", "American odds"),
    Column("n_books", "number", "at_start", "books behind the line", low=1),
    Column("line_type", "text", "at_start", "what can grade the row", allowed=("actual", "estimated", "none")),
    Column("estimated_line", "number", "before", "mean of the last five games to the nearest half: no market's number"),
    Column("line_surplus", "number", "after", "target − line"),
    *CLOCK_COLUMNS,
    *LOGGED_COLUMNS,
]


def declare_columns(sport: Sport) -> list[Column]:
    """Return the columns of the prepared rows of a sport."""
    return [*ROW_COLUMNS, *SCHEDULE_COLUMNS, MINUTES, *sport.stats, *DERIVED_COLUMNS]


GAME_COLUMNS = declare_game_columns(BASKETBALL)
COLUMNS = declare_columns(BASKETBALL)
PLAYER_DAY_COLUMNS = ["player_id", "date"]
GAME_KEY = [*PLAYER_DAY_COLUMNS, "game_id"]
KEY_COLUMNS = ["entity", "time"]
PLAYER_DAY_TO_KEY = dict(zip(PLAYER_DAY_COLUMNS, KEY_COLUMNS, strict=True))
REQUIRED_GAME_COLUMNS = [column.name for column in GAME_COLUMNS if column.required]
