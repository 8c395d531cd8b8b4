"""An invented basketball league: who plays, how long, how many points, and the truth that these are drawn from."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from trueline.core.stats.group_ops import Floats

Integers = npt.NDArray[np.int64]

SEASONS = {"2022-23": "2022-10-18", "2023-24": "2023-10-24"}  # first days; a summer lies between
# Games per team and season; a round takes two days, so a quarter of the games follow one of the day before.
ROUNDS_PER_SEASON = 55
LOCAL_TIP_HOURS = (13.0, 19.0, 19.5, 20.0, 22.0)  # hours of the day; most are the next day in UTC
UTC_HOURS = 5  # UTC − local time, all year: an invented league needs no summer time
TEAMS = ("Alderport", "Brackwater", "Cragmouth", "Dunwater", "Elmhaven", "Frostwick", "Gullhaven", "Hartsmoor")

# By place in the team, stars first; the first STARTERS start.
STARTERS = 5
ROLE_MINUTES = np.array([34.0, 33, 31, 29, 27, 22, 19, 15, 12, 8, 6, 4])  # per game if all play; they sum to 240
ROLE_POINTS_PER_MINUTE = np.array([0.68, 0.57, 0.48, 0.43, 0.39, 0.41, 0.38, 0.36, 0.34, 0.32, 0.30, 0.28])
PLAY_CHANCES = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0.95, 0.8, 0.5, 0.35])  # chance that a fit player plays
MAX_EXPECTED_MINUTES = 44.0  # maximum of anybody's expected minutes
ABILITY_SD = 0.12  # SD among players of one place, in log points per minute
# SD of a player's daily change, in log points per minute: about 0.07 in a season, 0.11 in a summer.
DAILY_DRIFT_SD = 0.007
MOVED_PAIRS = 4  # pairs of players that change teams in the summer
HOME_EFFECT = 0.03  # what playing at home adds to everybody's log points per minute
HOME_EFFECT_SD = 0.02  # SD of that among players
FATIGUE_EFFECT = -0.05  # what a game the day before adds to log points per minute
DEFENCE_SD = 0.06  # SD of what an opponent adds in a season, in log points per minute
PACE_SD = 0.03  # SD of what a team's pace adds to both sides in a season, in log points per minute
USAGE_EFFECT = 0.03  # what each missing starter adds to his teammates' log points per minute, beside his minutes
INJURY_CHANCE = 0.02  # chance that a fit player is hurt after a game
MEAN_LAYOFF_GAMES = 6.0  # mean number of games that an injury takes (geometric)
TEAM_MINUTES = 240.0  # minutes of a side in a game
MINUTES_NOISE_SD = 5.5  # SD of minutes if 30 are expected, before others make up for them; it grows with the root
POINTS_DISPERSION = 2.3  # variance over mean of points once the minutes are known: points come in twos and threes
MAX_POINTS = 90  # points, above which nobody's chances are worth counting


def simulate_seasons(random: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two seasons, one row per player per game with his minutes and points, and the truth of each row.

    The truth: `expected_minutes`; `rate` (points per minute); `mean` and `median` of points, as known before the game
    to somebody who knows who is missing; `open_median`, to somebody who assumes the season's usual absences; `density`
    (chance per point, at the median); `usual_minutes` (mean of the season's expectations); `starters_missing`. A side's
    minutes sum to 240, except for rounding and for those clipped to 1 and 48.
    """
    rows = _draw_lineups(random, _draw_schedule(random))
    rate = _compute_log_rate(random, rows)
    usage = USAGE_EFFECT * rows["starters_missing"]
    usual_means = (
        rows.assign(usage=usage).groupby(["season_no", "player_no"])[["expected_minutes", "usage"]].transform("mean")
    )
    truth = rows[["expected_minutes", "starters_missing"]].assign(rate=np.exp(rate + usage))
    truth["usual_minutes"] = usual_means["expected_minutes"]
    truth["mean"] = truth["expected_minutes"] * truth["rate"]
    truth["median"], truth["density"] = compute_median_points(
        truth["expected_minutes"].to_numpy(), truth["rate"].to_numpy()
    )
    open_rate = np.exp(rate + usual_means["usage"]).to_numpy()
    truth["open_median"] = compute_median_points(truth["usual_minutes"].to_numpy(), open_rate)[0]
    minutes = _draw_minutes(random, rows)
    points = random.negative_binomial(minutes * truth["rate"] / (POINTS_DISPERSION - 1), 1 / POINTS_DISPERSION)
    return rows.assign(minutes=minutes, points=_break_ties(rows, points)), truth


def compute_median_points(expected_minutes: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Return the exact median of points and the chance per point around it, summed over all minutes and all points.

    The chance of each whole number of points counts half below and half above, with straight lines between, so that a
    betting line at the median is passed as often as not, whether it is a half or a whole number.
    """
    minutes = np.arange(1.0, 49.0)
    spread = _compute_minutes_sd(expected_minutes)
    edges = ndtr((np.arange(1.5, 48.0) - expected_minutes[:, None]) / spread[:, None])
    share = np.diff(edges, axis=1, prepend=0.0, append=1.0)
    size = minutes * rate[:, None] / (POINTS_DISPERSION - 1)
    weights = share * POINTS_DISPERSION**-size
    chance = np.empty((len(rate), MAX_POINTS + 1))
    for points in range(MAX_POINTS + 1):
        chance[:, points] = weights.sum(axis=1)
        weights *= (points + size) / (points + 1) * (POINTS_DISPERSION - 1) / POINTS_DISPERSION
    below = chance.cumsum(axis=1) - chance / 2
    upper_index = (below < 0.5).sum(axis=1)
    row_index = np.arange(len(rate))
    density = below[row_index, upper_index] - below[row_index, upper_index - 1]
    return upper_index - (below[row_index, upper_index] - 0.5) / density, density


def _compute_minutes_sd(expected_minutes: Floats) -> Floats:
    """Return the SD of minutes, given that the team's own sum is fixed."""
    variance_share = expected_minutes / 30 * (1 - expected_minutes / TEAM_MINUTES)
    return np.asarray(MINUTES_NOISE_SD * np.sqrt(variance_share), dtype=np.float64)


def _draw_minutes(random: np.random.Generator, rows: pd.DataFrame) -> Integers:
    """Return minutes whose noise sums to zero within a side: what one gains the others lose, by their share."""
    expected = rows["expected_minutes"]
    noise = pd.Series(random.normal(0, MINUTES_NOISE_SD * np.sqrt(expected / 30)))
    surplus = noise.groupby([rows["game_id"], rows["home"]]).transform("sum")
    minutes = np.asarray(expected + noise - surplus * expected / TEAM_MINUTES, dtype=np.float64)
    rounded: Integers = np.rint(minutes).clip(1, 48).astype(np.int64)
    return rounded


def _draw_schedule(random: np.random.Generator) -> pd.DataFrame:
    """Return two rows per game, one for each side."""
    games = []
    for season_no, first_day in enumerate(SEASONS.values()):
        for round_number in range(ROUNDS_PER_SEASON):
            if round_number % 7 == 0:  # in seven rounds everybody meets everybody
                order = random.permutation(len(TEAMS))
            ring = np.concatenate([order[:1], np.roll(order[1:], round_number % 7)])
            for pair in zip(ring[:4], ring[:3:-1], strict=True):
                home, away = random.permutation(pair)
                date = pd.Timestamp(first_day) + pd.Timedelta(days=2 * round_number + int(random.integers(2)))
                tip = pd.Timedelta(hours=float(random.choice(LOCAL_TIP_HOURS)) + UTC_HOURS)
                games.append((season_no, round_number, date, date + tip, home, away))
    table = pd.DataFrame(games, columns=["season_no", "round_no", "date", "start_time", "home_no", "away_no"])
    code = np.array([team[:3].upper() for team in TEAMS])
    table["game_id"] = table["date"].dt.strftime("%Y%m%d") + "_" + code[table["away_no"]] + "_" + code[table["home_no"]]
    hosts = table.assign(home=True, team_no=table["home_no"], opponent_no=table["away_no"])
    guests = table.assign(home=False, team_no=table["away_no"], opponent_no=table["home_no"])
    team_games = pd.concat([hosts, guests]).sort_values(["date", "game_id", "home"], ignore_index=True)
    days_since_game = team_games.groupby(["season_no", "team_no"])["date"].diff()
    return team_games.assign(tired=days_since_game == pd.Timedelta(days=1))


def _draw_rosters(random: np.random.Generator) -> Integers:
    """Return who holds each place of each team in each season; in the summer some swap teams, place for place."""
    first_rosters = random.permutation(len(TEAMS) * len(ROLE_MINUTES)).reshape(len(TEAMS), len(ROLE_MINUTES))
    second_rosters = first_rosters.copy()
    for role_index in random.permutation(len(ROLE_MINUTES))[:MOVED_PAIRS]:
        team, trade_team = random.permutation(len(TEAMS))[:2]
        second_rosters[[team, trade_team], role_index] = first_rosters[[trade_team, team], role_index]
    return np.stack([first_rosters, second_rosters])


def _draw_injuries(random: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return who is injured, by season, player and round."""
    shape = (len(SEASONS), len(TEAMS) * len(ROLE_MINUTES), ROUNDS_PER_SEASON)
    return_round = np.arange(ROUNDS_PER_SEASON) + random.geometric(1 / MEAN_LAYOFF_GAMES, shape)
    out_until = np.where(random.random(shape) < INJURY_CHANCE, return_round, 0)
    return np.asarray(np.maximum.accumulate(out_until, axis=2) > np.arange(ROUNDS_PER_SEASON))


def _draw_lineups(random: np.random.Generator, team_games: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each player who plays; the minutes of the others go to those who can play more."""
    season_no, team_no, round_no = (team_games[name].to_numpy() for name in ("season_no", "team_no", "round_no"))
    player = _draw_rosters(random)[season_no, team_no]
    hurt = _draw_injuries(random)[season_no[:, None], player, round_no[:, None]]
    used = ~hurt & (random.random(hurt.shape) < PLAY_CHANCES)
    capacity = used * ROLE_MINUTES * (MAX_EXPECTED_MINUTES - ROLE_MINUTES)
    spare = (~used * ROLE_MINUTES).sum(axis=1, keepdims=True)
    expected = np.minimum(ROLE_MINUTES + spare * capacity / capacity.sum(axis=1, keepdims=True), MAX_EXPECTED_MINUTES)
    game_index, role_index = np.nonzero(used)
    return (
        team_games.iloc[game_index]
        .reset_index(drop=True)
        .assign(
            place=role_index,
            player_no=player[game_index, role_index],
            expected_minutes=expected[game_index, role_index],
            starters_missing=hurt[game_index, :STARTERS].sum(axis=1),
        )
    )


def _compute_log_rate(random: np.random.Generator, rows: pd.DataFrame) -> Floats:
    """Return log points per minute of each row, without what missing starters add."""
    players = len(TEAMS) * len(ROLE_MINUTES)
    day = (rows["date"] - rows["date"].min()).dt.days.to_numpy()
    drift = random.normal(0, DAILY_DRIFT_SD, (day.max() + 1, players)).cumsum(axis=0)
    ability, home = random.normal(0, ABILITY_SD, players), random.normal(HOME_EFFECT, HOME_EFFECT_SD, players)
    defence = random.normal(0, DEFENCE_SD, (len(SEASONS), len(TEAMS)))
    pace = random.normal(0, PACE_SD, (len(SEASONS), len(TEAMS)))
    player, season = rows["player_no"].to_numpy(), rows["season_no"].to_numpy()
    team, opponent = rows["team_no"].to_numpy(), rows["opponent_no"].to_numpy()
    own_rate = (
        np.log(ROLE_POINTS_PER_MINUTE)[rows["place"]]
        + ability[player]
        + drift[day, player]
        + home[player] * rows["home"]
    )
    game_effect = defence[season, opponent] + pace[season, team] + pace[season, opponent]
    return np.asarray(own_rate + game_effect + FATIGUE_EFFECT * rows["tired"], dtype=np.float64)


def _break_ties(rows: pd.DataFrame, points: Integers) -> Integers:
    """Return the points, with one more for the home side's first player wherever a game would end in a tie."""
    margin = pd.Series(np.where(rows["home"], points, -points)).groupby(rows["game_id"]).transform("sum")
    is_first_host = ~rows.duplicated(["game_id", "home"]) & rows["home"]
    return points + (is_first_host & (margin == 0)).to_numpy()
