"""Until when quotes stood, against a loop over the quotes, and when inputs were known."""

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.props.quote_times import add_known_times, compute_quote_ends

DAY = pd.Timestamp("2024-03-01")
KEY = ["game_row", "book"]
Quote = dict[str, Any]
hours = st.one_of(st.integers(0, 9), st.none())
quotes = st.fixed_dictionaries(
    {
        "game_row": st.integers(0, 1),
        "book": st.sampled_from(["one", "two", None]),
        "quoted_at": hours,
        "quoted_until": hours,
        "start": hours,
    }
)


def at(hour: float | None) -> Any:
    return pd.NaT if hour is None else DAY + pd.Timedelta(hours=hour)


def table(rows: list[Quote]) -> pd.DataFrame:
    times = ["quoted_at", "quoted_until", "start"]
    made = pd.DataFrame(rows, columns=[*KEY, *times])
    return made.assign(**{name: pd.Series([at(row[name]) for row in rows], dtype="datetime64[us]") for name in times})


def end(row: Quote, rows: list[Quote], stands: int | None) -> float | None:
    """Return the hour until which a quote stood."""
    if row["quoted_at"] is None:
        return None
    own = [other["quoted_at"] for other in rows if all(other[name] == row[name] for name in KEY)]
    later = min((hour for hour in own if hour is not None and hour > row["quoted_at"]), default=None)
    last = row["start"] if stands is None else row["quoted_at"] + stands
    claimed = next((hour for hour in (row["quoted_until"], later, last) if hour is not None), None)
    return min((hour for hour in (claimed, later, row["start"]) if hour is not None), default=None)


@settings(deadline=None, max_examples=60)
@given(st.lists(quotes, min_size=1, max_size=12), st.sampled_from([2, None]))
def test_a_quote_stands_until_the_next_of_its_book_or_for_a_while(rows: list[Quote], stands: int | None) -> None:
    minutes = None if stands is None else 60.0 * stands
    expected = pd.Series([at(end(row, rows, stands)) for row in rows], dtype="datetime64[us]")
    found = compute_quote_ends(table(rows), KEY, minutes)
    pd.testing.assert_series_equal(found, expected, check_names=False, check_dtype=False)


def test_inputs_are_known_in_the_morning_or_at_an_earlier_start_and_line_ups_when_announced() -> None:
    given_hours = {"start_time": [23, 3, None, None], "quoted_start": [None, None, 22, None]}
    given_hours |= {"lineups_at": [22, None, None, None]}
    times = {name: [at(hour) for hour in hours_of_games] for name, hours_of_games in given_hours.items()}
    games = pd.DataFrame(times).astype("datetime64[us]")
    found = add_known_times(games.assign(time=DAY))
    assert found["known_before"].tolist() == [at(5), at(3), at(5), at(5)]
    assert found["known_at_start"].tolist()[:3] == [at(22), at(3), at(22)]
    assert pd.isna(found["known_at_start"].iloc[3])
