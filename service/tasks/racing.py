"""racing: a race that is not yet run → each runner's chance of winning, and the odds that would be fair."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from pydantic.config import JsonDict

from service import forecaster
from service.artifacts import Files
from service.fields import Posted, Text, Time, Told
from service.forecaster import Forecaster
from stages.evaluate import race
from stages.prepare import racing

TASK = "racing"

COLUMNS = ("runner", "box", "weight_kg", "trainer", "early_speed", "price")
FIELD = [  # of the last race of the shipped sample
    ("Gentle Harbour Star", 1, 30.5, "B. Denne", 0.09, 67.24),
    ("Hasty Falcon Star", 2, 28.0, "B. Birch", 0.71, 10.2),
    ("Lucky Gale Girl", 3, 32.7, "C. Ashby", 0.62, 4.0),
    ("Jolly Jester Girl", 4, 31.1, "C. Denne", 0.71, 4.62),
    ("Cobalt Jester Girl", 5, 25.7, "D. Ashby", 0.6, 21.53),
    ("Jolly Jester Star", 6, 31.1, "A. Elwood", 0.85, 9.02),
    ("Lucky Gale Boy", 7, 32.3, "B. Denne", 0.27, 5.04),
    ("Early Comet Boy", 8, 29.4, "F. Birch", 0.64, 14.9),
]
EXAMPLE: JsonDict = {
    "race_id": "20240429-DUN-04",
    "start_time": "2024-04-29T19:24:00Z",
    "venue": "Dunmere",
    "race_no": 4,
    "distance_m": 321.0,
    "grade": "Grade 5",
    "runners": [dict(zip(COLUMNS, runner, strict=True)) for runner in FIELD],
}


class Runner(Posted):
    """A runner, as the race card has it."""

    runner: Text = Field(description="name; its starts are found by it, whatever its capitals")
    box: int = Field(ge=0, le=1000, description="starting box, or rug number; each once a race")
    weight_kg: float | None = Field(None, ge=1, le=2000, description="weight (kg)")
    trainer: Text | None = Field(None, description="who trains it")
    early_speed: float | None = Field(
        None, ge=-1e6, le=1e6, description="rating of its early pace, made before the race"
    )
    price: float | None = Field(
        None, ge=racing.LEAST, le=10_000, description="price on offer (decimal odds); at the off, its starting price"
    )


class Request(Posted):
    """A whole race, without its scratched runners: chances are shared out among those that are posted."""

    model_config = Posted.model_config | {"json_schema_extra": {"examples": [EXAMPLE]}}

    race_id: Text | None = Field(None, description="the race; made of its start and course if not given")
    start_time: Time = Field(
        description="the start, with its offset (UTC without one), or its day: as the history has it"
    )
    venue: Text = Field(description="where it is run, spelt as in the history; an unknown one is taken as new")
    race_no: int | None = Field(None, ge=1, le=1000, description="its number on the card")
    distance_m: float = Field(ge=1, le=100_000, description="its length (m)")
    grade: Text = Field(description="its class, spelt as in the history")
    runners: list[Runner] = Field(min_length=2, max_length=30, description="every runner")

    @model_validator(mode="after")
    def _each_once(self) -> "Request":
        names, boxes = [_name(one) for one in self.runners], [str(one.box) for one in self.runners]
        for word, values in (("runner", names), ("box", boxes)):
            if twice := [value for value in values if values.count(value) > 1]:
                raise ValueError(f"{word} {twice[0]} is posted {values.count(twice[0])} times; post it once")
        return self


class Chance(Told):
    """What is said of a runner."""

    runner: str = Field(description="as posted")
    box: int = Field(description="as posted")
    probability: float = Field(ge=0, le=1, description="chance of winning; the race's sum to 1")
    fair_odds: float | None = Field(description="1 / probability (decimal odds); null beyond all numbers")
    rank: int = Field(ge=1, description="1 for the likeliest; equal chances share the better rank")
    market_probability: float | None = Field(
        description="1 / price as a share of the race's; null if a price is missing"
    )
    edge: float | None = Field(
        description="mean profit of one unit at the price, after commission; null without a price"
    )


class Answer(Told):
    """The race's chances, runner by runner as posted."""

    model: str = Field(description="the version that answered")
    race_id: str = Field(description="as posted, or made")
    runners: list[Chance] = Field(description="in the order of the request")


@dataclass(frozen=True)
class Model:
    """The forecaster, what a card must look like, and what is kept of winnings."""

    forecaster: Forecaster
    card: racing.Settings
    commission: float


def load(files: Files) -> Model:
    """Return what racing needs of a commit, all read and learned."""
    params = files.params()
    bets = forecaster.knobs(params, race.Settings, "evaluate", TASK)
    card = forecaster.knobs(params, racing.Settings, "prepare", TASK)
    return Model(forecaster.load(files, TASK), card, bets.commission)


def answer(model: Model, request: Request) -> Answer:
    """Return the chances of a race's runners, made of the card and of strictly earlier races.

    A race that is in the history, or earlier than its end, is answered as if the history ended before it; races of its
    own start play no role, and ratings take none of its day. Refuses a card that prepare would set aside.
    """
    rows = card_of(model, request)
    told = model.forecaster.forecast(rows)[""]
    chance = dict(zip(rows["box"].astype(int), told, strict=True))
    market = dict(zip(rows["box"].astype(int), rows["teacher"], strict=True))
    p = np.array([chance[runner.box] for runner in request.runners])
    return Answer(
        model=model.forecaster.version,
        race_id=_race_id(request),
        runners=[
            Chance(
                runner=runner.runner,
                box=runner.box,
                probability=own,
                fair_odds=1 / own if own > np.finfo(float).tiny else None,
                rank=1 + int((p > own).sum()),
                market_probability=None if np.isnan(market[runner.box]) else market[runner.box],
                edge=None if runner.price is None else own * (1 + (runner.price - 1) * (1 - model.commission)) - 1,
            )
            for runner, own in zip(request.runners, p.tolist(), strict=True)
        ],
    )


def card_of(model: Model, request: Request) -> pd.DataFrame:
    """Return the race's rows as prepare would make them, by box."""
    return racing.card(_raw(request), model.card)


def log_rows(model: Model, request: Request, answer: Answer) -> list[dict[str, Any]]:
    """Return a row for each runner, with the names that a source of runners has, and `predicted`, its chance."""
    return [
        {
            "race_id": answer.race_id,
            "start_time": request.start_time.isoformat(),
            "runner": posted.runner,
            "box": posted.box,
            "predicted": told.probability,
            "price": posted.price,
        }
        for posted, told in zip(request.runners, answer.runners, strict=True)
    ]


def _raw(request: Request) -> pd.DataFrame:
    race = request.model_dump(exclude={"runners", "race_id"}) | {"race_id": _race_id(request)}
    rows = [race | runner.model_dump() for runner in request.runners]
    return pd.DataFrame(rows).rename(columns={"price": "bsp"}).astype({"start_time": "datetime64[us]"})


def _race_id(request: Request) -> str:
    return request.race_id or f"{request.start_time:%Y-%m-%dT%H:%M} {request.venue} {request.distance_m:g}"


def _name(runner: Runner) -> str:
    return " ".join(runner.runner.split()).upper()
