"""Source settings: how the files of a source are written, as far as they do not say it themselves."""

import re
from typing import Any, ClassVar, Literal
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
    """The source's names, values, own columns, forms of dates and numbers, and the share that may be set aside.

    `timezone` is the zone of all times, or of the columns that it names; TIME_COLUMNS are those of the task.
    """

    TIME_COLUMNS: ClassVar[tuple[str, ...]] = ()

    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str | int | float | bool, Any]] = Field(default_factory=dict)
    date_format: str | None = None
    timezone: str | dict[str, str] | None = None
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
    def _check_timezone(cls, zones: str | dict[str, str] | None) -> str | dict[str, str] | None:
        if unknown := [name for name in zones if name not in cls.TIME_COLUMNS] if isinstance(zones, dict) else []:
            raise ValueError(f"{unknown[0]!r} is no time of ours; take one of {', '.join(cls.TIME_COLUMNS)}")
        names = zones.values() if isinstance(zones, dict) else [zones] if zones is not None else []
        for name in names:
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{name!r} is no time zone such as America/New_York") from None
        return zones

    def find_timezone(self, column: str) -> str | None:
        """Return the zone of the times in a column of ours, or None if none is set."""
        return self.timezone.get(column) if isinstance(self.timezone, dict) else self.timezone


PLAIN_SOURCE = SourceSettings()  # a source under our names, in forms that need no explanation
