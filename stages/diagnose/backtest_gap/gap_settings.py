"""The settings of the gap report."""

import math

from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings

LINE_SETTINGS = ("edge", "estimated_share", "too_good", "too_good_picks")


class Settings(StageSettings):
    """The bet filter of both sides, what counts as the same model, and the bounds for reporting a deviation.

    Those that only concern bets against lines are null where probabilities are compared by their losses.
    """

    edge: float | None = Field(default=None, gt=0)
    same_models: list[str]
    segments: list[str]
    tolerance: float = Field(ge=0)
    equal_share: float = Field(gt=0, le=1)
    start_hour: float = Field(ge=0)  # hours after midnight, UTC, from which a game of the day may have begun
    end_hour: float = Field(gt=0)  # hours after midnight, UTC, from which all games of the day have begun
    batch_hours: float = Field(gt=0)  # length of the time slots in which predictions form a batch
    batch_days: int = Field(ge=2)  # least number of days in a batch
    batch_share: float = Field(gt=0, le=1)  # a batch with a larger share of the log or of the gap is concentrated
    estimated_share: float | None = Field(default=None, ge=0, le=1)
    common_share: float = Field(ge=0, le=1)
    shift_size: float = Field(gt=0)
    shift_errors: float = Field(gt=0)
    too_good: float | None = Field(default=None, gt=0, le=1)  # a hit rate against real lines that no forecast reaches
    too_good_picks: int | None = Field(default=None, ge=1)  # with fewer picks the hit rate is not judged
    ahead: float = Field(
        gt=0
    )  # advantage that no forecast reaches: in mean error over the line, or in the loss over the backtest

    @property
    def pick_distance(self) -> float:
        """The distance from the line from which on a side is picked; infinite without a setting."""
        return math.inf if self.edge is None else self.edge

    def require_line_settings(self, task: str) -> None:
        """Raise UserError if a setting is null that bets against lines need."""
        if missing := [name for name in LINE_SETTINGS if getattr(self, name) is None]:
            raise UserError(f"diagnose.{task}.gap.{missing[0]} is null, but the task's bets need it; set it.")
