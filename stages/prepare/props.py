"""Props: one row per player and game, with the line that books asked, or one that somebody made, marked as such."""

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from core.delivered import blank, delivered, delivered_if_any
from core.duplicates import contradicting, surpassed
from core.params import Date, Knobs
from core.quotes import consensus
from core.races import total
from core.refusals import Refusal, suggest
from core.sifting import Counts, Flags, refuse_nothing, sift
from core.tables import Column, check, typed
from core.windows import Past

Tables = dict[str, pd.DataFrame]

MOST = 150.0  # of anything counted in one game; the most ever were 100 points, in 1962
MOST_OF_TEAM = 400.0  # points; the most ever were 186, in 1983
DAY_ENDS = pd.Timedelta(hours=29)  # UTC midnight to the end of the day in New York, where dates are told
ROTATION = 15.0  # usual minutes from which a player is missed: below it, not playing is the coach's choice
UNNAMED = "points"  # what lines are about where nobody says it
ROLES = {"bench": 0.0, "rotation": 14.0, "starter": 24.0, "star": 32.0}  # usual minutes from which a role begins

STATS = [
    Column("minutes", "number", "after", "minutes played", "minutes", required=True, nullable=False),
    Column("points", "whole", "after", "points scored", "points", low=0, high=MOST),
    Column("rebounds", "whole", "after", "rebounds", low=0, high=MOST),
    Column("assists", "whole", "after", "assists", low=0, high=MOST),
    Column("steals", "whole", "after", "steals", low=0, high=MOST),
    Column("blocks", "whole", "after", "blocked shots", low=0, high=MOST),
    Column("turnovers", "whole", "after", "balls lost", low=0, high=MOST),
    Column("fgm", "whole", "after", "field goals made", low=0, high=MOST),
    Column("fga", "whole", "after", "field goals tried", low=0, high=MOST),
    Column("fg3m", "whole", "after", "three-pointers made", low=0, high=MOST),
    Column("fg3a", "whole", "after", "three-pointers tried", low=0, high=MOST),
    Column("ftm", "whole", "after", "free throws made", low=0, high=MOST),
    Column("fta", "whole", "after", "free throws tried", low=0, high=MOST),
    Column("fg_pct", "number", "after", "share of field goals made", low=0, high=1),
    Column("fg3_pct", "number", "after", "share of three-pointers made", low=0, high=1),
    Column("ft_pct", "number", "after", "share of free throws made", low=0, high=1),
    Column("plus_minus", "number", "after", "lead won while on the court", "points"),
    Column("team_points", "whole", "after", "points of the player's team", "points", low=0, high=MOST_OF_TEAM),
]
CARD = [
    Column("player", "text", "before", "the player's name"),
    Column("game_id", "text", "before", "the game", required=True, nullable=False),
    Column("season", "text", "before", "the season", required=True, nullable=False),
    Column("season_type", "text", "before", "regular season, playoffs or another part of it"),
    Column("team", "text", "before", "the player's team", required=True, nullable=False),
    Column("opponent", "text", "before", "the other team", required=True, nullable=False),
    Column("home", "whole", "before", "1 at home, 0 away", required=True, nullable=False, low=0, high=1),
]
GAMES = [
    Column("player_id", "text", "before", "the player", required=True),
    Column("date", "time", "before", "day of the game", required=True),
    Column("start_time", "time", "before", "tip-off, UTC: later quotes are set aside"),
    *CARD,
    *STATS,
]
LINES = [
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
PRODUCTION = [
    Column("player_id", "text", "before", "the player", required=True),
    Column("date", "time", "before", "day of the game", required=True),
    Column("model", "text", "after", "the model that predicted"),
    Column("predicted", "number", "after", "what it predicted", required=True),
    Column("line", "number", "after", "the line it was graded by"),
    Column("line_type", "text", "after", "actual or estimated"),
    Column("created_at", "time", "after", "when it predicted, UTC"),
]
LOGGED = [
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
    *CARD,
    *STATS,
    Column("opponent_points", "number", "after", "points of the other team", "points"),
    Column("share_of_team", "number", "after", "one part of the team's rows: they sum to 1 a game", low=0, high=1),
    Column("last_5", "number", "before", "mean of the player's last five games"),
    Column("last_10", "number", "before", "mean of the last ten"),
    Column("season_mean", "number", "before", "mean of the season so far"),
    Column("usual", "number", "before", "mean of the last twenty"),
    Column("usual_minutes", "number", "before", "mean minutes of the last ten", "minutes"),
    Column("role", "text", "before", "by usual minutes; missing in a first game", allowed=tuple(ROLES)),
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
    *LOGGED,
]
PLAYER_DAY = ["player_id", "date"]
KEY = ["entity", "time"]
AS_KEY = dict(zip(PLAYER_DAY, KEY, strict=True))
NEEDED = [column.name for column in GAMES if column.required]
COUNTED = [column.name for column in STATS if column.high == MOST]


class Settings(Knobs):
    """The quantity that is predicted, the last day that is kept, and what a game may look like."""

    quantity: Literal["points", "rebounds", "assists", "steals", "blocks", "turnovers", "fg3m"]
    until: Date | None
    longest_game: float = Field(gt=0)
    line_high: float = Field(gt=0)
    estimate: bool


def prepare(raw: Tables, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a row for every sound player and game, sorted by day, game, team and player, and the quality report.

    A game row that a rule of RULES finds fault with is set aside and counted under the first such rule; so is a line by
    LINE_RULES and a prediction by LOG_RULES. A line whose player has no row that day is void, which is no loss. Other
    statistics beyond their limits become missing and are counted. What a player usually does is measured on strictly
    earlier days. Without a tip-off, quotes count to the end of the day in New York. Refuses results of the future, a
    table of which no game survives, and one of lines or predictions that shares no player with the games.
    """
    raw = {name: table.reset_index(drop=True) for name, table in raw.items()}
    told = _told(raw["games"], settings)
    sound, set_aside = sift(told, RULES, settings)
    refuse_nothing(told, sound, set_aside, "games")
    games, made_missing = blank(raw["games"], sound, STATS)
    known = _known(told, sound)
    lines, lines_aside = _lines(raw.get("lines"), known, settings)
    log, log_aside = _log(raw.get("production"), known, settings)
    keyed = _keyed(games, settings)
    rows = _usual(keyed, Past(keyed))
    for table in (lines, log):
        rows = rows.merge(table, on=KEY, how="left", validate="one_to_one")
    columns = _columns(raw)
    prepared = _graded(rows, Past(rows), settings)[[column.name for column in columns]]
    check(prepared, columns, "props")
    aside = {"games": set_aside, "lines": lines_aside, "production": log_aside}
    return prepared, {"set_aside": aside, "made_missing": made_missing} | _found(raw, prepared)


def card(raw: pd.DataFrame, past: Callable[[pd.DataFrame], Past], settings: Settings) -> pd.DataFrame:
    """Return games of one day that are not yet played as `prepare` would, what only they can tell missing.

    `raw` holds columns of GAMES and LINES, a row a player, and may lack what a schedule does not tell; `past` gives the
    past of such rows. Who plays is taken to be who is asked for. Refuses a player twice and a team against itself.
    """
    told = {column.name: column for column in (*LINES, *GAMES) if column.name in raw}
    names = dict.fromkeys([*(column.name for column in (*GAMES, *LINES)), settings.quantity])
    rows = _keyed(typed(raw, list(told.values()), "games").reindex(columns=list(names)), settings)
    faults = {"a player twice": rows.duplicated(KEY), "a team against itself": rows["team"] == rows["opponent"]}
    for reason, fault in faults.items():
        if fault.any():
            raise Refusal(f"{rows.loc[fault, 'row_id'].iloc[0]}: {reason}; mend the row.")
    before = past(rows)
    rows = _usual(rows, before).assign(estimated_line=np.nan)
    return _graded(rows, before, settings).reindex(columns=[column.name for column in COLUMNS])


def _columns(raw: Tables) -> list[Column]:
    """Return what is prepared: a column that the source lacks is left out rather than left empty."""
    absent = {column.name for column in (*CARD, *STATS)} - set(map(str, raw["games"].columns))
    if "team_points" in absent:
        absent.add("opponent_points")
    if not len(raw.get("production", ())):
        absent |= {column.name for column in LOGGED}
    return [column for column in COLUMNS if column.name not in absent]


def _found(raw: Tables, prepared: pd.DataFrame) -> dict[str, Any]:
    declared = {"games": GAMES, "lines": LINES, "production": PRODUCTION}
    ignored = {name: set(map(str, table.columns)) - {c.name for c in declared[name]} for name, table in raw.items()}
    return {
        "ignored_columns": {name: sorted(columns) for name, columns in ignored.items()},
        "rows_in": {name: len(table) for name, table in raw.items()},
        "rows_out": len(prepared),
        "games_out": int(prepared["game_id"].nunique()),
        "line_types": prepared["line_type"].value_counts().sort_index().to_dict(),
        "teams_whose_points_are_not_their_players_sum": _odd_sums(prepared),
        "missing_share": {
            column.name: float(prepared[column.name].isna().mean())
            for column in COLUMNS
            if column.nullable and column.name in prepared
        },
        "days": int(prepared["time"].nunique()),
        "first_day": f"{prepared['time'].min():%Y-%m-%d}",
        "last_day": f"{prepared['time'].max():%Y-%m-%d}",
    }


def _odd_sums(prepared: pd.DataFrame) -> int | None:
    """Return how many teams did not score what their players did; None where the source tells only one of both."""
    if not {"points", "team_points"} <= set(prepared):
        return None
    side = prepared.groupby(["game_id", "team"])
    told = side["team_points"].first().dropna()
    return int((side["points"].sum()[told.index] != told).sum())


def _told(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    if settings.quantity not in raw:
        raise Refusal(f"games has no column {settings.quantity!r}; {suggest(settings.quantity, map(str, raw.columns))}")
    rows = delivered(raw, GAMES, "games", [settings.quantity])
    rows["date"] = rows["date"].dt.normalize()
    # the day begins first where clocks are 14 hours ahead: nowhere on Earth has a later game been played
    today = (pd.Timestamp.now("UTC").tz_localize(None) + pd.Timedelta(hours=14)).normalize()
    ahead = rows["date"][(rows["date"] > today) & rows[settings.quantity].notna()]
    if settings.until is None and len(ahead):
        raise Refusal(
            f"games: {len(ahead)} results are dated after today ({today:%Y-%m-%d}), the last {ahead.max():%Y-%m-%d}; "
            "mend the dates, or set prepare.props.until to the last day to keep."
        )
    return rows


def _known(told: pd.DataFrame, sound: pd.DataFrame) -> pd.DataFrame:
    """Return every player and day of the source once, with the tip-off and whether a row of it is sound."""
    days = told[[*PLAYER_DAY, "start_time"]].assign(sound=told.index.isin(sound.index)).dropna(subset=PLAYER_DAY)
    once = days.sort_values("sound", kind="stable").drop_duplicates(PLAYER_DAY, keep="last")
    return once.rename(columns=AS_KEY)


def _beside(rows: pd.DataFrame, known: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return rows about players and days, each beside what is known of that game."""
    rows = rows.assign(date=rows["date"].dt.normalize()).rename(columns=AS_KEY)
    known_player = rows["entity"].isin(known["entity"])
    if len(rows) and not known_player.any():
        here, there = rows["entity"].fillna("").max(), known["entity"].max()
        raise Refusal(f"{where} and games share no player_id ({here!r} here, {there!r} there); give both the same ids.")
    return rows.merge(known, on=KEY, how="left").assign(known_player=known_player)


def _lines(raw: pd.DataFrame | None, known: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, Counts]:
    """Return one row of lines for each player and day that has a game, and why quotes were set aside."""
    quotes = _beside(delivered_if_any(raw, LINES, "lines"), known, "lines")
    check(quotes, [column for column in LINES if column.allowed], "lines")
    quotes, counts = sift(quotes, LINE_RULES, settings)
    # a book's first quote is its open, its last its close: what lies between is an older quote
    if older := int(quotes.duplicated([*KEY, "line_type", "book"]).sum()):
        counts["older quote of the same book"] = older
    quotes["open_line"] = quotes["open_line"].where(quotes["open_line"].between(0, settings.line_high, "right"))
    actual, estimated = (consensus(quotes[quotes["line_type"] == kind], KEY) for kind in ("actual", "estimated"))
    estimated = estimated[[*KEY, "line"]].rename(columns={"line": "estimated_line"})
    return actual.merge(estimated, on=KEY, how="outer"), counts


def _log(raw: pd.DataFrame | None, known: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, Counts]:
    """Return the newest prediction of each player and day that has a game, and why others were set aside."""
    names = {"predicted": "production", "created_at": "production_at"}
    names |= {name: f"production_{name}" for name in ("model", "line", "line_type")}
    log = _beside(delivered_if_any(raw, PRODUCTION, "production"), known, "production")
    log, counts = sift(log.rename(columns=names), LOG_RULES, settings)
    return log[[*KEY, *names.values()]], counts


def _keyed(games: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return the games in their order, with the columns by which every task is read."""
    games = games.sort_values(["date", "game_id", "team", "player_id"], ignore_index=True)
    day, target = games["date"].dt.strftime("%Y-%m-%d"), games[settings.quantity]
    keys = {"row_id": games["player_id"] + ":" + day, "entity": games["player_id"], "group": day, "time": games["date"]}
    return games.assign(**keys, target=target)


def _usual(rows: pd.DataFrame, past: Past) -> pd.DataFrame:
    """Add what each player did before, what he did beyond it, and what the two sides usually do."""
    side = [rows["game_id"], rows["team"]]
    known = {
        "last_5": past.mean("target", "entity", last=5),
        "last_10": past.mean("target", "entity", last=10),
        "season_mean": past.mean("target", ("entity", "season")),
        "usual": past.mean("target", "entity", last=20),
        "usual_minutes": past.mean("minutes", "entity", last=10),
    }
    rows = rows.assign(**known, share_of_team=1 / rows.groupby(side)["entity"].transform("size"))
    rows["role"] = _role(rows["usual_minutes"])
    rows["surplus"] = rows["target"] - rows["usual"]
    rows["minutes_surplus"] = rows["minutes"] - rows["usual_minutes"]
    missed = (rows["usual_minutes"] >= ROTATION).to_numpy()
    code = np.asarray(rows.groupby(side).ngroup(), np.int64)
    nobody = total(missed.astype(float), code) == 0
    for name, usual in (("side_usual", "usual"), ("side_minutes", "usual_minutes")):
        rows[name] = np.where(nobody, np.nan, total(np.where(missed, rows[usual], 0.0), code))
    team = rows.groupby(["game_id", "team"])["team_points"].first()
    other = pd.MultiIndex.from_frame(rows[["game_id", "opponent"]])
    return rows.assign(opponent_points=team.reindex(other).to_numpy())


def _role(minutes: pd.Series) -> pd.Series:
    bounds = [*ROLES.values(), np.inf]
    return pd.cut(minutes, bounds, right=False, labels=list(ROLES)).astype(object)


def _graded(rows: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Say what can grade each row; estimated lines are made where asked for and nobody brought one."""
    if settings.estimate:
        halves = np.round(2 * past.mean("target", ("entity", "season"), last=5), 9)  # so that ties are ties
        rows["estimated_line"] = rows["estimated_line"].fillna(pd.Series(np.round(halves) / 2, index=rows.index))
    kinds = [rows["line"].notna(), rows["estimated_line"].notna()]
    rows["line_type"] = np.select(kinds, ["actual", "estimated"], "none")
    return rows.assign(teacher=rows["line"], line_surplus=rows["target"] - rows["line"])


def _missing(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows[[*NEEDED, settings.quantity]].isna().any(axis=1)


def _did_not_play(rows: pd.DataFrame, settings: Settings) -> Flags:
    """Listed at 0 minutes with nothing to show for it; one who was told a plus_minus was there for some seconds."""
    told = rows[[*COUNTED, "plus_minus"]].max(axis=1)
    return (rows["minutes"] == 0) & rows["plus_minus"].isna() & (told.fillna(0) == 0)


def _not_its_shots(rows: pd.DataFrame, settings: Settings) -> Flags:
    shots = 2 * rows["fgm"] + rows["fg3m"] + rows["ftm"]  # a three-pointer is a field goal that counts one more
    return shots.notna() & rows["points"].notna() & (shots != rows["points"])


def _less_told(rows: pd.DataFrame, settings: Settings) -> Flags:
    return surpassed(rows.assign(told=rows.notna().sum(axis=1)), PLAYER_DAY, "told")


def _impossible_line(rows: pd.DataFrame, settings: Settings) -> Flags:
    unasked = (rows["line_type"] == "actual") & (rows["line"] == 0)
    return unasked | ~rows["line"].between(0, settings.line_high)


def _quote_missing(rows: pd.DataFrame, settings: Settings) -> Flags:
    unnamed = rows["stat"].isna() & bool(rows["stat"].notna().any())  # of which quantity, where others are named
    return rows["unreadable"] | unnamed | rows[[*KEY, "line", "line_type"]].isna().any(axis=1)


# In the order they are asked; each sees only the rows that the ones above let pass.
Rules = dict[str, Callable[[pd.DataFrame, Settings], Flags]]
RULES: Rules = {
    "unreadable value": lambda rows, settings: rows["unreadable"],
    "missing value": _missing,
    "future": lambda rows, settings: rows["date"] > pd.Timestamp(settings.until or date.max),
    "a team against itself": lambda rows, settings: rows["team"] == rows["opponent"],
    "impossible minutes": lambda rows, settings: ~rows["minutes"].between(0, settings.longest_game),
    "impossible count": lambda rows, settings: ~rows[settings.quantity].between(0, MOST),
    "points that are not the sum of the shots": _not_its_shots,
    "did not play": _did_not_play,
    "contradictory rows of a player and day": lambda rows, settings: contradicting(
        rows, PLAYER_DAY, [*NEEDED, settings.quantity]
    ),
    "duplicate player and day": _less_told,
}
GAME_RULES: Rules = {
    "unknown player": lambda rows, settings: ~rows["known_player"],
    "void: no game was played": lambda rows, settings: rows["sound"].isna(),
    "its game was set aside": lambda rows, settings: rows["sound"].eq(False),
}
LINE_RULES: Rules = {
    "unreadable or missing value": _quote_missing,
    "another quantity": lambda rows, settings: rows["stat"].fillna(UNNAMED) != settings.quantity,
    **GAME_RULES,
    "impossible line": _impossible_line,
    "quoted after the start": lambda rows, settings: (
        rows["quoted_at"] > rows["start_time"].fillna(rows["time"] + DAY_ENDS)
    ),
}
LOG_RULES: Rules = {
    "unreadable or missing value": lambda rows, settings: (
        rows["unreadable"] | rows[[*KEY, "production"]].isna().any(axis=1)
    ),
    **GAME_RULES,
    "older prediction": lambda rows, settings: surpassed(rows, KEY, "production_at"),
}
