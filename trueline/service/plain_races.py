"""Plain races: the rows of one typed race as `prepare_race_card` makes them, at a tenth of its time.

That function reads what any source may hold, column by column. A race of which nothing needs reading, because its
values are typed and its names are in normal form, needs only the columns that are computed from others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from stages.prepare.racing import COLUMNS, MIN_DECIMAL_ODDS, Settings, parse_grade_level
from trueline.core.stats.group_ops import Floats, rank_within_group, subtract_group_mean, sum_by_group
from trueline.core.tables.date_parsing import EARLIEST
from trueline.core.tables.name_forms import normalize_name
from trueline.core.tables.number_parsing import LEAST_METRES

TEXT_COLUMNS = ("entity", "group", "venue", "grade", "trainer")


@dataclass(frozen=True)
class PlainRunner:
    """A runner; its numbers may be missing."""

    runner: str
    box: int
    weight_kg: float | None
    trainer: str | None
    early_speed: float | None
    price: float | None


@dataclass(frozen=True)
class PlainRace:
    """A race without its runners; the start is in UTC, without an offset."""

    race_id: str
    start_time: datetime
    venue: str
    race_no: int | None
    distance_m: float
    grade: str


def prepare_plain_race(race: PlainRace, runners: Sequence[PlainRunner], settings: Settings) -> pd.DataFrame | None:
    """Return the prepared rows of a race by box, or None if it is not so plain, or breaks a rule of a card."""
    if settings.own_columns or not _is_plain(race, runners) or not _is_sound(race, runners, settings):
        return None
    sorted_runners = sorted(runners, key=lambda runner: runner.box)
    count = len(sorted_runners)
    boxes = [runner.box for runner in sorted_runners]
    early_speed = _list_numbers([runner.early_speed for runner in sorted_runners])
    code = np.zeros(count, np.int64)
    price = _list_numbers([runner.price for runner in sorted_runners])
    soft_label = 1 / price / sum_by_group(1 / price, code)
    computed = {
        "row_id": [f"{race.race_id}:{box}" for box in boxes],
        "entity": [normalize_name(runner.runner, has_number=True) for runner in sorted_runners],
        "group": [race.race_id] * count,
        "time": np.full(count, race.start_time, "datetime64[us]"),
        "soft_label": soft_label,
        "field_size": np.full(count, float(count)),
        "venue": [race.venue] * count,
        "race_no": np.full(count, np.nan if race.race_no is None else float(race.race_no)),
        "distance_m": np.full(count, race.distance_m),
        "grade": [race.grade] * count,
        "box": np.array(boxes, np.float64),
        "weight_kg": _list_numbers([runner.weight_kg for runner in sorted_runners]),
        "trainer": [pd.NA if runner.trainer is None else runner.trainer for runner in sorted_runners],
        "early_speed": early_speed,
        "bsp": price,
        "grade_level": np.full(count, parse_grade_level(race.grade)),
        "early_rank": rank_within_group(early_speed, code),
        "log_odds": subtract_group_mean(np.log(soft_label), code),
    }
    unknown = np.full(count, np.nan)
    return pd.DataFrame(
        {
            column.name: pd.Series(values, dtype=object) if column.name in TEXT_COLUMNS else values
            for column in COLUMNS
            for values in [computed.get(column.name, unknown)]
        }
    )


def _is_plain(race: PlainRace, runners: Sequence[PlainRunner]) -> bool:
    """Whether every text is as prepare would leave it: no number in a name, one spelling of each trainer."""
    trainers = {runner.trainer for runner in runners if runner.trainer is not None}
    texts = [race.race_id, race.venue, race.grade, *trainers, *(runner.runner for runner in runners)]
    return (
        all(text != "" and text.isprintable() and text == text.strip() for text in texts)
        and not any(map(str.isdigit, "".join(runner.runner for runner in runners)))
        and len(set(map(normalize_name, trainers))) == len(trainers)
    )


def _is_sound(race: PlainRace, runners: Sequence[PlainRunner], settings: Settings) -> bool:
    """Whether no rule of a card sets the race aside and no value is lost."""
    names = {normalize_name(runner.runner, has_number=True) for runner in runners}
    boxes = {runner.box for runner in runners}
    weights = [runner.weight_kg for runner in runners if runner.weight_kg is not None]
    prices = [runner.price for runner in runners if runner.price is not None]
    return (
        len(names) == len(boxes) == len(runners) > 1
        and "" not in names
        and settings.box_low <= min(boxes)
        and max(boxes) <= settings.box_high
        and LEAST_METRES <= race.distance_m < np.inf
        and pd.Timestamp(race.start_time) >= EARLIEST
        and (race.race_no is None or race.race_no >= 1)
        and all(1 <= weight < np.inf for weight in weights)
        and all(MIN_DECIMAL_ODDS <= price < np.inf for price in prices)
    )


def _list_numbers(numbers: Sequence[float | None]) -> Floats:
    return np.array([np.nan if number is None else number for number in numbers], np.float64)
