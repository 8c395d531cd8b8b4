"""The settings of the gap report."""

from pydantic import Field

from trueline.core.runtime.params import StageSettings


class Settings(StageSettings):
    """The bet filter of both sides, what counts as the same model, and the bounds for reporting a deviation."""

    edge: float = Field(gt=0)
    same_models: list[str]
    segments: list[str]
    tolerance: float = Field(ge=0)
    equal_share: float = Field(gt=0, le=1)
    start_hour: float = Field(ge=0)  # hours after midnight, UTC, from which a game of the day may have begun
    end_hour: float = Field(gt=0)  # hours after midnight, UTC, from which all games of the day have begun
    batch_hours: float = Field(gt=0)  # length of the time slots in which predictions form a batch
    batch_days: int = Field(ge=2)  # least number of days in a batch
    batch_share: float = Field(gt=0, le=1)  # a batch with a larger share of the log or of the gap is concentrated
    estimated_share: float = Field(ge=0, le=1)
    common_share: float = Field(ge=0, le=1)
    shift_size: float = Field(gt=0)
    shift_errors: float = Field(gt=0)
    too_good: float = Field(gt=0, le=1)  # a hit rate against real lines that no forecast reaches
    too_good_picks: int = Field(ge=1)  # with fewer picks the hit rate is not judged
    ahead: float = Field(gt=0)  # advantage in mean error over the line that no forecast reaches
