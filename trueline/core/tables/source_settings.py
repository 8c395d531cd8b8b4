"""Source settings: how the files of a source are written, as far as they do not say it themselves."""

import re
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from trueline.core.runtime.params import StageSettings
from trueline.core.tables.table_schema import Availability

OWN_NAME = re.compile(r"[^\W\d]\w*")  # the other punctuation serves to build the names of inputs


class OwnColumn(StageSettings):
    """A column of the source that is none of ours: its kind, its unit, and when its value is known."""

    kind: Literal["number", "category", "flag"]
    unit: str = ""
    known: Availability

    @model_validator(mode="after")
    def _check_use(self) -> "OwnColumn":
        if self.unit and self.kind != "number":
            raise ValueError(f"a {self.kind} has no unit; remove it, or declare a number")
        if (self.kind, self.known) == ("category", "after"):
            raise ValueError(
                "a category that is known only after the event has no mean; declare a flag or a number, or leave it out"
            )
        return self


class SourceSettings(StageSettings):
    """The source's names, values, own columns, forms of dates and numbers, and the share that may be set aside."""

    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str | int | float | bool, Any]] = Field(default_factory=dict)
    date_format: str | None = None
    timezone: str | None = None
    decimal: Literal[".", ","] | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    own_columns: dict[str, OwnColumn] = Field(default_factory=dict)
    most_set_aside: float = Field(default=0.2, ge=0, le=1)

    @field_validator("own_columns")
    @classmethod
    def _check_names(cls, columns: dict[str, OwnColumn]) -> dict[str, OwnColumn]:
        for name in columns:
            if not OWN_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no name of letters, digits and underscores; columns are found in any punctuation"
                )
        return columns

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone such as America/New_York") from None


PLAIN_SOURCE = SourceSettings()  # a source under our names, in forms that need no explanation
