"""Days and times in the forms in which people write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.tables.date_parsing import (
    SERIAL_FORMATS,
    describe_forms,
    read_times,
    suggest_date_format,
    suggest_time_setting,
)

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2060, 12, 31)).map(
    lambda time: time.replace(second=0, microsecond=0)
)
FORMS = [
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y/%m/%d",
    "%d %B %Y",
    "%d %b %Y",
    "%b %d, %Y",
    "%d-%b-%Y",
    "%A, %d %B %Y",
    "%a %d %b %Y",
]


def read(*cells: object, **settings: object) -> list[object]:
    return read_times(pd.Series(cells, dtype=object), "races: date", **settings).tolist()  # type: ignore[arg-type]


@given(DAYS, st.sampled_from(FORMS))
def test_a_day_is_read_in_every_form_that_has_one_reading(day: date, form: str) -> None:
    assert read(day.strftime(form)) == [pd.Timestamp(day)]
    assert read(day.strftime(form).upper()) == [pd.Timestamp(day)]


@given(st.lists(DAYS, min_size=1), st.sampled_from("/.-"), st.booleans())
def test_one_day_after_the_12th_decides_for_the_whole_column(days: list[date], mark: str, day_first: bool) -> None:
    form = f"%d{mark}%m{mark}%Y" if day_first else f"%m{mark}%d{mark}%Y"
    cells = [day.strftime(form) for day in [*days, date(2025, 3, 13)]]
    assert read(*cells) == [pd.Timestamp(day) for day in [*days, date(2025, 3, 13)]]


@given(st.lists(DAYS, min_size=1), st.booleans())
def test_a_given_form_is_obeyed(days: list[date], day_first: bool) -> None:
    form = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    assert read(*(day.strftime(form) for day in days), date_format=form) == [pd.Timestamp(day) for day in days]
    with_time = [day.strftime(form) + " 18:05" for day in days]
    assert read(*with_time, date_format=form) == [pd.Timestamp(day) + pd.Timedelta("18:05:00") for day in days]


def test_days_that_have_two_readings_are_rejected_with_the_setting() -> None:
    with pytest.raises(
        UserError, match=r"races: date can be read .*'01/02/2025'.*date_format, '%d/%m/%Y' or '%m/%d/%Y'"
    ):
        read("01/02/2025", "03/04/2025")
    assert read("01/01/2025", "02/02/2025") == [pd.Timestamp("2025-01-01"), pd.Timestamp("2025-02-02")]


def test_days_that_contradict_each_other_are_rejected_with_both() -> None:
    with pytest.raises(UserError, match=r"days first \('13/02/2025'\) and months first \('02/14/2025'\)"):
        read("13/02/2025", "02/14/2025", "01/02/2025")


@given(TIMES)
def test_a_time_of_day_is_read_on_both_clocks(time: datetime) -> None:
    cells = [
        f"{time:%Y-%m-%d %H:%M}",
        f"{time:%Y-%m-%dT%H:%M:%S}",
        f"{time:%d %b %Y %I:%M %p}",
        f"{time:%Y-%m-%d %I:%M%p}",
    ]
    assert read(*cells) == [pd.Timestamp(time)] * 4
    assert read(f"{time:%Y-%m-%d} {time.hour}:{time:%M}") == [pd.Timestamp(time)]


@given(TIMES, st.integers(-12, 14))
def test_a_time_with_an_offset_keeps_its_own_day_and_its_instant(time: datetime, hours: int) -> None:
    zoned = time.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert [day.date() for day in read(zoned.isoformat(), as_day=True)] == [time.date()]  # type: ignore[attr-defined]
    assert read(zoned.isoformat()) == [pd.Timestamp(zoned.astimezone(UTC).replace(tzinfo=None))]


def test_a_zone_moves_times_and_leaves_days() -> None:
    zone = "America/New_York"
    assert read("2024-03-02T00:30:00Z", as_day=True, timezone=zone) == [pd.Timestamp("2024-03-01 19:30")]
    assert read("2024-03-01 19:30", timezone=zone) == [pd.Timestamp("2024-03-02 00:30")]
    assert read("2024-03-01", timezone=zone) == read("2024-03-01", as_day=True, timezone=zone)
    stored = pd.Series(pd.to_datetime(["2024-03-02T00:30:00Z"]))
    assert read_times(stored, "d", timezone=zone, as_day=True).tolist() == [pd.Timestamp("2024-03-01 19:30")]


@given(TIMES)
def test_numbers_are_dates_only_where_the_setting_says_so(time: datetime) -> None:
    instant = pd.Timestamp(time)
    seconds = int((instant - pd.Timestamp("1970-01-01")).total_seconds())
    assert read(seconds * 1000, date_format="unix_ms") == read(str(seconds), date_format="unix") == [instant]
    serial = (instant.normalize() - pd.Timestamp("1899-12-30")).days
    assert read(serial, date_format="excel") == [instant.normalize()]
    assert read(str(serial)) == [str(serial)]


@pytest.mark.parametrize(
    "cell", ["soon", "31/02/2025", "2025", "13:45", "2025-13-01", "5 Foo 2025", "1/2", "25 12 2025 x"]
)
def test_what_is_no_date_stays_as_it_came(cell: str) -> None:
    assert read(cell, "2025-01-31") == [cell, pd.Timestamp("2025-01-31")]


def test_forms_of_one_column_are_told_apart() -> None:
    dates = pd.Series(["2025-03-01", "2025-3-12 18:00", "04/03/2025", None])
    assert describe_forms(dates) == ["2025-03-01", "04/03/2025"]
    assert describe_forms(pd.to_datetime(dates[:1])) == []


@pytest.mark.parametrize("typed", [False, True])
def test_midnight_is_a_time_and_a_day_without_a_time_is_none(typed: bool) -> None:
    values = pd.Series(["2024-03-01T00:00", "2024-03-01T19:30"])
    zone = "America/New_York"
    times = read_times(pd.to_datetime(values) if typed else values, "lines.quoted_at", timezone=zone)
    assert times.astype(str).tolist() == ["2024-03-01 05:00:00", "2024-03-02 00:30:00"]
    days = pd.Series(["2024-03-01", "2024-03-02"])
    kept_days = read_times(pd.to_datetime(days) if typed else days, "games.date", timezone=zone)
    assert kept_days.tolist() == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-02")]


@given(TIMES, st.sampled_from(sorted(SERIAL_FORMATS)))
def test_the_form_that_is_suggested_for_a_number_reads_it(time: datetime, date_format: str) -> None:
    origin, unit = SERIAL_FORMATS[date_format]
    day = pd.Timestamp(time).normalize()
    cell = str((day - origin) // pd.Timedelta(1, unit))
    assert suggest_date_format(cell) == date_format
    assert read(cell, date_format=date_format) == [day]


@pytest.mark.parametrize("cell", ["7:30 pm", "2024", "20240301", "7", "-44852", "1.260200010.5", ""])
def test_no_form_is_suggested_for_what_is_no_serial_number(cell: str) -> None:
    assert suggest_date_format(cell) is None


@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2026, 1, 1)), st.sampled_from("/-."), st.booleans())
def test_two_orders_in_one_column_are_refused_where_they_give_days_far_from_all_others(
    first: date, mark: str, is_day_first: bool
) -> None:
    days = pd.Series(pd.date_range(first, periods=40))
    own, other = (f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y")[:: 1 if is_day_first else -1]
    right = days.dt.strftime(own)
    assert read_times(right, "days").tolist() == days.tolist()
    is_swapped = (days.dt.day <= 12) & (days.dt.day != days.dt.month)
    mixed = right.where(~is_swapped, days.dt.strftime(other))
    with pytest.raises(UserError, match=r"seems to have two orders in one column: .* set date_format to"):
        read_times(mixed, "days")
    assert read_times(mixed, "days", own).notna().all()


@pytest.mark.parametrize("text", ["202503010905", "20250301090500"])
def test_a_time_in_digits_alone_is_read_and_is_no_serial_number(text: str) -> None:
    assert read_times(pd.Series([text]), "days").tolist() == [pd.Timestamp("2025-03-01 09:05")]
    assert suggest_date_format(text) is None


@pytest.mark.parametrize("zone", ["ET", "EST", "AEST", "(BST)"])
@pytest.mark.parametrize("clock", ["19:30", "7:30 PM", "19:30:00"])
def test_an_abbreviated_zone_is_read_only_if_a_setting_says_which_it_is(zone: str, clock: str) -> None:
    cells = pd.Series([f"2025-03-01 {clock} {zone}", f"2025-03-02 {clock} {zone}"])
    assert read_times(cells, "days").tolist() == cells.tolist()
    in_new_york = read_times(cells, "days", timezone="America/New_York")
    assert in_new_york.tolist() == [pd.Timestamp("2025-03-02 00:30"), pd.Timestamp("2025-03-03 00:30")]
    assert suggest_time_setting(cells[0]).startswith("timezone, because ")


def test_a_zone_with_its_full_name_is_read_and_several_are_not() -> None:
    cells = pd.Series(["2025-07-01 19:30 Europe/London", "2025-07-02 19:30 Europe/London"])
    assert read_times(cells, "days").tolist() == [pd.Timestamp("2025-07-01 18:30"), pd.Timestamp("2025-07-02 18:30")]
    several = pd.Series(["2025-07-01 19:30 Europe/London", "2025-07-02 19:30 Europe/Paris"])
    assert read_times(several, "days").tolist() == several.tolist()
    assert read_times(several, "days", timezone="Europe/London").tolist() == several.tolist()


@given(
    TIMES,
    st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%Y/%m/%d"]),
    st.sampled_from(["%H.%M", "%Hh%M", "%I.%M%p", "%H:%M"]),
)
def test_the_sign_between_hours_and_minutes_is_only_form(time: datetime, day_form: str, clock_form: str) -> None:
    assert read(time.strftime(f"{day_form} {clock_form}")) == [pd.Timestamp(time)]
