"""Simulated world: a league, a market that knows more than the model, and a model, each simulated independently.

Who plays, how well, and the errors of the market and of the model come from separate generators of one seed, player by
player and day by day: two worlds of the same seed differ only in what is meant to differ.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import nbinom

from trueline.core.history.past import Past

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Crowd = tuple[int, float]  # the day from which players of lower levels take a share of the places, and that share

FIRST_DAY = pd.Timestamp("2024-10-01")
DAYS, PLAYERS, TEAMS = 280, 180, 15
MAX_DAILY_PLAYERS = 66  # players on the fullest weekday
WEEKDAY_SHARES = (0.8, 0.95, 0.9, 0.85, 1.0, 1.0, 0.9)  # shares of these, from Tuesday on, which is the first day
BREAK_DAYS = (128, 134)  # days without games: the first one, and the one after the last
# Shape and scale of the gamma distribution of players' mean points, beyond the one point that everybody scores.
LEVEL_GAMMA = (3.2, 3.6)
LOW_LEVEL_SHARE = 1 / 3  # share of the players whose levels count as low
# SD of form as a share of the level, and the days in which half of it is gone.
FORM_SD, FORM_HALF_LIFE_DAYS = 0.12, 20.0
NEWS_SD, HIDDEN_SD = 0.1, 0.2  # SD, as shares of the level, of what only the close knows, and of what nobody knows
SEASON_STEP_SD = 0.02  # SD of the daily step in what the whole league scores, in points
HOME_POINTS, OPPONENT_SD = 0.4, 0.5  # what playing at home is worth, and SD of what an opponent is worth, in points
LUCK_SHAPE = 16.0  # shape of the gamma distribution of a day's luck: around 12 expected points the SD is near 5
MEDIAN_OVER_MEAN = 0.97  # ratio of median to mean for points as skewed as these
LISTED_SHARE, WHOLE_LINE_SHARE = 0.92, 0.3  # shares of the rows with a line, and of the lines on whole points
# SD of the market's error at the close, and of what the open adds besides the news, in points.
CLOSE_ERROR_SD, OPEN_ERROR_SD = 1.2, 1.2
MODEL_ERROR_SD = 0.8  # SD of the model's own error, besides what its inputs do not know, in points
SERVED_ERROR_SD = 0.3  # SD of how far production's model of the time differed, in points
LOG_HOUR = 15  # hour of the day, UTC, at which production predicts
INPUT_WEIGHTS = {"mean": 0.3, "mean_20": 0.3, "mean_10": 0.25, "mean_5": 0.15}  # weights of the inputs in a prediction
SCHEDULE_INPUTS = ("rest_days", "games_7d", "home", "opponent_allows")  # inputs without any player's past in them
ROLE_MINUTES = {"bench": 0.0, "rotation": 14.0, "starter": 24.0, "star": 32.0}  # usual minutes at which a role begins


@dataclass(frozen=True)
class World:
    """One row per player and day, in time order."""

    seed: int
    rows: pd.DataFrame  # what can be observed and, in columns that the evidence leaves out, what cannot
    inputs: pd.DataFrame  # inputs of the model
    tuned: Floats  # the model's predictions, missing where it made none
    is_duplicated: Mask  # rows that the model predicted twice
    leak_weight: Floats  # weight of the game's own points in what production logged
    logged_at: pd.Series  # when production predicted, UTC


def simulate_world(seed: int, crowd: Crowd | None = None) -> World:
    """Return a world without a fault, except for the crowd if one is given."""
    rows = _add_market_lines(_add_history(_draw_games(seed, crowd)))
    inputs = _build_inputs(rows)
    tuned = predict_points(inputs) + MODEL_ERROR_SD * _draw_normal(seed, "slip", rows)
    zeros = np.zeros(len(rows))
    return World(seed, rows, inputs, tuned, zeros > 0, zeros, rows["time"] + pd.Timedelta(hours=LOG_HOUR))


def create_generator(seed: int, stream: str) -> np.random.Generator:
    """Return the generator for one part of a world, independent of the other parts."""
    return np.random.default_rng([seed, *stream.encode()])


def predict_points(inputs: pd.DataFrame) -> Floats:
    """Return the model's predictions; a player without a past is given the mean of everybody's form."""
    form = sum((share * inputs[name].to_numpy() for name, share in INPUT_WEIGHTS.items()), np.zeros(len(inputs)))
    adjustment = HOME_POINTS * (inputs["home"].to_numpy() - 0.5) + inputs["opponent_allows"].to_numpy()
    return np.asarray(np.where(np.isnan(form), np.nanmean(form), form) + adjustment)


def quote_market_lines(rows: pd.DataFrame, error: Floats) -> Floats:
    """Return the lines of a market that errs by `error` besides what is hidden, missing where none is listed."""
    belief = np.maximum(MEDIAN_OVER_MEAN * (rows["truth"] - rows["hidden"]).to_numpy() + error, 0.5)
    line = np.where(rows["whole"], np.rint(belief), np.floor(belief) + 0.5)
    return np.where(rows["listed"], line, np.nan)


def _draw_games(seed: int, crowd: Crowd | None) -> pd.DataFrame:
    """Return who plays on which day, how many points they score, and what these are drawn from."""
    level, minutes = _draw_players(seed)
    day_number, player = np.nonzero(_choose_players(seed, level, crowd))
    rows = pd.DataFrame({"number": day_number, "player": player})
    team, day = player % TEAMS, FIRST_DAY + pd.to_timedelta(day_number, unit="D")
    opponent = (team + 1 + (_draw_uniform(seed, "opponent", rows) * (TEAMS - 1)).astype(int)) % TEAMS
    rows = rows.assign(
        entity=np.array([f"p{index:03d}" for index in range(PLAYERS)])[player],
        time=day.astype("datetime64[us]"),
        group=day.strftime("%Y-%m-%d"),
        team=np.array([f"T{index:02d}" for index in range(TEAMS)])[team],
        opponent=np.array([f"T{index:02d}" for index in range(TEAMS)])[opponent],
        home=(_draw_uniform(seed, "home", rows) < 0.5).astype(float),
        allows=create_generator(seed, "allows").normal(0, OPPONENT_SD, TEAMS)[opponent],
        minutes=np.clip(minutes[player] + 4 * _draw_normal(seed, "minutes", rows), 1, 48).round(1),
        news=NEWS_SD * level[player] * _draw_normal(seed, "news", rows),
        hidden=HIDDEN_SD * level[player] * _draw_normal(seed, "hidden", rows),
    )
    rows["truth"] = _compute_truth(seed, rows, level)
    chance = LUCK_SHAPE / (LUCK_SHAPE + rows["truth"])
    return rows.assign(
        target=nbinom.ppf(_draw_uniform(seed, "points", rows), LUCK_SHAPE, chance),
        close_error=CLOSE_ERROR_SD * _draw_normal(seed, "close", rows),
        # besides the error of the close
        open_error=OPEN_ERROR_SD * _draw_normal(seed, "open", rows) - MEDIAN_OVER_MEAN * rows["news"],
        whole=_draw_uniform(seed, "whole", rows) < WHOLE_LINE_SHARE,
        listed=_draw_uniform(seed, "listed", rows) < LISTED_SHARE,
        served_error=SERVED_ERROR_SD * _draw_normal(seed, "served", rows),
    )


def _draw_players(seed: int) -> tuple[Floats, Floats]:
    """Return each player's mean points and mean minutes."""
    random = create_generator(seed, "players")
    level = 1 + random.gamma(*LEVEL_GAMMA, PLAYERS)
    return level, np.clip(38 * (1 - np.exp(-level / 9)) + random.normal(0, 2, PLAYERS), 6, 38)


def _choose_players(seed: int, level: Floats, crowd: Crowd | None) -> Mask:
    """Return who plays, days × players: those with the smallest random numbers, and then the crowd's."""
    draws = create_generator(seed, "who").random((DAYS, PLAYERS))
    slots = np.rint(MAX_DAILY_PLAYERS * np.resize(WEEKDAY_SHARES, DAYS)).astype(int)
    slots[slice(*BREAK_DAYS)] = 0
    crowd_slots = np.zeros(DAYS, dtype=int)
    if crowd is not None:
        crowd_slots[crowd[0] :] = np.rint(crowd[1] * slots[crowd[0] :])
    is_regular = _mask_smallest(draws, slots - crowd_slots)
    return np.asarray(
        is_regular | _mask_smallest(draws + is_regular + (level > np.quantile(level, LOW_LEVEL_SHARE)), crowd_slots)
    )


def _mask_smallest(draws: Floats, count: Ints) -> Mask:
    return np.asarray(draws.argsort(axis=1).argsort(axis=1) < count[:, None])


def _compute_truth(seed: int, rows: pd.DataFrame, level: Floats) -> Floats:
    """Return each player's expected points for the day, with everything known."""
    day_number, player = rows["number"].to_numpy(), rows["player"].to_numpy()
    season = np.cumsum(create_generator(seed, "season").normal(0, SEASON_STEP_SD, DAYS))
    expected = level[player] * (1 + _draw_form(seed)[day_number, player]) + season[day_number]
    adjustment = HOME_POINTS * (rows["home"] - 0.5) + rows["allows"] + rows["news"] + rows["hidden"]
    return np.asarray(np.maximum(expected + adjustment, 0.5))


def _draw_form(seed: int) -> Floats:
    """Return the players' form, days × players: an autoregressive process that comes and goes."""
    daily_decay = 0.5 ** (1 / FORM_HALF_LIFE_DAYS)
    form = FORM_SD * create_generator(seed, "form").normal(size=(DAYS, PLAYERS))
    for day in range(1, DAYS):
        form[day] = daily_decay * form[day - 1] + np.sqrt(1 - daily_decay**2) * form[day]
    return form


def _add_history(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what each player did on strictly earlier days, as a prepared table has it."""
    past = Past(rows)
    rows = rows.assign(
        last_5=past.mean("target", "entity", last=5),
        last_10=past.mean("target", "entity", last=10),
        usual=past.mean("target", "entity", last=20),
        usual_minutes=past.mean("minutes", "entity", last=10),
    )
    role = pd.cut(rows["usual_minutes"], [*ROLE_MINUTES.values(), np.inf], right=False, labels=list(ROLE_MINUTES))
    return rows.assign(role=role.astype(object), estimated_line=np.rint(2 * rows["last_5"]) / 2)


def _add_market_lines(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the market's lines: the first, and the last before the game, which is the soft label."""
    line = quote_market_lines(rows, rows["close_error"].to_numpy())
    open_line = quote_market_lines(rows, (rows["close_error"] + rows["open_error"]).to_numpy())
    line_type = np.select([np.isfinite(line), rows["estimated_line"].notna()], ["actual", "estimated"], "none")
    return rows.assign(soft_label=line, open_line=open_line, line_type=line_type)


def _build_inputs(rows: pd.DataFrame) -> pd.DataFrame:
    past = Past(rows)
    return pd.DataFrame(
        {
            "mean": past.mean("target", "entity"),
            "mean_3": past.mean("target", "entity", last=3),
            "mean_5": rows["last_5"],
            "mean_10": rows["last_10"],
            "mean_20": rows["usual"],
            "std_10": past.std("target", "entity", last=10),
            "minutes_3": past.mean("minutes", "entity", last=3),
            "minutes_10": rows["usual_minutes"],
            "rest_days": np.minimum(rows.groupby("entity")["number"].diff().to_numpy(float), 30.0),
            "games_7d": past.count(None, "entity", days=7),
            "home": rows["home"],
            "opponent_allows": rows["allows"],
        }
    )


def _draw_normal(seed: int, stream: str, rows: pd.DataFrame) -> Floats:
    """Return standard normal numbers by player and day, the same whoever else plays."""
    draws = create_generator(seed, stream).normal(size=(DAYS, PLAYERS))
    return np.asarray(draws[rows["number"], rows["player"]])


def _draw_uniform(seed: int, stream: str, rows: pd.DataFrame) -> Floats:
    draws = create_generator(seed, stream).random((DAYS, PLAYERS))
    return np.asarray(draws[rows["number"], rows["player"]])
