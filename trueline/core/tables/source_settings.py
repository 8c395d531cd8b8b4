"""Source settings: how the files of a source are written, as far as they do not say it themselves."""

from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from trueline.core.runtime.params import StageSettings


class SourceSettings(StageSettings):
    """The source's own names and values, its forms of dates and numbers, and the share that may be set aside."""

    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str | int | float | bool, Any]] = Field(default_factory=dict)
    date_format: str | None = None
    timezone: str | None = None
    decimal: Literal[".", ","] | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    most_set_aside: float = Field(default=0.2, ge=0, le=1)

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, name: str | None) -> str | None:
        try:
            return name if name is None else ZoneInfo(name).key
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone such as America/New_York") from None


PLAIN_SOURCE = SourceSettings()  # a source under our names, in forms that need no explanation
