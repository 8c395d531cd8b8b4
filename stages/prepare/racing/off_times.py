"""Off times: times of a 12-hour clock without a.m. and p.m. contradict the race numbers of a card."""

import pandas as pd

from trueline.core.errors import UserError

HALF_DAY = pd.Timedelta(hours=12)
MOST_CONTRADICTORY = 0.1  # a larger share of contradictory cards is a clock that was misread, and not a fault in a race


def move_to_afternoon(start_time: pd.Series, hour: int | None) -> pd.Series:
    """Return start times, those between 1:00 and `hour` moved by twelve hours; unchanged if `hour` is None."""
    if hour is None:
        return start_time
    return start_time.mask(start_time.dt.hour.between(1, hour - 1), start_time + HALF_DAY)


def reject_contradictory_times(rows: pd.DataFrame) -> None:
    """Raise UserError if, on many cards, a race starts before one with a lower number.

    Only cards are judged on which every race has a number of its own and not all start at once.
    """
    races = rows.dropna(subset=["race_no", "start_time"]).drop_duplicates("race_id")
    races = races.assign(day=races["start_time"].dt.normalize()).sort_values(["venue", "day", "race_no"])
    card = races.groupby(["venue", "day"])
    is_card = (card["race_no"].transform("nunique") == card["race_no"].transform("size")) & (
        card["start_time"].transform("nunique") > 1
    )
    races = races[is_card].assign(earlier=card["start_time"].shift()[is_card])
    contradictory = races[races["start_time"] < races["earlier"]]
    card_count = len(races.drop_duplicates(["venue", "day"]))
    share = len(contradictory.drop_duplicates(["venue", "day"])) / max(card_count, 1)
    if share > MOST_CONTRADICTORY:
        race = contradictory.iloc[0]
        raise UserError(
            f"racing: the off times contradict the race numbers on {share:.0%} of the cards (race {race['race_no']:g} "
            f"at {race['venue']} on {race['day']:%Y-%m-%d} starts at {race['start_time']:%H:%M}, the race before it at "
            f"{race['earlier']:%H:%M}); write them on a 24-hour clock, or set prepare.racing.pm_before to the hour "
            "before which times are p.m., such as 11."
        )
