"""Box scores: shots that make a player's points exactly, and whatever else is counted of a game."""

from typing import Any

import numpy as np
import pandas as pd

from core.races import Floats
from samples._league import POINTS, SEASONS, TEAMS, Whole

FIRST = ("Arlo", "Benno", "Corwin", "Dask", "Edrik", "Fenn", "Garrick", "Hollis", "Ivo", "Jorah", "Kester", "Lowen")
LAST = ("Quillbrook", "Tarnwell", "Ostermoor", "Veldon", "Harrowmere", "Pellridge", "Stanmoor", "Wexcombe")
FIRST_ID = 1001  # of the players
THREES = (3.0, 5.0)  # beta distribution of players' taste for threes, a share of all they try
FREE = 0.18  # points in one made at the free-throw line, of those that are not threes
MISSED_TWOS, MISSED_THREES = 0.30, 0.55  # shots missed, per expected point, by one who tries nothing else
FREE_MISSED = 0.2  # chance of a free throw missed beside each one made
COUNTS = {"rebounds": 0.18, "assists": 0.10, "steals": 0.03, "blocks": 0.02, "turnovers": 0.055}  # a minute
COUNTS_SPREAD = 0.4  # SD of those among players, in logs
MARGIN_NOISE = 6.0  # SD of what plus_minus adds to a player's share of the margin, in points
ORDER = (
    *("player_id", "player", "date", "start_time", "game_id", "season", "season_type", "team", "opponent", "home"),
    *("minutes", "points", "rebounds", "assists", "steals", "blocks", "turnovers"),
    *("fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "fg_pct", "fg3_pct", "ft_pct", "plus_minus", "team_points"),
)


def box_scores(random: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the raw games, row by row as the league's, in the columns of ORDER."""
    names = np.array([f"{first} {last}" for first in FIRST for last in LAST])
    box = rows.assign(
        player_id=FIRST_ID + rows["player_no"],
        player=names[rows["player_no"]],
        season=np.array(list(SEASONS))[rows["season_no"]],
        season_type="Regular Season",
        team=np.array(TEAMS)[rows["team_no"]],
        opponent=np.array(TEAMS)[rows["opponent_no"]],
        **_counts(random, rows),
        **_shots(random, rows),
    )
    box["team_points"] = box.groupby(["game_id", "team"])["points"].transform("sum")
    margin = 2 * box["team_points"] - box.groupby("game_id")["points"].transform("sum")
    noise = random.normal(0, MARGIN_NOISE, len(box))
    box["plus_minus"] = np.rint(margin * box["minutes"] / 48 + noise).astype(int)
    return box[list(ORDER)]


def _counts(random: np.random.Generator, rows: pd.DataFrame) -> dict[str, Whole]:
    own = {
        name: mean * random.lognormal(0, COUNTS_SPREAD, len(FIRST) * len(LAST))[rows["player_no"]]
        for name, mean in COUNTS.items()
    }
    return {name: random.poisson(rate * rows["minutes"]) for name, rate in own.items()}


def _shots(random: np.random.Generator, rows: pd.DataFrame) -> dict[str, Any]:
    """Return shots that make exactly the points: threes first, then free throws to an even rest, then twos."""
    points = rows["points"].to_numpy()
    style = random.beta(*THREES, len(FIRST) * len(LAST))[rows["player_no"]]
    fg3m = random.binomial(points // 3, style)
    rest = points - 3 * fg3m
    ftm = random.binomial(rest, FREE)
    ftm += (rest - ftm) % 2
    twos = (rest - ftm) // 2
    tried = POINTS[rows["place"]] ** 0.8 * rows["minutes"].to_numpy()  # stars miss less for each point
    fg3a = fg3m + random.poisson(MISSED_THREES * style * tried)
    fga = fg3a + twos + random.poisson(MISSED_TWOS * (1 - style) * tried)
    fta = ftm + random.binomial(ftm + 1, FREE_MISSED)
    made = {"fgm": fg3m + twos, "fga": fga, "fg3m": fg3m, "fg3a": fg3a, "ftm": ftm, "fta": fta}
    shares = {"fg_pct": ("fgm", "fga"), "fg3_pct": ("fg3m", "fg3a"), "ft_pct": ("ftm", "fta")}
    return made | {name: _share(made[hit], made[attempts]) for name, (hit, attempts) in shares.items()}


def _share(hit: Whole, tried: Whole) -> Floats:
    share: Floats = np.divide(hit, tried, out=np.full(len(hit), np.nan), where=tried > 0)
    return share.round(3)
