"""Off times: times of a 12-hour clock without a.m. and p.m. contradict the race numbers of a card."""

import pandas as pd

from trueline.core.errors import UserError

HALF_DAY = pd.Timedelta(hours=12)
LEAST_GAP = pd.Timedelta(hours=5)  # between two races of a card: even a meeting of two sessions has a shorter one
MOST_CONTRADICTORY = 0.1  # a larger share of contradictory cards is a clock that was misread, and not a fault in a race


def move_to_afternoon(start_time: pd.Series, hour: int | None) -> pd.Series:
    """Return start times, those between 1:00 and `hour` moved by twelve hours; unchanged if `hour` is None."""
    if hour is None:
        return start_time
    return start_time.mask(start_time.dt.hour.between(1, hour - 1), start_time + HALF_DAY)


def reject_half_day_clock(rows: pd.DataFrame) -> None:
    """Raise UserError if no race starts before 1:00 or after 12:59, and many cards have a gap as of a 12-hour clock.

    There 2:10 comes before 12:10. This needs no race numbers, and a card of times in another zone has no such gap.
    """
    races = rows.dropna(subset=["start_time"]).drop_duplicates("race_id")
    start = races["start_time"]
    has_clock = start != start.dt.normalize()
    if not has_clock.any() or not start[has_clock].dt.hour.between(1, 12).all():
        return
    races = races[has_clock].assign(day=start.dt.normalize()).sort_values(["venue", "day", "start_time"])
    races["earlier"] = races.groupby(["venue", "day"])["start_time"].shift()
    cards = races.dropna(subset=["earlier"]).assign(gap=lambda table: table["start_time"] - table["earlier"])
    widest = cards.sort_values("gap").drop_duplicates(["venue", "day"], keep="last")
    has_gap = widest["gap"] >= LEAST_GAP
    if has_gap.mean() > MOST_CONTRADICTORY:
        race = widest[has_gap].iloc[0]
        raise UserError(
            f"racing: no race starts after 12:59, and on {has_gap.mean():.0%} of the cards hours lie between two races "
            f"(at {race['venue']} on {race['day']:%Y-%m-%d} between {race['earlier']:%H:%M} and "
            f"{race['start_time']:%H:%M}), so the off times seem to be of a 12-hour clock; write them on a 24-hour "
            "clock, or set prepare.racing.pm_before to the hour before which times are p.m., such as 11 (1 if none is)."
        )


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
