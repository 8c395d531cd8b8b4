"""A league, a market that knows more than the model, and a model of its inputs: each drawn by itself.

Who plays, how he does, what the market errs and what the model errs come from separate generators of one seed, player
by player and day by day: two worlds of a seed differ in nothing but what is asked to differ.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import nbinom

from core.windows import Past

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Crowd = tuple[int, float]  # the day from which players of lower levels take a share of the places, and that share

BEGINS = pd.Timestamp("2024-10-01")
DAYS, PLAYERS, TEAMS = 280, 180, 15
DAILY = 66  # players on the fullest weekday
WEEK = (0.8, 0.95, 0.9, 0.85, 1.0, 1.0, 0.9)  # of these, from Tuesday on, the first day
BREAK = (128, 134)  # days without games: the first, and the one after the last
LEVEL = (3.2, 3.6)  # shape and scale of the gamma of what players score on average, beside the one point that all do
LOW = 1 / 3  # share of the players whose levels are the lower ones
FORM, FORM_DAYS = 0.12, 20.0  # SD of form as a share of the level, and the days in which half of it is gone
NEWS, HIDDEN = 0.1, 0.2  # SD, as shares of the level, of what only the close knows, and of what nobody does
SEASON = 0.02  # SD of the daily step of what the whole league scores, in points
AT_HOME, OPPONENT = 0.4, 0.5  # what home is worth, and SD of what an opponent is, in points
SHAPE = 16.0  # of the gamma of a day's luck: who is to score 12 does so with an SD near 5
MEDIAN = 0.97  # of the mean, where points are as skewed as these
LISTED, WHOLE = 0.92, 0.3  # shares of the rows with a line, and of the lines on whole points
CLOSE, OPEN = 1.2, 1.2  # SD of the market's error at the close, and of what the open adds beside the news, in points
SLIP = 0.8  # SD of the model's error beyond what its inputs do not know, in points
SERVED = 0.3  # SD of what the model of the time said otherwise in production, in points
LOGGED = 15  # hour of the day, UTC, at which production predicts
SHARES = {"mean": 0.3, "mean_20": 0.3, "mean_10": 0.25, "mean_5": 0.15}  # of the inputs in a prediction
SCHEDULE = ("rest_days", "games_7d", "home", "opponent_allows")  # inputs that no player's past is part of
ROLES = {"bench": 0.0, "rotation": 14.0, "starter": 24.0, "star": 32.0}  # usual minutes from which a role begins


@dataclass(frozen=True)
class World:
    """One row per player and day, in time order."""

    seed: int
    rows: pd.DataFrame  # what can be read and, in columns that evidence leaves out, what cannot
    inputs: pd.DataFrame  # of the model
    tuned: Floats  # its predictions, missing where it made none
    twice: Mask  # rows that it predicted twice
    leak: Floats  # weight of the game's own points in what production logged
    logged_at: pd.Series  # when production predicted, UTC


def play(seed: int, crowd: Crowd | None = None) -> World:
    """Return a world without a fault, but for the crowd where one is asked for."""
    rows = _market(_history(_games(seed, crowd)))
    inputs = _inputs(rows)
    tuned = predict(inputs) + SLIP * _normal(seed, "slip", rows)
    none = np.zeros(len(rows))
    return World(seed, rows, inputs, tuned, none > 0, none, rows["time"] + pd.Timedelta(hours=LOGGED))


def random_of(seed: int, part: str) -> np.random.Generator:
    """Return the generator of one part of a world, whatever other parts draw."""
    return np.random.default_rng([seed, *part.encode()])


def predict(inputs: pd.DataFrame) -> Floats:
    """Return what the model makes of its inputs; for a player without a past, what everybody does."""
    form = sum((share * inputs[name].to_numpy() for name, share in SHARES.items()), np.zeros(len(inputs)))
    moved = AT_HOME * (inputs["home"].to_numpy() - 0.5) + inputs["opponent_allows"].to_numpy()
    return np.asarray(np.where(np.isnan(form), np.nanmean(form), form) + moved)


def quoted(rows: pd.DataFrame, error: Floats) -> Floats:
    """Return the lines of a market that errs by so much beside what is hidden, missing where none is listed."""
    belief = np.maximum(MEDIAN * (rows["truth"] - rows["hidden"]).to_numpy() + error, 0.5)
    line = np.where(rows["whole"], np.rint(belief), np.floor(belief) + 0.5)
    return np.where(rows["listed"], line, np.nan)


def _games(seed: int, crowd: Crowd | None) -> pd.DataFrame:
    """Return who plays on which day, what he scores, and what that is drawn from."""
    level, minutes = _players(seed)
    number, player = np.nonzero(_chosen(seed, level, crowd))
    rows = pd.DataFrame({"number": number, "player": player})
    team, day = player % TEAMS, BEGINS + pd.to_timedelta(number, unit="D")
    opponent = (team + 1 + (_uniform(seed, "opponent", rows) * (TEAMS - 1)).astype(int)) % TEAMS
    rows = rows.assign(
        entity=np.array([f"p{one:03d}" for one in range(PLAYERS)])[player],
        time=day.astype("datetime64[us]"),
        group=day.strftime("%Y-%m-%d"),
        team=np.array([f"T{one:02d}" for one in range(TEAMS)])[team],
        opponent=np.array([f"T{one:02d}" for one in range(TEAMS)])[opponent],
        home=(_uniform(seed, "home", rows) < 0.5).astype(float),
        allows=random_of(seed, "allows").normal(0, OPPONENT, TEAMS)[opponent],
        minutes=np.clip(minutes[player] + 4 * _normal(seed, "minutes", rows), 1, 48).round(1),
        news=NEWS * level[player] * _normal(seed, "news", rows),
        hidden=HIDDEN * level[player] * _normal(seed, "hidden", rows),
    )
    rows["truth"] = _truth(seed, rows, level)
    chance = SHAPE / (SHAPE + rows["truth"])
    return rows.assign(
        target=nbinom.ppf(_uniform(seed, "points", rows), SHAPE, chance),
        close_error=CLOSE * _normal(seed, "close", rows),
        open_error=OPEN * _normal(seed, "open", rows) - MEDIAN * rows["news"],  # beside the close's
        whole=_uniform(seed, "whole", rows) < WHOLE,
        listed=_uniform(seed, "listed", rows) < LISTED,
        served_error=SERVED * _normal(seed, "served", rows),
    )


def _players(seed: int) -> tuple[Floats, Floats]:
    """Return what each scores and how many minutes he plays on average."""
    random = random_of(seed, "players")
    level = 1 + random.gamma(*LEVEL, PLAYERS)
    return level, np.clip(38 * (1 - np.exp(-level / 9)) + random.normal(0, 2, PLAYERS), 6, 38)


def _chosen(seed: int, level: Floats, crowd: Crowd | None) -> Mask:
    """Return who plays, days × players: those of the smallest numbers drawn, and then the crowd's."""
    drawn = random_of(seed, "who").random((DAYS, PLAYERS))
    places = np.rint(DAILY * np.resize(WEEK, DAYS)).astype(int)
    places[slice(*BREAK)] = 0
    crowded = np.zeros(DAYS, dtype=int)
    if crowd is not None:
        crowded[crowd[0] :] = np.rint(crowd[1] * places[crowd[0] :])
    first = _smallest(drawn, places - crowded)
    return np.asarray(first | _smallest(drawn + first + (level > np.quantile(level, LOW)), crowded))


def _smallest(drawn: Floats, count: Ints) -> Mask:
    return np.asarray(drawn.argsort(axis=1).argsort(axis=1) < count[:, None])


def _truth(seed: int, rows: pd.DataFrame, level: Floats) -> Floats:
    """Return what each is to score on average that day, all things known."""
    number, player = rows["number"].to_numpy(), rows["player"].to_numpy()
    season = np.cumsum(random_of(seed, "season").normal(0, SEASON, DAYS))
    told = level[player] * (1 + _form(seed)[number, player]) + season[number]
    around = AT_HOME * (rows["home"] - 0.5) + rows["allows"] + rows["news"] + rows["hidden"]
    return np.asarray(np.maximum(told + around, 0.5))


def _form(seed: int) -> Floats:
    """Return the players' form, days × players, which comes and goes."""
    kept = 0.5 ** (1 / FORM_DAYS)
    form = FORM * random_of(seed, "form").normal(size=(DAYS, PLAYERS))
    for day in range(1, DAYS):
        form[day] = kept * form[day - 1] + np.sqrt(1 - kept**2) * form[day]
    return form


def _history(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what each player did on strictly earlier days, as a prepared table tells it."""
    past = Past(rows)
    rows = rows.assign(
        last_5=past.mean("target", "entity", last=5),
        last_10=past.mean("target", "entity", last=10),
        usual=past.mean("target", "entity", last=20),
        usual_minutes=past.mean("minutes", "entity", last=10),
    )
    role = pd.cut(rows["usual_minutes"], [*ROLES.values(), np.inf], right=False, labels=list(ROLES))
    return rows.assign(role=role.astype(object), estimated_line=np.rint(2 * rows["last_5"]) / 2)


def _market(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the market's lines: the first, and the last before the game, which is the teacher."""
    line = quoted(rows, rows["close_error"].to_numpy())
    opened = quoted(rows, (rows["close_error"] + rows["open_error"]).to_numpy())
    kind = np.select([np.isfinite(line), rows["estimated_line"].notna()], ["actual", "estimated"], "none")
    return rows.assign(teacher=line, open_line=opened, line_type=kind)


def _inputs(rows: pd.DataFrame) -> pd.DataFrame:
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


def _normal(seed: int, part: str, rows: pd.DataFrame) -> Floats:
    """Return the standard normal numbers of players and days, the same whoever else plays."""
    drawn = random_of(seed, part).normal(size=(DAYS, PLAYERS))
    return np.asarray(drawn[rows["number"], rows["player"]])


def _uniform(seed: int, part: str, rows: pd.DataFrame) -> Floats:
    drawn = random_of(seed, part).random((DAYS, PLAYERS))
    return np.asarray(drawn[rows["number"], rows["player"]])
