"""racing: predicts each runner's chance of winning an upcoming race, and the odds that would be fair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, model_validator
from pydantic.config import JsonDict

from stages.evaluate import race
from stages.prepare import racing
from trueline.core.stats.group_ops import Floats
from trueline.core.tables.name_forms import normalize_name
from trueline.service import predictor
from trueline.service.artifacts.verified_files import VerifiedFiles
from trueline.service.market_lead import explain_missing_lead
from trueline.service.own_values import OwnValues, check_own_values, describe_own_values
from trueline.service.plain_races import PlainRace, PlainRunner, prepare_plain_race
from trueline.service.predictor import Predictor
from trueline.service.request_faults import apply_to_parts
from trueline.service.request_fields import RequestModel, ResponseModel, Text, Time

TASK = "racing"

COLUMNS = ("runner", "box", "weight_kg", "trainer", "early_speed", "price")
EXAMPLE_RUNNERS = [  # from the last race of the shipped sample
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
    "show_edge": False,
    "runners": [dict(zip(COLUMNS, runner, strict=True)) for runner in EXAMPLE_RUNNERS],
}


class Runner(RequestModel):
    """A runner, as on the race card."""

    runner: Text = Field(description="name, by which its past starts are found; capitals do not matter")
    box: int = Field(ge=0, le=1000, description="starting box, or rug number; unique within a race")
    weight_kg: float | None = Field(None, ge=1, le=2000, description="weight (kg)")
    trainer: Text | None = Field(None, description="who trains it")
    early_speed: float | None = Field(
        None, ge=-1e6, le=1e6, description="rating of its early pace, made before the race"
    )
    price: float | None = Field(
        None,
        ge=racing.MIN_DECIMAL_ODDS,
        le=10_000,
        description="price on offer (decimal odds); at the off, its starting price",
    )
    own_columns: OwnValues = Field(default_factory=dict)


class Request(RequestModel):
    """A whole race, without its scratched runners: the chances of the posted runners sum to 1."""

    model_config = RequestModel.model_config | {"json_schema_extra": {"examples": [EXAMPLE]}}

    race_id: Text | None = Field(
        None, description="the race's id; built from its start, venue and distance if not given"
    )
    start_time: Time = Field(
        description="the start with its UTC offset (UTC without one), or its day, whichever the history has"
    )
    venue: Text = Field(description="where it is run, spelt as in the history; an unknown venue counts as new")
    race_no: int | None = Field(None, ge=1, le=1000, description="its number on the card")
    distance_m: float = Field(ge=1, le=100_000, description="its length (m)")
    grade: Text = Field(description="its class, spelt as in the history")
    own_columns: OwnValues = Field(default_factory=dict)
    show_edge: bool = Field(False, description="give the edge even if the report shows no lead over the market")
    runners: list[Runner] = Field(min_length=2, max_length=30, description="every runner")

    @model_validator(mode="after")
    def _check_runners(self) -> "Request":
        names, boxes = (
            [normalize_name(runner.runner, has_number=True) for runner in self.runners],
            [str(runner.box) for runner in self.runners],
        )
        for label, values in (("runner", names), ("box", boxes)):
            if duplicates := [value for value in values if values.count(value) > 1]:
                raise ValueError(f"{label} {duplicates[0]} is posted {values.count(duplicates[0])} times; post it once")
        return self


class Chance(ResponseModel):
    """The prediction for a runner."""

    runner: str = Field(description="as posted")
    box: int = Field(description="as posted")
    probability: float = Field(ge=0, le=1, description="chance of winning; the chances of a race sum to 1")
    fair_odds: float | None = Field(description="1 / probability (decimal odds); null if too large for a number")
    rank: int = Field(ge=1, description="1 for the likeliest; equal chances share the better rank")
    place_probability: float | None = Field(
        description="chance of one of the places that are paid in a field of this size; null if the model has none"
    )
    market_probability: float | None = Field(
        description="1 / price as a share of the race's total; null if any price is missing"
    )
    edge: float | None = Field(
        description="mean profit per unit staked at the price, after commission; null without a price, or if withheld"
    )
    past_starts: int = Field(ge=0, description="earlier starts that the history has under this name")


class Answer(ResponseModel):
    """The predictions for a race, runner by runner as posted."""

    model: str = Field(description="the version that answered")
    race_id: str = Field(description="as posted, or built")
    runners: list[Chance] = Field(description="in the order of the request")
    edge_withheld: str | None = Field(description="why no edge is given; null if it is given")
    warnings: list[str] = Field(description="what is unusual about the race; empty if nothing is")


@dataclass(frozen=True)
class Model:
    """The predictor, the settings of the prepare stage, the commission on winnings, and the lead over the market."""

    predictor: Predictor
    card_settings: racing.Settings
    commission: float
    missing_lead: str | None = None  # why no edge over the market should be believed


def load(files: VerifiedFiles) -> Model:
    """Return the racing model of a commit, with its history indexed and its ratings learned."""
    params = files.read_params()
    race_settings = predictor.extract_settings(params, race.Settings, "evaluate", TASK)
    card_settings = predictor.extract_settings(params, racing.Settings, "prepare", TASK)
    fitted_predictor, missing_lead = predictor.load_predictor(files, TASK), explain_missing_lead(files, TASK)
    return Model(fitted_predictor, card_settings, race_settings.commission, missing_lead)


def answer(model: Model, request: Request) -> Answer:
    """Return the chances of a race's runners, made from the card and from strictly earlier races.

    A race that is in the history, or earlier than its end, is answered as if the history ended before it; races with
    the same start have no influence, and ratings use no race of its day. Raises UserError for a card that the prepare
    stage would set aside.
    """
    return answer_cards(model, [request], [prepare_card(model, request)])[0]


def answer_cards(model: Model, requests: Sequence[Request], cards: Sequence[pd.DataFrame]) -> list[Answer]:
    """Return the answers to several races with distinct ids, from their prepared rows, each as if asked alone."""
    rows = pd.concat(cards, ignore_index=True) if len(cards) > 1 else cards[0]
    forecasts = model.predictor.predict_batches(rows)
    figures = pd.DataFrame(
        {
            "probability": forecasts[""],
            "place_probability": forecasts.get("place", np.full(len(rows), np.nan)),
            "market_probability": rows["soft_label"].to_numpy(float),
            "past_starts": model.predictor.count_past_rows(rows),
        }
    )
    ends = np.cumsum([len(card) for card in cards]).tolist()
    return [
        _build_answer(model, request, card, figures.iloc[end - len(card) : end])
        for request, card, end in zip(requests, cards, ends, strict=True)
    ]


def _build_answer(model: Model, request: Request, card: pd.DataFrame, figures: pd.DataFrame) -> Answer:
    """Return the answer to a race from its prepared rows and the figures of each of them."""
    by_box = dict(zip(card["box"].astype(int), figures.to_dict("records"), strict=True))
    probabilities = figures["probability"].to_numpy()
    edge_withheld = None if request.show_edge else model.missing_lead
    return Answer(
        model=model.predictor.version,
        race_id=resolve_race_id(request),
        runners=[
            _build_chance(runner, by_box[runner.box], probabilities, None if edge_withheld else model.commission)
            for runner in request.runners
        ],
        edge_withheld=edge_withheld,
        warnings=model.predictor.list_warnings(card),
    )


def _build_chance(
    runner: Runner, figures: Mapping[Any, Any], probabilities: Floats, commission: float | None
) -> Chance:
    """Return the prediction for a runner; without a commission its edge is withheld."""
    probability: float = figures["probability"]
    return Chance(
        runner=runner.runner,
        box=runner.box,
        probability=probability,
        fair_odds=1 / probability if probability > np.finfo(float).tiny else None,
        rank=1 + int((probabilities > probability).sum()),
        place_probability=_replace_nan(figures["place_probability"]),
        market_probability=_replace_nan(figures["market_probability"]),
        edge=None
        if runner.price is None or commission is None
        else probability * (1 + (runner.price - 1) * (1 - commission)) - 1,
        past_starts=figures["past_starts"],
    )


def prepare_card(model: Model, request: Request) -> pd.DataFrame:
    """Return the race's rows as the prepare stage would make them, by box."""
    if (plain_card := _prepare_plain_card(model, request)) is not None:
        return plain_card
    return racing.prepare_race_card(_build_raw_rows(request, model.predictor.list_own_kinds()), model.card_settings)


def log_rows(model: Model, request: Request, answer: Answer) -> list[dict[str, Any]]:
    """Return one row per runner, with the column names of a source of runners, and its chance as `predicted`."""
    return [
        build_log_row(
            (answer.race_id, request.start_time, runner.runner, runner.box),
            (chance.probability, chance.place_probability),
            runner.price,
        )
        for runner, chance in zip(request.runners, answer.runners, strict=True)
    ]


def build_log_row(
    runner: tuple[str, datetime, str, int],
    chances: tuple[float, float | None],
    price: float | None,
    book: str | None = None,
) -> dict[str, Any]:
    """Return the row of the log for a runner: what was predicted of it, and the price that was seen, and whose.

    `runner` are the race's id and start, the runner's name and its box, and `chances` those of winning and of a place.
    """
    race_id, start_time, name, box = runner
    keys = {"race_id": race_id, "start_time": start_time.isoformat(), "runner": name, "box": box}
    return keys | {"predicted": chances[0], "place_chance": chances[1], "price": price, "book": book}


def described(model: Model, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a request with the own columns that the model knows, of a race or of its runners."""
    for request_schema in (schema, schema["$defs"]["Runner"]):
        describe_own_values(request_schema, model.predictor.list_own_kinds())
    return schema


def _prepare_plain_card(model: Model, request: Request) -> pd.DataFrame | None:
    """Return the race's rows if nothing in it needs the whole of the prepare stage, else None."""
    if request.own_columns or any(runner.own_columns for runner in request.runners):
        return None
    race_id, race_no, distance = resolve_race_id(request), request.race_no, request.distance_m
    race = PlainRace(race_id, request.start_time, request.venue, race_no, distance, request.grade)
    runners = [
        PlainRunner(posted.runner, posted.box, posted.weight_kg, posted.trainer, posted.early_speed, posted.price)
        for posted in request.runners
    ]
    return prepare_plain_race(race, runners, model.card_settings)


def _build_raw_rows(request: Request, own_kinds: Mapping[str, str]) -> pd.DataFrame:
    race_fields = request.model_dump(exclude={"runners", "race_id", "own_columns", "show_edge"}) | {
        "race_id": resolve_race_id(request)
    }
    race_fields |= check_own_values(request.own_columns, own_kinds)
    own_values = apply_to_parts(
        lambda runner: check_own_values(runner.own_columns, own_kinds), request.runners, "/runners"
    )
    rows = [
        race_fields | runner.model_dump(exclude={"own_columns"}) | own
        for runner, own in zip(request.runners, own_values, strict=True)
    ]
    return pd.DataFrame(rows).rename(columns={"price": "bsp"}).astype({"start_time": "datetime64[us]"})


def resolve_race_id(request: Request) -> str:
    """Return the posted id of a race, or one built from its start, venue and distance."""
    return request.race_id or f"{request.start_time:%Y-%m-%dT%H:%M} {request.venue} {request.distance_m:g}"


def _replace_nan(number: float) -> float | None:
    return None if np.isnan(number) else number
