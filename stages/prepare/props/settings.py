"""Settings of props, and the form of the rules that set rows aside."""

from collections.abc import Callable
from typing import Literal

import pandas as pd
from pydantic import Field

from trueline.core.runtime.params import Date
from trueline.core.tables.row_filters import Flags
from trueline.core.tables.source_settings import SourceSettings


class Settings(SourceSettings):
    """The predicted quantity, the last day to keep, the limits of minutes and lines, and whether to estimate lines."""

    quantity: Literal["points", "rebounds", "assists", "steals", "blocks", "turnovers", "fg3m"]
    until: Date | None
    longest_game: float = Field(gt=0)
    line_high: float = Field(gt=0)
    estimate: bool


RowRules = dict[str, Callable[[pd.DataFrame, Settings], Flags]]  # in their order, by the reason that the counts name
