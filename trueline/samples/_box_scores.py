"""Box scores: shots that add up exactly to a player's points, and whatever else is counted in a game."""

from typing import Any

import numpy as np
import pandas as pd

from trueline.core.stats.group_ops import Floats
from trueline.samples._league import ROLE_POINTS_PER_MINUTE, SEASONS, TEAMS, Integers

FIRST_NAMES = (
    "Arlo",
    "Benno",
    "Corwin",
    "Dask",
    "Edrik",
    "Fenn",
    "Garrick",
    "Hollis",
    "Ivo",
    "Jorah",
    "Kester",
    "Lowen",
)
LAST_NAMES = ("Quillbrook", "Tarnwell", "Ostermoor", "Veldon", "Harrowmere", "Pellridge", "Stanmoor", "Wexcombe")
FIRST_ID = 1001  # the lowest player_id
THREES_BETA = (3.0, 5.0)  # beta distribution of the share of threes among a player's attempts
FREE_THROW_SHARE = 0.18  # chance that a point not from a three comes from the free-throw line
# Shots missed per expected point by a player who tries nothing else.
MISSED_TWOS_PER_POINT, MISSED_THREES_PER_POINT = 0.30, 0.55
FREE_THROW_MISS_CHANCE = 0.2  # chance of a free throw missed beside each one made
COUNTS_PER_MINUTE = {"rebounds": 0.18, "assists": 0.10, "steals": 0.03, "blocks": 0.02, "turnovers": 0.055}
COUNTS_LOG_SD = 0.4  # SD of these rates among players, in logs
MARGIN_NOISE_SD = 6.0  # SD of what plus_minus adds to a player's share of the margin, in points
COLUMN_ORDER = (
    *("player_id", "player", "date", "start_time", "game_id", "season", "season_type", "team", "opponent", "home"),
    *("minutes", "points", "rebounds", "assists", "steals", "blocks", "turnovers"),
    *("fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "fg_pct", "fg3_pct", "ft_pct", "plus_minus", "team_points"),
)


def make_box_scores(random: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the raw games, row by row like the league's `rows`, with the columns of COLUMN_ORDER."""
    names = np.array([f"{first_name} {last_name}" for first_name in FIRST_NAMES for last_name in LAST_NAMES])
    box = rows.assign(
        player_id=FIRST_ID + rows["player_no"],
        player=names[rows["player_no"]],
        season=np.array(list(SEASONS))[rows["season_no"]],
        season_type="Regular Season",
        team=np.array(TEAMS)[rows["team_no"]],
        opponent=np.array(TEAMS)[rows["opponent_no"]],
        **_draw_counts(random, rows),
        **_draw_shots(random, rows),
    )
    box["team_points"] = box.groupby(["game_id", "team"])["points"].transform("sum")
    margin = 2 * box["team_points"] - box.groupby("game_id")["points"].transform("sum")
    noise = random.normal(0, MARGIN_NOISE_SD, len(box))
    box["plus_minus"] = np.rint(margin * box["minutes"] / 48 + noise).astype(int)
    return box[list(COLUMN_ORDER)]


def _draw_counts(random: np.random.Generator, rows: pd.DataFrame) -> dict[str, Integers]:
    rates = {
        name: mean * random.lognormal(0, COUNTS_LOG_SD, len(FIRST_NAMES) * len(LAST_NAMES))[rows["player_no"]]
        for name, mean in COUNTS_PER_MINUTE.items()
    }
    return {name: random.poisson(rate * rows["minutes"]) for name, rate in rates.items()}


def _draw_shots(random: np.random.Generator, rows: pd.DataFrame) -> dict[str, Any]:
    """Return shots that make exactly the points: threes first, then free throws to an even remainder, then twos."""
    points = rows["points"].to_numpy()
    style = random.beta(*THREES_BETA, len(FIRST_NAMES) * len(LAST_NAMES))[rows["player_no"]]
    fg3m = random.binomial(points // 3, style)
    remaining_points = points - 3 * fg3m
    ftm = random.binomial(remaining_points, FREE_THROW_SHARE)
    ftm += (remaining_points - ftm) % 2
    twos = (remaining_points - ftm) // 2
    # the power makes stars miss less for each point
    expected_attempts = ROLE_POINTS_PER_MINUTE[rows["place"]] ** 0.8 * rows["minutes"].to_numpy()
    fg3a = fg3m + random.poisson(MISSED_THREES_PER_POINT * style * expected_attempts)
    fga = fg3a + twos + random.poisson(MISSED_TWOS_PER_POINT * (1 - style) * expected_attempts)
    fta = ftm + random.binomial(ftm + 1, FREE_THROW_MISS_CHANCE)
    shots = {"fgm": fg3m + twos, "fga": fga, "fg3m": fg3m, "fg3a": fg3a, "ftm": ftm, "fta": fta}
    shares = {"fg_pct": ("fgm", "fga"), "fg3_pct": ("fg3m", "fg3a"), "ft_pct": ("ftm", "fta")}
    return shots | {name: _compute_share(shots[hit], shots[attempts]) for name, (hit, attempts) in shares.items()}


def _compute_share(hits: Integers, attempts: Integers) -> Floats:
    share: Floats = np.divide(hits, attempts, out=np.full(len(hits), np.nan), where=attempts > 0)
    return share.round(3)
