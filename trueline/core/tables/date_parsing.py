"""Date parsing: days and times in the forms that people write; the column decides between day-first and month-first."""

import re
import zoneinfo
from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from trueline.core.errors import UserError

SERIAL_FORMATS: dict[
    str, tuple[pd.Timestamp, Literal["D", "s", "ms"]]
] = {  # forms of dates that are numbers: the moment from which they count, and the unit
    "excel": (pd.Timestamp("1899-12-30"), "D"),
    "unix": (pd.Timestamp("1970-01-01"), "s"),
    "unix_ms": (pd.Timestamp("1970-01-01"), "ms"),
}
EARLIEST = pd.Timestamp("1900-01-01")  # an earlier day is a year that was written short, or a number that is no date
NEAR = pd.Timedelta(days=31)  # dates further than this from all others are doubtful,
LEAST_FAR_DATES = 3  # if so many of them would be near with day and month exchanged
MOST_YEARS = 2  # in a column whose dates begin with a year of two digits
LEAST_DAYS = 4  # on so many days of a month a column must be to have the days last
PLAUSIBLE_SERIALS = {"excel": (20_000, 80_000), "unix": (1e8, 4.7e9), "unix_ms": (1e11, 4.7e12)}  # no two overlap
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
CLOCK = r"(?:(?:,?\s+|t)(?P<time>\d{1,2}:\d{2}.*))?"
NUMERIC_DATE = re.compile(
    WEEKDAY + r"(?P<first>\d{1,2})(?P<mark>[/.\-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})" + CLOCK
)
DAY_MONTH_NAME = re.compile(
    WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s\-]*(?P<month>[a-z]{3,9})\.?,?[\s\-]*(?P<year>\d{4}|\d{2})" + CLOCK
)
MONTH_NAME_DAY = re.compile(
    WEEKDAY + r"(?P<month>[a-z]{3,9})\.?[\s\-]*(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[\s\-]+(?P<year>\d{4})" + CLOCK
)
COMPACT_TIME = re.compile(
    r"(?P<year>19\d\d|20\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?"
)
ISO_DATE = re.compile(r"(?P<year>\d{4})[\-/.](?P<month>\d{1,2})[\-/.](?P<day>\d{1,2})" + CLOCK)
TIME_OF_DAY = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d+)?)?\s*(?P<half>[ap])?(?(half)\.?m\.?)"
    r"\s*(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2})?"
)
# "19:30 ET", "19:30 (AEST)" and "19:30 Europe/London", but neither "7:30 PM" nor "19:30 UTC"
ZONE_NAME = re.compile(
    r"(?P<time>.*\d:\d{2}.*?)\s+[(\[]?(?P<zone>(?!(?:AM|PM|UTC|GMT|Z)\b)(?:[A-Z]{2,5}|[A-Z]\w+/\w[\w/]*))[)\]]?"
)
OTHER_CLOCK = r"(?i)^(.*\d[t\s]+)(\d{1,2})[.h](\d{2})(\s*[ap]\.?m\.?)?$"  # 18.05, 18h05 or 6.05pm behind a day
END_OF_DAY = r"(?<=[T ])24:00(?=(?::00(?:\.0+)?)?(?:[zZ]|[+-]\d{2}:?\d{2})?$)"
OFFSET = r"\d:\d{2}.*(?:[zZ]|[+-]\d{2}:?\d{2})$"


def read_times(
    values: pd.Series, label: str, date_format: str | None = None, timezone: str | None = None, as_day: bool = False
) -> pd.Series:
    """Return a column of days or times as datetime64[us] in UTC; a cell that cannot be read stays as it came.

    A time without an offset is one in `timezone` (UTC if that is None), and so is one with the abbreviation of a zone,
    which is only read if `timezone` says which that is; a day without a time stays that day. With
    `as_day` the result is the local day: a time with an offset keeps its own, or is moved to `timezone`, if given.
    `date_format` is a pattern of strftime, or excel, unix or unix_ms for numbers. Raises UserError if days and months
    cannot be told apart, or the column contradicts itself about their order; `label` names the column there.

    >>> read_times(pd.Series(["13/02/2025", "01/02/2025"]), "games.date").dt.strftime("%d %B").tolist()
    ['13 February', '01 February']
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return _shift_to_zone(values, timezone, as_day)
    text = values.astype("string").str.strip()
    text = text.mask(text.isin(["", "-", "nan", "NaN", "NaT", "None", "null", "NULL", "<NA>"]))
    unique_text = pd.Series(text.dropna().unique(), dtype="string")
    plain_text, timezone = _drop_zone_names(unique_text, date_format, timezone)
    if date_format is None:
        plain_text = plain_text.str.replace(OTHER_CLOCK, r"\1\2:\3\4", regex=True)
    unique_times = _parse_unique(plain_text, label, date_format, timezone, as_day)
    times = text.map(dict(zip(unique_text, unique_times, strict=True))).astype("datetime64[us]")
    times = times.mask(times < EARLIEST)
    is_failed = text.notna() & times.isna()
    return times.astype(object).mask(is_failed, values.astype(object)) if is_failed.any() else times


def describe_forms(values: pd.Series) -> list[str]:
    """Return an example of each form of date in a column, the commonest first; one entry if they are all alike.

    >>> describe_forms(pd.Series(["2025-03-01", "2025-03-02", "04/03/2025"]))
    ['2025-03-01', '04/03/2025']
    """
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return []
    text = pd.Series(values.dropna().unique()).astype("string").str.strip()
    day = text.str.replace(r"[T\s]+\d{1,2}:\d{2}.*$", "", regex=True)
    shape = day.str.replace(r"\d+", "9", regex=True).str.replace(r"[A-Za-z]+", "a", regex=True)
    counts = shape.value_counts()
    return [str(text[shape == form].iloc[0]) for form in counts.index]


def suggest_time_setting(cell: str) -> str:
    """Return the setting that reads a date which is a number or names a zone; else that of the form of dates.

    >>> suggest_time_setting("44852"), suggest_time_setting("2024-10-23 19:30 ET")
    ('date_format: excel', "timezone, because 'ET' names a zone")
    """
    if match := ZONE_NAME.fullmatch(cell.strip()):
        return f"timezone, because {match['zone']!r} names a zone"
    date_format = suggest_date_format(cell)
    return f"date_format: {date_format}" if date_format else "date_format"


def suggest_date_format(cell: str) -> str | None:
    """Return the form of `date_format` that makes a number a day of living memory, or None if none does.

    >>> suggest_date_format("1704252600000"), suggest_date_format("44852"), suggest_date_format("7:30 pm")
    ('unix_ms', 'excel', None)
    """
    if not re.fullmatch(r"\d+(?:\.\d+)?", cell) or COMPACT_TIME.fullmatch(cell):
        return None
    number = float(cell)
    fitting = (form for form, (low, high) in PLAUSIBLE_SERIALS.items() if low <= number <= high)
    return next(fitting, None)


def _drop_zone_names(text: pd.Series, date_format: str | None, timezone: str | None) -> tuple[pd.Series, str | None]:
    """Return the texts without names of zones, and the zone: of abbreviations it must be given, a full name tells it.

    Names that a given form contains stay, and so do full names of several zones.
    """
    if date_format is not None or not len(text) or not ZONE_NAME.fullmatch(text.iloc[0]):
        return text, timezone
    matches = [ZONE_NAME.fullmatch(cell) for cell in text]
    names = {match["zone"] for match in matches if match}
    full_names = {name for name in names if "/" in name}
    if timezone is None and len(names) == len(full_names) == 1 and full_names <= zoneinfo.available_timezones():
        (timezone,) = full_names
    elif timezone is None or full_names - {timezone}:
        return text, timezone
    times = [match["time"] if match else cell for match, cell in zip(matches, text, strict=True)]
    return pd.Series(times, text.index, dtype="string"), timezone


def _parse_unique(
    text: pd.Series, label: str, date_format: str | None, timezone: str | None, as_day: bool
) -> pd.Series:
    if date_format in SERIAL_FORMATS:
        origin, unit = SERIAL_FORMATS[date_format]
        numbers = pd.to_numeric(text, errors="coerce").astype("Float64")
        elapsed = pd.Series(pd.to_timedelta(numbers.to_numpy(float, na_value=np.nan), unit=unit))
        serials = origin + elapsed.dt.round("ms").astype("timedelta64[us]")  # a fraction of a day is not exact
        is_instant = date_format != "excel"
        return _shift_to_zone(serials.dt.tz_localize("UTC") if is_instant else serials, timezone, as_day)
    times = pd.Series(pd.NaT, text.index, dtype="datetime64[us]")
    if date_format is not None:
        formatted = pd.to_datetime(text, format=date_format, errors="coerce", utc="%z" in date_format)
        times = _shift_to_zone(formatted, timezone, as_day).astype("datetime64[us]")
    times = times.fillna(_parse_iso(text.where(times.isna()), timezone, as_day))
    remaining = text[times.isna()]
    if len(remaining):
        is_day_first = _find_day_first(remaining, label) if date_format is None else _read_format_order(date_format)
        cells = [_rewrite_as_iso(cell.lower(), is_day_first) for cell in remaining]
        rewritten = pd.Series(cells, remaining.index, dtype="string")
        times = times.fillna(_parse_iso(rewritten, timezone, as_day))
    return times


def _parse_iso(text: pd.Series, timezone: str | None, as_day: bool) -> pd.Series:
    text = text.mask(text.str.len() < 6)  # a year alone is no day
    is_midnight = text.str.contains(END_OF_DAY, regex=True).fillna(False)
    if is_midnight.any():  # 24:00 is 0:00 of the next day
        at_zero = text[is_midnight].str.replace(END_OF_DAY, "00:00", regex=True)
        next_day = _parse_iso(at_zero, timezone, as_day) + pd.Timedelta(days=1)
        return _parse_iso(text.mask(is_midnight), timezone, as_day).fillna(next_day.reindex(text.index))
    has_offset = text.str.contains(OFFSET, regex=True).fillna(False)
    naive = pd.to_datetime(text.mask(has_offset), format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    is_day = ~text.str.contains(r"\d:\d{2}", regex=True).fillna(False)
    times = _shift_to_zone(naive, timezone, as_day, is_day).astype("datetime64[us]")
    if has_offset.any():
        with_offset = text[has_offset]
        if as_day and timezone is None:  # its own local day is what it says before the offset
            wall_clock = with_offset.str.extract(r"^(.*?\d:\d{2})", expand=False)
            local = pd.to_datetime(wall_clock, format="ISO8601", errors="coerce")
        else:
            instants = pd.to_datetime(with_offset, format="ISO8601", errors="coerce", utc=True)
            local = _shift_to_zone(instants, timezone, as_day)
        times = times.fillna(local.astype("datetime64[us]").reindex(times.index))
    return times


def _shift_to_zone(times: pd.Series, timezone: str | None, as_day: bool, is_day: pd.Series | None = None) -> pd.Series:
    """Return times without a zone: as a local day, or as an instant in UTC.

    `is_day` marks days without a time, which stay; unless it is given, all are days if all are at midnight.
    """
    if times.dt.tz is not None:
        zone = (timezone or times.dt.tz) if as_day else "UTC"
        return pd.Series(times.dt.tz_convert(zone).dt.tz_localize(None), times.index)
    if timezone is None or as_day:
        return times
    if is_day is None:
        is_day = pd.Series(bool((times.dropna() == times.dropna().dt.normalize()).all()), times.index)
    instants = times.dt.tz_localize(timezone, ambiguous=np.ones(len(times), dtype=bool), nonexistent="shift_forward")
    return times.where(is_day, instants.dt.tz_convert("UTC").dt.tz_localize(None))


def _find_day_first(text: Iterable[str], label: str) -> dict[str, bool]:
    """Return for each mark between the numbers (/, . or -) whether the day comes first.

    Raises UserError if no cell, or one against another, tells.
    """
    day_first = {}
    matches = [match for cell in text if (match := NUMERIC_DATE.fullmatch(cell.lower()))]
    for mark in sorted({match["mark"] for match in matches}):
        dates = [match for match in matches if match["mark"] == mark]
        _reject_years_in_front(dates, label, mark)
        by_day = [match[0] for match in dates if int(match["first"]) > 12]
        by_month = [match[0] for match in dates if int(match["second"]) > 12]
        either = [match[0] for match in dates if match["first"] != match["second"]]
        if by_day and by_month:
            raise UserError(
                f"{label} has days first ({by_day[0]!r}) and months first ({by_month[0]!r}) in one column; write all "
                "dates in one form, such as 2024-03-01."
            )
        if either and not by_day and not by_month:
            raise UserError(
                f"{label} can be read with the day or the month first (for example {either[0]!r}); say which by "
                f"date_format, '%d{mark}%m{mark}%Y' or '%m{mark}%d{mark}%Y', in params.yaml."
            )
        _reject_mixed_orders(dates, bool(by_day), label, mark)
        day_first[mark] = not by_month
    return day_first


def _reject_mixed_orders(dates: list[re.Match[str]], is_day_first: bool, label: str, mark: str) -> None:
    """Raise UserError if days that can be read in both orders lie far from the others, and near in the other order."""
    readings = {match[0]: (_read_day(match, is_day_first), _read_day(match, not is_day_first)) for match in dates}
    decided_days = [day for day, swapped_day in readings.values() if day is not None and swapped_day is None]
    if not decided_days:
        return
    first_day, last_day = min(decided_days) - NEAR, max(decided_days) + NEAR
    far_dates = [
        text
        for text, (day, swapped_day) in readings.items()
        if day is not None and swapped_day is not None
        if first_day <= swapped_day <= last_day and not first_day <= day <= last_day
    ]
    if len(far_dates) >= LEAST_FAR_DATES:
        pattern, other_pattern = ("%d", "%m") if is_day_first else ("%m", "%d")
        raise UserError(
            f"{label} seems to have two orders in one column: {len(far_dates)} dates such as {far_dates[0]!r} are far "
            f"from all others in the order of these, and near with day and month exchanged; write all dates in one "
            f"form, such as 2024-03-01, or, if they are right, set date_format to "
            f"'{pattern}{mark}{other_pattern}{mark}%Y' in params.yaml."
        )


def _read_day(date: re.Match[str], is_day_first: bool) -> pd.Timestamp | None:
    day, month = (int(date[name]) for name in (("first", "second") if is_day_first else ("second", "first")))
    year = date["year"] if len(date["year"]) == 4 else f"20{date['year']}"
    try:
        return pd.Timestamp(int(year), month, day)
    except ValueError:
        return None


def _reject_years_in_front(dates: list[re.Match[str]], label: str, mark: str) -> None:
    """Raise UserError if all dates begin with one of few numbers after 12, and end with many: 25/01/06 is in 2025."""
    first_numbers, last_numbers = {match["first"] for match in dates}, {match["year"] for match in dates}
    is_short = (
        all(len(year) == 2 for year in last_numbers)
        and min(map(int, first_numbers)) > 12
        and len(first_numbers) <= MOST_YEARS
    )
    if is_short and len(last_numbers) >= LEAST_DAYS and max(map(int, last_numbers)) <= 31:
        raise UserError(
            f"{label} seems to have the year first, in two digits (for example {dates[0][0]!r}); say so by "
            f"date_format, '%y{mark}%m{mark}%d', in params.yaml, or write all four digits."
        )


def _read_format_order(date_format: str) -> dict[str, bool]:
    """Return the order that a pattern states, for its days with a time of day behind them."""
    positions = date_format.find("%d"), date_format.find("%m")
    return {} if -1 in positions else dict.fromkeys("/.-", positions[0] < positions[1])


def _rewrite_as_iso(cell: str, is_day_first: dict[str, bool]) -> str | None:
    """Return a date in another form as ISO 8601; None if it has none of the known forms."""
    if (match := NUMERIC_DATE.fullmatch(cell)) and match["mark"] in is_day_first:
        numbers = int(match["first"]), int(match["second"])
        day, month = numbers if is_day_first[match["mark"]] else reversed(numbers)
    elif match := COMPACT_TIME.fullmatch(cell):
        clock = f"{match['hour']}:{match['minute']}:{match['second'] or '00'}"
        return f"{match['year']}-{match['month']}-{match['day']}T{clock}"
    elif match := ISO_DATE.fullmatch(cell):
        day, month = int(match["day"]), int(match["month"])
    elif match := DAY_MONTH_NAME.fullmatch(cell) or MONTH_NAME_DAY.fullmatch(cell):
        if match["month"][:3] not in MONTHS:
            return None
        day, month = int(match["day"]), MONTHS.index(match["month"][:3]) + 1
    else:
        return None
    time = _rewrite_time(match["time"]) if match["time"] else ""
    year = match["year"] if len(match["year"]) == 4 else f"20{match['year']}"
    return None if time is None else f"{year}-{month:02}-{day:02}{time}"


def _rewrite_time(text: str) -> str | None:
    match = TIME_OF_DAY.fullmatch(text.strip())
    if not match:
        return None
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"] == "p" else 0)
    zone = {"utc": "Z", "gmt": "Z", "z": "Z"}.get(match["zone"] or "", match["zone"] or "")
    return f"T{hour:02}:{match['minute']}:{match['second'] or '00'}{match['fraction'] or ''}{zone}"
