"""Props: two seasons of an invented league, a market whose sharpness is known, and a production log with known faults.

The league's truths are constants of `_league`, the market's and the log's of `_sportsbook`.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from core import tables
from samples._box_scores import box_scores
from samples._league import play
from samples._sportsbook import OPENS, is_open, log, quote

VOIDS = 6  # quotes on players who did not play
DUPLICATE_QUOTES = 8  # a book's last quote but one, DUPLICATE_BY above its last
DUPLICATE_BY = 1.0  # points
DUPLICATE_AGE = 40  # minutes
LATE = 70  # minutes after tip-off at which a book quoted once more, on a game half played
LATE_BY = 6.0  # points that its line had moved by then


def make(seed: int = 20221018) -> dict[str, pd.DataFrame]:
    """Return the raw games, lines and production log of two seasons, with a few dirty rows among them."""
    clean, _ = simulate(seed)
    return {
        "games": _soil_games(clean["games"]),
        "lines": _soil_lines(clean["lines"], clean["games"]),
        "production": clean["production"],
    }


def write(folder: Path) -> None:
    """Write games.parquet, lines.parquet and production.parquet; the same bytes every time."""
    for name, table in make().items():
        tables.write(table, folder / f"{name}.parquet")


def simulate(seed: int) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return clean games, lines and production log, and the truth, row by row as games (see `_league.play`)."""
    random = np.random.default_rng(seed)
    rows, truth = play(random)
    games = box_scores(random, rows)
    lines = quote(random, games, truth)
    clean = {"games": games, "lines": lines, "production": log(random, games, lines)}
    return clean, games[["player_id", "date"]].join(truth)


def _soil_games(clean: pd.DataFrame) -> pd.DataFrame:
    """Return the games with three rows that no box score can hold, and one delivered twice."""
    rows = clean.copy()
    negative, broken, endless, twice = np.linspace(500, len(rows) - 500, 4).astype(int)
    rows.loc[negative, "points"] = -1
    rows.loc[broken, "points"] += 2  # no longer what the shots make
    rows.loc[endless, "minutes"] = 90
    return rows.loc[np.sort(np.append(np.arange(len(rows)), twice))].reset_index(drop=True)


def _soil_lines(clean: pd.DataFrame, games: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with voids, a few quotes that newer ones replace, and one made during the game."""
    quoted = clean[clean["line_type"].eq("actual") & ~is_open(clean)]
    chosen = quoted.iloc[np.linspace(0, len(quoted) - 1, DUPLICATE_QUOTES + 1).astype(int)]
    older, late = chosen[:-1], chosen[-1:]
    older = older.assign(line=older["line"] + DUPLICATE_BY, quoted_at=older["quoted_at"] - _minutes(DUPLICATE_AGE))
    begun = late[["player_id", "date"]].merge(games)["start_time"].to_numpy()
    late = late.assign(line=late["line"] + LATE_BY, quoted_at=begun + _minutes(LATE))
    delivered = pd.concat([clean, older, late, _voids(clean, games)])
    return delivered.sort_values(["date", "player_id", "book", "quoted_at"], ignore_index=True)


def _voids(lines: pd.DataFrame, games: pd.DataFrame) -> pd.DataFrame:
    """Return opening quotes on players of the market for days on which their team played without them."""
    dates = games[["season", "team", "date"]].drop_duplicates()
    due = games[["season", "team", "player_id"]].drop_duplicates().merge(dates, on=["season", "team"])
    absent = due.merge(games[["player_id", "date"]], how="left", indicator=True).query("_merge == 'left_only'")
    opens = lines[is_open(lines)]
    asked = absent[["player_id", "date"]].sort_values(["date", "player_id"])
    last = pd.merge_asof(asked, opens.assign(quoted=opens["date"]), on="date", by="player_id").dropna(subset="line")
    chosen = last.iloc[np.linspace(0, len(last) - 1, VOIDS).astype(int)].drop(columns="quoted")
    return chosen.assign(quoted_at=chosen["date"] + pd.Timedelta(hours=OPENS))


def _minutes(count: int) -> pd.Timedelta:
    return pd.Timedelta(minutes=count)
