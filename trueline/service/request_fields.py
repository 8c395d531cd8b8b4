"""Base models and field types shared by all tasks' requests and answers, so that each is checked in one way."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

DAY_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # digits alone would be taken for seconds since 1970
FIRST_YEAR, LAST_YEAR = 1900, 2199  # bounds of a time's year: beyond them a clock in microseconds may overflow


class RequestModel(BaseModel):
    """Base of request parts: rejects undeclared fields, numbers written as text, NaN and infinity."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ResponseModel(BaseModel):
    """Base of answer parts: no undeclared fields, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _require_day_text(value: Any) -> Any:
    if not isinstance(value, str) or not DAY_PATTERN.match(value):
        raise ValueError("write it as text that begins with the day, such as 2024-03-01 or 2024-03-01T19:30:00Z")
    return value


def _convert_to_utc(value: datetime) -> datetime:
    if not FIRST_YEAR < value.year < LAST_YEAR:
        raise ValueError(f"the year must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _require_whole_day(value: datetime) -> datetime:
    if value != datetime(value.year, value.month, value.day):
        raise ValueError("a day has no time of day; write it as 2024-03-01, for example")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Time = Annotated[
    datetime, Field(strict=False), BeforeValidator(_require_day_text), AfterValidator(_convert_to_utc)
]  # UTC, without offset
Day = Annotated[Time, AfterValidator(_require_whole_day)]
