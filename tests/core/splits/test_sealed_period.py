"""The sealed period: exactly the rows of the newest days are taken away."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.splits.sealed_period import seal_newest_days
from trueline.core.splits.walk_forward import NO_CLOCK

FIRST_DAY = pd.Timestamp("2024-02-20")


def make_rows(hours: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"row_id": np.arange(len(hours)), "time": FIRST_DAY + pd.to_timedelta(hours, "h")})


@given(st.lists(st.integers(0, 24 * 40), min_size=2, max_size=60), st.integers(1, 30))
def test_rows_of_the_newest_calendar_days_are_sealed_and_no_others(hours: list[int], sealed_days: int) -> None:
    rows = make_rows(hours)
    days = [hour // 24 for hour in hours]
    expected = [number for number, day in enumerate(days) if day <= max(days) - sealed_days]
    if max(days) - sealed_days < min(days):
        with pytest.raises(UserError, match=rf"sealed_days is {sealed_days}, but the data run only from 2024-"):
            seal_newest_days(rows, sealed_days)
        return
    kept, period = seal_newest_days(rows, sealed_days)
    assert kept["row_id"].tolist() == expected
    assert kept.index.tolist() == list(range(len(kept)))
    assert period is not None
    assert period["rows"] == len(rows) - len(expected)
    assert kept["time"].max() < pd.Timestamp(period["from_day"])
    assert period["to_day"] == f"{rows['time'].max():%Y-%m-%d}"
    assert pd.Timestamp(period["to_day"]) - pd.Timestamp(period["from_day"]) == pd.Timedelta(days=sealed_days - 1)


def test_with_null_nothing_is_sealed() -> None:
    rows = make_rows([1, 30, 60])
    assert seal_newest_days(rows, None) == (rows, None)


def test_rows_without_dates_cannot_be_sealed() -> None:
    with pytest.raises(UserError, match=r"sealed_days is 3, but the rows have no dates"):
        seal_newest_days(pd.DataFrame({"time": [NO_CLOCK, NO_CLOCK]}), 3)
    undated = pd.DataFrame({"time": [NO_CLOCK]})
    assert seal_newest_days(undated, None)[0] is undated
