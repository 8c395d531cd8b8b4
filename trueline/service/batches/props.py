"""props: predicts several slates of players at once."""

from functools import partial
from typing import Any

from pydantic import Field, model_validator

from trueline.service.request_faults import apply_to_parts
from trueline.service.request_fields import RequestModel, ResponseModel
from trueline.service.tasks import props

PARTS = "slates"
MAX_SLATES = 50  # slates in one request
MAX_ROWS = 2000  # rows of all slates together: some two seconds of work
EXAMPLE: Any = {"slates": [props.EXAMPLE, props.EXAMPLE]}


class Batch(RequestModel):
    """Slates, which do not influence each other."""

    model_config = RequestModel.model_config | {"json_schema_extra": {"examples": [EXAMPLE]}}

    slates: list[props.Request] = Field(
        min_length=1, max_length=MAX_SLATES, description="each slate as it is posted alone"
    )

    @model_validator(mode="after")
    def _check_rows(self) -> "Batch":
        if (row_count := sum(len(slate.rows) for slate in self.slates)) > MAX_ROWS:
            raise ValueError(f"the slates have {row_count:,} rows; post at most {MAX_ROWS:,} in one request")
        return self


class BatchAnswer(ResponseModel):
    """The predictions, slate by slate as posted."""

    slates: list[props.Answer] = Field(description="in the order of the request")


def answer(model: props.Model, batch: Batch) -> BatchAnswer:
    """Return the answer to each slate. Raises RequestFaultsError for rows that the prepare stage would set aside."""
    cards = apply_to_parts(partial(props.prepare_slate, model), batch.slates, f"/{PARTS}")
    return BatchAnswer(slates=props.answer_slates(model, batch.slates, cards))
