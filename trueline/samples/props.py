"""Props: two seasons of an invented league, a market of known sharpness, and a production log with known faults.

The constants of `_league` set the truth about the league, those of `_sportsbook` that about the market and the log.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from trueline.core.tables import table_schema
from trueline.samples._box_scores import make_box_scores
from trueline.samples._league import simulate_seasons
from trueline.samples._sportsbook import OPEN_HOUR, is_opening_quote, make_production_log, quote_card, quote_lines

CARD_GAMES = 2  # games of the card
CARD_TIP_HOUR = 23.5  # hour of its day, UTC, at which they begin
CARD_COLUMNS = (
    "player_id",
    "player",
    "date",
    "start_time",
    "game_id",
    "season",
    "season_type",
    "team",
    "opponent",
    "home",
)
VOID_QUOTES = 6  # quotes on players who did not play
DUPLICATE_QUOTES = 8  # earlier quotes of a book, DUPLICATE_QUOTE_POINTS above its last
DUPLICATE_QUOTE_POINTS = 1.0  # points
DUPLICATE_QUOTE_MINUTES = 40  # minutes before the book's last quote
LATE_QUOTE_MINUTES = 70  # minutes after tip-off at which a book quoted once more, with half the game played
LATE_QUOTE_POINTS = 6.0  # points that its line had moved by then


def make_sample(seed: int = 20221018) -> dict[str, pd.DataFrame]:
    """Return the raw games, lines and production log of two seasons, with a few dirty rows among them."""
    clean, _ = simulate_clean_sample(seed)
    return {
        "games": _add_dirty_games(clean["games"]),
        "lines": _add_dirty_lines(clean["lines"], clean["games"]),
        "production": clean["production"],
    }


def write(folder: Path) -> None:
    """Write games.parquet, lines.parquet and production.parquet; the same bytes every time."""
    for name, table in make_sample().items():
        table_schema.write_table(table, folder / f"{name}.parquet")


def make_card(seed: int = 20221018) -> dict[str, pd.DataFrame]:
    """Return the games of the day after the sample, and the first quotes on them, with alternate lines of one book."""
    clean, truth = simulate_clean_sample(seed)
    random, games = np.random.default_rng([seed, 1]), clean["games"].join(truth[["usual_minutes", "median", "density"]])
    newest = games[games["date"] == games.groupby("team")["date"].transform("max")]
    day = games["date"].max() + pd.Timedelta(days=1)
    hosts, guests = random.permutation(games["team"].unique())[: 2 * CARD_GAMES].reshape(2, CARD_GAMES)
    opponents = dict(zip([*hosts, *guests], [*guests, *hosts], strict=True))
    schedule = newest[newest["team"].isin(list(opponents))].reset_index(drop=True)
    opponent, is_home = schedule["team"].map(opponents), schedule["team"].isin(hosts)
    host, guest = schedule["team"].where(is_home, opponent), opponent.where(is_home, schedule["team"])
    game_id = f"{day:%Y%m%d}_" + guest.str[:3].str.upper() + "_" + host.str[:3].str.upper()
    start = day + pd.Timedelta(hours=CARD_TIP_HOUR)
    schedule = schedule.assign(date=day, start_time=start, game_id=game_id, opponent=opponent, home=is_home)
    return {"games": schedule[list(CARD_COLUMNS)], "lines": quote_card(random, schedule)}


def write_card(folder: Path) -> None:
    """Write props/games.csv and props/lines.csv; the same bytes every time."""
    (folder / "props").mkdir(exist_ok=True)
    for name, table in make_card().items():
        table.to_csv(folder / f"props/{name}.csv", index=False)


def simulate_clean_sample(seed: int) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return clean games, lines and production log, and the truth of each row of the games.

    `_league.simulate_seasons` says what the truth holds.
    """
    random = np.random.default_rng(seed)
    rows, truth = simulate_seasons(random)
    games = make_box_scores(random, rows)
    lines = quote_lines(random, games, truth)
    clean = {"games": games, "lines": lines, "production": make_production_log(random, games, lines)}
    return clean, games[["player_id", "date"]].join(truth)


def _add_dirty_games(clean: pd.DataFrame) -> pd.DataFrame:
    """Return the games with three rows that no box score can hold, and one delivered twice."""
    rows = clean.copy()
    negative, broken, endless, repeated = np.linspace(500, len(rows) - 500, 4).astype(int)
    rows.loc[negative, "points"] = -1
    rows.loc[broken, "points"] += 2  # no longer what the shots make
    rows.loc[endless, "minutes"] = 90
    return rows.loc[np.sort(np.append(np.arange(len(rows)), repeated))].reset_index(drop=True)


def _add_dirty_lines(clean: pd.DataFrame, games: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with void bets, a few quotes that newer ones replace, and one made during the game."""
    quoted = clean[clean["line_type"].eq("actual") & ~is_opening_quote(clean)]
    chosen = quoted.iloc[np.linspace(0, len(quoted) - 1, DUPLICATE_QUOTES + 1).astype(int)]
    older, late_quote = chosen[:-1], chosen[-1:]
    older = older.assign(
        line=older["line"] + DUPLICATE_QUOTE_POINTS,
        quoted_at=older["quoted_at"] - _convert_minutes(DUPLICATE_QUOTE_MINUTES),
    )
    start_times = late_quote[["player_id", "date"]].merge(games)["start_time"].to_numpy()
    late_quote = late_quote.assign(
        line=late_quote["line"] + LATE_QUOTE_POINTS, quoted_at=start_times + _convert_minutes(LATE_QUOTE_MINUTES)
    )
    delivered = pd.concat([clean, older, late_quote, _make_void_quotes(clean, games)])
    return delivered.sort_values(["date", "player_id", "book", "quoted_at"], ignore_index=True)


def _make_void_quotes(lines: pd.DataFrame, games: pd.DataFrame) -> pd.DataFrame:
    """Return opening quotes on listed players for days on which their team played without them."""
    dates = games[["season", "team", "date"]].drop_duplicates()
    due = games[["season", "team", "player_id"]].drop_duplicates().merge(dates, on=["season", "team"])
    absent = due.merge(games[["player_id", "date"]], how="left", indicator=True).query("_merge == 'left_only'")
    opens = lines[is_opening_quote(lines)]
    absent_keys = absent[["player_id", "date"]].sort_values(["date", "player_id"])
    last_quotes = pd.merge_asof(absent_keys, opens.assign(quoted=opens["date"]), on="date", by="player_id").dropna(
        subset="line"
    )
    chosen = last_quotes.iloc[np.linspace(0, len(last_quotes) - 1, VOID_QUOTES).astype(int)].drop(columns="quoted")
    return chosen.assign(quoted_at=chosen["date"] + pd.Timedelta(hours=OPEN_HOUR))


def _convert_minutes(count: int) -> pd.Timedelta:
    return pd.Timedelta(minutes=count)
