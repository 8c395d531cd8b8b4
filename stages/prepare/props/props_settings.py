"""Settings of props, and the form of the rules that set rows aside."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, ValidationError, model_validator

from stages.prepare.props.sports import SPORTS, Sport
from trueline.core.errors import UserError
from trueline.core.runtime.params import Date
from trueline.core.tables.row_filters import Flags
from trueline.core.tables.source_settings import SourceSettings

AUTO = "auto"


class Settings(SourceSettings):
    """The sport, the quantity, the last day to keep, limits of playing time and lines, and whether to estimate lines.

    The last quote of a book stands for `quote_minutes` after it was made, or until the start if that is None.
    `quantity` is a statistic of the sport or a sum of several, such as points+rebounds; a limit that is None is that of
    the sport. `own_stats` adds statistics, with their lowest and highest value in a game. Sport and quantity may be
    "auto": the data decide, see sport_choice.py, and until then there is no profile.
    """

    TIME_COLUMNS = ("date", "start_time", "lineups_at", "quoted_at", "quoted_until", "created_at", "updated_at")

    sport: Literal["auto", "basketball", "american_football", "soccer", "baseball", "own"] = "auto"
    own_stats: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(default_factory=dict)
    quantity: str
    until: Date | None
    longest_game: float | None = Field(gt=0)
    line_high: float | None = Field(gt=0)
    estimate: bool
    quote_minutes: float | None = Field(default=30.0, gt=0)

    @model_validator(mode="after")
    def _check_quantity(self) -> "Settings":
        if AUTO in (self.sport, self.quantity):
            return self
        known_stats = self.profile.count_names
        if unknown := [stat for stat in self.parts if stat not in known_stats]:
            raise ValueError(
                f"{unknown[0]!r} is no quantity of {self.sport}; take one of {', '.join(known_stats)}, "
                "or a sum of several"
            )
        return self

    def choose(self, sport: str, quantity: str) -> "Settings":
        """Return the settings with a sport and a quantity. Raises UserError if the sport does not have it."""
        try:
            return Settings(**self.model_dump() | {"sport": sport, "quantity": quantity})
        except ValidationError as errors:
            reason = errors.errors()[0]["msg"].removeprefix("Value error, ")
            raise UserError(f"prepare.props.quantity: {reason}.") from None

    @property
    def profile(self) -> Sport:
        """The sport with the statistics of one's own and the limits that are set."""
        sport = SPORTS[self.sport].add_own_stats(self.own_stats)
        return replace(
            sport,
            longest_game=self.longest_game or sport.longest_game,
            line_high=self.line_high or sport.line_high,
        )

    def find_highest_value(self) -> float:
        """Return the highest plausible value of the quantity in a game."""
        return self.profile.find_limits(self.quantity)[1]

    @property
    def parts(self) -> list[str]:
        """The statistics of which the quantity is the sum."""
        return self.quantity.split("+")


RowRules = dict[str, Callable[[pd.DataFrame, Settings], Flags]]  # in their order, by the reason that the counts name
