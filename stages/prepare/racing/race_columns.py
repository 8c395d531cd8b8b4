"""Declarations of racing: the columns of a source and of the prepared rows, and the settings."""

from pydantic import Field

from stages.prepare.racing.price_forms import PriceForm
from trueline.core.runtime.params import Date
from trueline.core.tables.source_settings import SourceSettings
from trueline.core.tables.table_schema import Column

MIN_DECIMAL_ODDS = 1.001  # decimal odds; 1.0 would only return the stake

# Raw columns that keep their names. In optional ones, a value beyond its limits becomes missing and is counted.
PASSTHROUGH_COLUMNS = [
    Column("venue", "text", "before", "where the race is run", required=True, nullable=False),
    Column("race_no", "whole", "before", "number of the race on its card", low=1),
    Column("distance_m", "number", "before", "length of the race", "m", required=True, nullable=False, low=1),
    Column("grade", "text", "before", "class of the race", required=True, nullable=False),
    Column("box", "whole", "before", "starting box, or rug number", required=True, nullable=False),
    Column("weight_kg", "number", "before", "weight of the runner", "kg", low=1),
    Column("trainer", "text", "before", "who trains the runner"),
    Column("early_speed", "number", "before", "rating of the runner's early pace, made before the race"),
    Column("won", "whole", "after", "1 for the winner, or each that shared the win", required=True, nullable=False),
    Column("placed", "whole", "after", "1 where place bets were paid; if not told, for the first three", low=0, high=1),
    Column("place", "whole", "after", "finishing position", low=1),
    Column("run_time_s", "number", "after", "the runner's own time", "s", low=1),
    Column("sectional_s", "number", "after", "the runner's time to the first mark", "s", low=0),
    Column("margin_lengths", "number", "after", "lengths behind the winner; the winner's lead, negative", "lengths"),
    Column("bsp", "number", "at_start", "starting price", "decimal odds", required=True, low=MIN_DECIMAL_ODDS),
    Column("place_bsp", "number", "at_start", "starting price of a place", "decimal odds", low=MIN_DECIMAL_ODDS),
    Column(
        "benchmark_price",
        "number",
        "at_start",
        "another modeller's price",
        "decimal odds",
        low=MIN_DECIMAL_ODDS,
        evaluation_only=True,
    ),
]
RAW_COLUMNS = [
    Column("race_id", "text", "before", "the race", required=True),
    Column("start_time", "time", "before", "the start, or its day", required=True),
    Column("runner", "text", "before", "the runner's name", required=True),
    Column("scratched", "whole", "before", "1 for a runner that was withdrawn", low=0, high=1),
    Column("dead_heat", "whole", "after", "1 for a runner that shared its place", low=0, high=1),
    *PASSTHROUGH_COLUMNS,
    Column(
        "updated_at", "time", "after", "when the row was written: of several of a runner and race the newest counts"
    ),
]
COLUMNS = [
    Column("row_id", "text", "before", "race and box", nullable=False),
    Column("entity", "text", "before", "the runner's name, in capitals", nullable=False),
    Column("group", "text", "before", "the race", nullable=False),
    Column("time", "time", "before", "the start, or its day", nullable=False),
    Column("target", "number", "after", "share of the win; a dead heat of k is 1/k", nullable=False, low=0, high=1),
    Column("soft_label", "number", "at_start", "the market's probability; missing if a price is", low=0, high=1),
    Column("field_size", "whole", "before", "runners in the race, without the scratched", nullable=False, low=2),
    *PASSTHROUGH_COLUMNS,
    Column("grade_level", "number", "before", "mean of the numbers in the grade's name: 4/5 is 4.5, 1 is the highest"),
    Column("early_rank", "number", "before", "rank of early_speed within the race, 1 the highest", low=1),
    Column("log_odds", "number", "at_start", "ln(soft_label), centred within the race", "nats"),
    Column("surprise", "number", "after", "target − soft_label", low=-1, high=1),
    Column("place_p", "number", "at_start", "the place market's; sums to the places it pays", low=0, high=1),
]
# left out if the source has no value of them, so that no inputs are made of nothing
OPTIONAL_COLUMNS = ["weight_kg", "trainer", "place", "run_time_s", "sectional_s", "margin_lengths"]
OPTIONAL_COLUMNS += ["race_no", "early_speed", "placed", "place_bsp", "place_p", "grade_level", "early_rank"]
REQUIRED_COLUMNS = ["race_id", "start_time", "venue", "distance_m", "grade", "box", "runner"]
# an unreadable value in one of these sets the race aside
CHECKED_COLUMNS = [*REQUIRED_COLUMNS[2:], "won", "bsp", "scratched", "dead_heat"]


class Settings(SourceSettings):
    """How the source is written, the plausible boxes and books (sums of 1/price over a race), and the last day to keep.

    `odds` is the form of prices that are plain numbers; off times from 1:00 to `pm_before` are in the afternoon.
    """

    TIME_COLUMNS = ("start_time", "updated_at")

    until: Date | None
    box_low: int
    box_high: int
    book_low: float
    book_high: float
    odds: PriceForm = "decimal"
    pm_before: int | None = Field(default=None, ge=1, le=12)
