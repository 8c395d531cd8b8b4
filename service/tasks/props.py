"""props: players before their games → how much each will reach, and how likely that is more than the line."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from pydantic.config import JsonDict
from scipy.special import ndtri

from core import counts
from core.grading import by_edge
from core.races import Floats
from core.refusals import Refusal
from service import forecaster
from service.artifacts import Files
from service.fields import Day, Posted, Text, Told
from service.forecaster import Forecaster
from stages.evaluate import market
from stages.prepare import props

TASK = "props"
MOST_DAYS = 7  # of a request: the inputs of each day are made apart
LEAST_SIDE = 5  # players of a side, below which they are no line-up
TAIL = 0.1  # chance that the outcome lies below `low`, and that it lies above `high`
EVEN = 100  # American odds of a bet that wins as much as it may lose; none lie nearer to 0
ODDS = "American odds, at most −100 or at least +100"
Pick = Literal["over", "under", "pass", "no_line"]
PICKS: dict[int, Pick] = {1: "over", -1: "under", 0: "pass"}

EXAMPLE: JsonDict = {
    "rows": [
        {
            "player_id": "1054",
            "date": "2024-02-10",
            "season": "2023-24",
            "season_type": "Regular Season",
            "team": "Frostwick",
            "opponent": "Alderport",
            "home": True,
            "line": 17.5,
            "open_line": 15.5,
            "over_price": -105.0,
            "under_price": -112.5,
        }
    ]
}


class Row(Posted):
    """A player in a game that is not yet played."""

    player_id: Text = Field(description="the player, as in the history; an unknown one is taken as new")
    date: Day = Field(description="day of the game, where it is told in the history")
    season: Text = Field(description="the season, spelt as in the history")
    season_type: Text | None = Field(None, description="regular season, playoffs or another part of it")
    game_id: Text | None = Field(None, description="the game; made of its day and teams if not given")
    team: Text = Field(description="his team, spelt as in the history")
    opponent: Text = Field(description="the other team, likewise")
    home: bool = Field(description="true at home")
    line: float | None = Field(None, gt=0, le=props.MOST, description="the line now, in units of the quantity")
    open_line: float | None = Field(None, gt=0, le=props.MOST, description="the first line; the line now if not given")
    over_price: float | None = Field(None, ge=-1e6, le=1e6, description=f"price of more than the line ({ODDS})")
    under_price: float | None = Field(None, ge=-1e6, le=1e6, description=f"price of less ({ODDS})")
    n_books: int | None = Field(None, ge=1, le=1000, description="books that the line stands for")

    @model_validator(mode="after")
    def _odds(self) -> "Row":
        for name in ("over_price", "under_price"):
            price: float | None = getattr(self, name)
            if price is not None and abs(price) < EVEN:
                raise ValueError(f"{name} is {price}; give {ODDS}")
        if self.team == self.opponent:
            raise ValueError(f"{self.team!r} plays against itself; name two teams")
        return self


class Request(Posted):
    """Players of one day, or of a few."""

    model_config = Posted.model_config | {"json_schema_extra": {"examples": [EXAMPLE]}}

    rows: list[Row] = Field(min_length=1, max_length=500, description="one a player and day")

    @model_validator(mode="after")
    def _each_once(self) -> "Request":
        keys = [(row.player_id, row.date) for row in self.rows]
        if len(set(keys)) < len(keys):
            player, day = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"player {player!r} is posted more than once for {day:%Y-%m-%d}; post him once")
        if len(days := {row.date for row in self.rows}) > MOST_DAYS:
            raise ValueError(f"{len(days)} days came; post at most {MOST_DAYS} in one request")
        return self


class Outlook(Told):
    """What is said of a player in a game, in units of the quantity that is predicted."""

    player_id: str = Field(description="as posted")
    date: str = Field(description="as posted")
    forecast: float = Field(description="the median: above the line exactly where more is likelier than less")
    mean: float = Field(description="the mean of the distribution")
    spread: float = Field(ge=0, description="its standard deviation")
    low: float = Field(description="below it one outcome of ten lies, at most")
    high: float = Field(description="above it one outcome of ten lies, at most")
    line: float | None = Field(description="as posted")
    p_over: float | None = Field(description="chance of more than the line; with the next two it sums to 1")
    p_push: float | None = Field(description="chance of just the line, which is refunded")
    p_under: float | None = Field(description="chance of less")
    edge: float | None = Field(description="forecast − line")
    pick: Pick = Field(description="a bet if the edge is at least min_edge")


class Answer(Told):
    """The outlooks, row by row as posted."""

    model: str = Field(description="the version that answered")
    quantity: str = Field(description="what is predicted")
    min_edge: float = Field(description="distance from the line at which a pick is made")
    rows: list[Outlook] = Field(description="in the order of the request")


@dataclass(frozen=True)
class Model:
    """The forecaster, what a game must look like, and the distance from the line at which a pick is made."""

    forecaster: Forecaster
    card: props.Settings
    min_edge: float


def load(files: Files) -> Model:
    """Return what props needs of a commit, all read and indexed; refuse a calibrator that gives no distribution."""
    params = files.params()
    bets = forecaster.knobs(params, market.Settings, "evaluate", TASK)
    card = forecaster.knobs(params, props.Settings, "prepare", TASK)
    found = forecaster.load(files, TASK)
    if not {"whole", "level"} <= set(found.state):
        raise Refusal("props needs a calibrator that gives a distribution; set tasks.props.calibrator to residuals.")
    return Model(found, card, bets.edges[0])


def answer(model: Model, request: Request) -> Answer:
    """Return the outlook of every posted row, made of the row and of strictly earlier days.

    A row that is in the history, or earlier than its end, is answered as if the history ended before its day. Posted
    rows do not see each other, but for who plays where the decision is made at the off.
    """
    by_day: dict[Any, list[Row]] = {}
    for row in request.rows:
        by_day.setdefault(row.date, []).append(row)
    told = {key: found for rows in by_day.values() for key, found in _day(model, rows).items()}
    return Answer(
        model=model.forecaster.version,
        quantity=model.card.quantity,
        min_edge=model.min_edge,
        rows=[told[row.player_id, row.date] for row in request.rows],
    )


def card_of(model: Model, posted: list[Row]) -> pd.DataFrame:
    """Return rows of one day as prepare would make them, by game, team and player."""
    return props.card(_raw(posted), model.forecaster.past, model.card)


def log_rows(model: Model, request: Request, answer: Answer) -> list[dict[str, Any]]:
    """Return a row for each posted one in the form of the table `production`; the log adds who predicted, and when."""
    return [
        {
            "player_id": row.player_id,
            "date": row.date,
            "predicted": row.forecast,
            "line": row.line,
            "line_type": None if row.line is None else "actual",
        }
        for row in answer.rows
    ]


def _day(model: Model, posted: list[Row]) -> dict[tuple[str, Any], Outlook]:
    rows = card_of(model, posted)
    _need_line_ups(model.forecaster, rows)
    found = model.forecaster.forecast(rows)
    whole = bool(model.forecaster.state["whole"])
    law = found["mean"], found["spread"], whole
    line = rows["line"].to_numpy(float)
    chances = counts.chances(line, *law)
    picks = by_edge(found[""], line, model.min_edge)
    ends = _ends(*law)
    by_player = {player: number for number, player in enumerate(rows["entity"])}
    return {
        (row.player_id, row.date): Outlook(
            player_id=row.player_id,
            date=f"{row.date:%Y-%m-%d}",
            **_numbers(["forecast", "mean", "spread", "low", "high"], [found[""], *law[:2], *ends], place),
            **_numbers(["line", "edge"], [line, found[""] - line], place),
            **_numbers(["p_over", "p_push", "p_under"], list(chances), place),
            pick="no_line" if row.line is None else PICKS[int(picks[place])],
        )
        for row in posted
        for place in [by_player[row.player_id]]
    }


def _numbers(names: list[str], values: list[Floats], place: int) -> dict[str, Any]:
    """Return the numbers of one row, None for what is missing."""
    found = {name: float(each[place]) for name, each in zip(names, values, strict=True)}
    return {name: None if np.isnan(value) else value for name, value in found.items()}


def _ends(mean: Floats, spread: Floats, whole: bool) -> tuple[Floats, Floats]:
    """Return the outcomes that one of ten lies below, and above."""
    if not whole:
        return mean + ndtri(TAIL) * spread, mean - ndtri(TAIL) * spread
    upto = counts.cdf(np.arange(props.MOST + 1)[None, :], mean[:, None], spread[:, None], True)
    return (upto <= TAIL).sum(axis=1).astype(float), (upto < 1 - TAIL).sum(axis=1).astype(float)


def _need_line_ups(found: Forecaster, rows: pd.DataFrame) -> None:
    """Refuse part of a side where who plays is an input: those who were not posted would count as absent."""
    if not found.settings.lineups or "side_usual" not in found.present:
        return
    size = rows.groupby(["game_id", "team"]).size()
    other = pd.MultiIndex.from_frame(rows[["game_id", "opponent"]])
    if (size < LEAST_SIDE).any() or not other.isin(size.index).all():
        raise Refusal("who plays is an input of this model: post all who play, of both sides of each game.")


def _raw(posted: list[Row]) -> pd.DataFrame:
    raw = pd.DataFrame([row.model_dump() for row in posted])
    between = [" ".join(sorted((row.team, row.opponent))) for row in posted]
    made = raw["date"].map(lambda day: f"{day:%Y%m%d} ") + pd.Series(between)
    opened = raw["open_line"].astype(float)
    return raw.assign(
        game_id=raw["game_id"].where(raw["game_id"].notna(), made),
        home=raw["home"].astype(float),
        open_line=opened.where(opened.notna(), raw["line"].astype(float)),
    ).astype({"date": "datetime64[us]"})
