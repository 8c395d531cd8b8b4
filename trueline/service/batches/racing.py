"""racing: predicts several upcoming races at once."""

from functools import partial
from typing import Any

from pydantic import Field, model_validator

from trueline.service.request_faults import apply_to_parts
from trueline.service.request_fields import RequestModel, ResponseModel
from trueline.service.tasks import racing

PARTS = "races"
MAX_RACES = 100  # some two seconds of work
EXAMPLE: Any = {"races": [racing.EXAMPLE, racing.EXAMPLE | {"race_id": "20240429-DUN-05", "race_no": 5}]}


class Batch(RequestModel):
    """Races, of one day or of several."""

    model_config = RequestModel.model_config | {"json_schema_extra": {"examples": [EXAMPLE]}}

    races: list[racing.Request] = Field(
        min_length=1, max_length=MAX_RACES, description="each race as it is posted alone; no two have the same id"
    )

    @model_validator(mode="after")
    def _check_races(self) -> "Batch":
        race_ids = [racing.resolve_race_id(race) for race in self.races]
        if duplicates := [race_id for race_id in race_ids if race_ids.count(race_id) > 1]:
            raise ValueError(f"race {duplicates[0]!r} is posted {race_ids.count(duplicates[0])} times; post it once")
        return self


class BatchAnswer(ResponseModel):
    """The predictions, race by race as posted."""

    races: list[racing.Answer] = Field(description="in the order of the request")


def answer(model: racing.Model, batch: Batch) -> BatchAnswer:
    """Return the answer to each race. Raises RequestFaultsError for cards that the prepare stage would set aside."""
    cards = apply_to_parts(partial(racing.prepare_card, model), batch.races, f"/{PARTS}")
    return BatchAnswer(races=racing.answer_cards(model, batch.races, cards))
