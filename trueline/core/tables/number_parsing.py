"""Number parsing: numbers as the field writes them; a number must fill its cell, apart from a known unit."""

import re
from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

DecimalMark = Literal[".", ","]

MISSING_WORDS = ("", "-", "--", "—", "nan", "na", "n/a", "none", "null", "<na>", "#n/a")
INFINITE_WORDS = ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")
TYPED_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "﹣": "-",
        "－": "-",
        "\xa0": " ",
        "\u202f": " ",
        "½": ".5",
        "¼": ".25",
        "¾": ".75",
        "⁄": "/",
        "∕": "/",
    }
)
THOUSANDS_COMMA = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
DECIMAL_COMMA = re.compile(
    r"[+-]?\d*,(?:\d{1,2}|\d{4,})|[+-]?(?:0|\d{4,}),\d{3}|[+-]?\d{1,3}(?:\.\d{3})+,\d+|\d+(?::\d{2})+,\d+"
)
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
PERCENT = re.compile(r"([+-]?\d+\.?\d*)\s*%")

METRES_PER_MILE, METRES_PER_FURLONG, METRES_PER_YARD = 1609.344, 201.168, 0.9144
LEAST_METRES, MOST_MILES = 100.0, 10.0  # "525m" is metres and "1m" is a mile, because no race is shorter or longer
KG_PER_POUND, POUNDS_PER_STONE = 0.45359237, 14
LEAST_AMERICAN_ODDS = 100.0  # a price nearer to 0 is written as decimal odds

NO_PRICE_WORDS = ("sp", "bsp", "tba", "tbc", "no price", "no odds", "n.a.", "off")
FAVOURITE = r"\s*(?:[jc]?f|j|c|(?:j|jt\s*|co\s*)?fav)?\.?"
DECIMAL_ODDS = re.compile(r"[$£€]?\s*(\d+\.?\d*|\.\d+)\s*[$£€]?" + FAVOURITE)
EVEN_ODDS = re.compile(r"(?:even|evens|ev|evs|evn)" + FAVOURITE)
FRACTIONAL_ODDS = re.compile(r"(\d+\.?\d*)\s*(?:[/-]|to)\s*(\d+)" + FAVOURITE)
METRIC_DISTANCE = re.compile(r"(\d+\.?\d*)\s*(m|mtrs?|met(?:er|re)s?|km)\.?")
IMPERIAL_DISTANCE = re.compile(
    r"(?:(\d*\.?\d+)\s*(?:miles?|m))?\s*(?:(\d*\.?\d+)\s*(?:furlongs?|f))?\s*(?:(\d*\.?\d+)\s*(?:yards?|yds?|y))?"
)
STONES_AND_POUNDS = re.compile(r"(\d{1,2})\s*(?:-|st\.?)\s*(?:(\d{1,2}(?:\.\d+)?)\s*(?:lbs?)?)?")
POUNDS = re.compile(r"(\d+\.?\d*)\s*(?:lbs?|pounds?)")
KILOGRAMS = re.compile(r"(\d+\.?\d*)\s*kgs?")
CLOCK = re.compile(r"(?:(\d+):)?(\d+)(?:\.0+)?(?::|m\s*)([0-5]?\d(?:\.\d+)?)\s*(?:s|secs?)?")
DOTTED_CLOCK = re.compile(r"()(\d{1,2})\.([0-5]\d\.\d{1,3})")
ISO_DURATION = re.compile(r"pt(?=\d)(?:(\d+)h)?(?:(\d+\.?\d*)m)?(?:(\d+\.?\d*)s)?")
PADDED_CLOCK = r"(\d+):\d{2}:00"
MOST_HOURS = 5  # of playing time in a game
WORDED_CLOCK = re.compile(
    r"()(\d+)\s*(?:'|′|m|min\.?|mins|minutes?)\s*([0-5]?\d(?:\.\d+)?)\s*(?:\"|″|''|s|secs?|seconds?)?"
)
SECONDS = re.compile(r"(\d+\.?\d*)\s*(s|secs?|seconds|ms|mins?|minutes)")
SECONDS_BY_WORD = {"ms": 0.001, "min": 60.0, "mins": 60.0, "minutes": 60.0}
MINUTES = re.compile(r"(\d+\.?\d*)\s*(?:m|mins?|minutes|'|′)")
LENGTHS = re.compile(r"([+-])?(\d+\.?\d*)?[\s-]*(?:(\d+)/(\d+))?\s*(?:l|lengths?)?")
LENGTHS_BY_WORD = {"dht": 0.0, "dh": 0.0, "ns": 0.05, "nse": 0.05, "nose": 0.05, "sh": 0.1, "shd": 0.1, "hd": 0.2}
LENGTHS_BY_WORD |= {"head": 0.2, "snk": 0.25, "sn": 0.25, "nk": 0.3, "n": 0.3, "neck": 0.3}


def read_numbers(values: pd.Series, unit: str = "", decimal: DecimalMark | None = None) -> pd.Series:
    """Return a column with every cell that is a number, in the ways its unit is written, as a float.

    Words for no value, infinities and prices of 0 become missing. A cell that cannot be read stays as it came, so that
    it can be counted and shown. Without `decimal` the column decides whether a comma marks decimals or thousands; where
    it could be either in every cell, none is read.

    >>> read_numbers(pd.Series(["5/2", "Evens", "$3.50F", "NaN", "5/2 or so"]), "decimal odds").tolist()
    [3.5, 2.0, 3.5, nan, '5/2 or so']
    """
    if pd.api.types.is_bool_dtype(values):
        return values
    if pd.api.types.is_numeric_dtype(values):
        return _adjust_to_unit(values, unit)
    text = values.astype("string").str.strip()
    is_present = text.notna().to_numpy(bool)
    numbers = np.full(len(text), np.nan)
    if decimal != ",":  # by far the most cells are plain numbers
        numbers = pd.to_numeric(text, errors="coerce").to_numpy(float, na_value=np.nan)
    is_unread = is_present & ~np.isfinite(numbers)
    cells = text[is_unread].str.translate(TYPED_SIGNS).str.lower()
    missing_words = [*MISSING_WORDS, *INFINITE_WORDS, *(NO_PRICE_WORDS if unit.endswith("odds") else ())]
    has_value = (~cells.isin(missing_words)).to_numpy(bool)
    is_unread[is_unread] = has_value
    cells = _drop_seconds(cells[has_value]) if unit == "minutes" else cells[has_value]
    cells = _unify_decimals(cells, decimal, bool(len(cells) < is_present.sum()))
    numbers[is_unread] = cells.map({cell: _parse_cell(cell, unit) for cell in cells.unique()}).to_numpy(float)
    is_failed = is_unread & np.isnan(numbers)
    read = _adjust_to_unit(pd.Series(numbers, values.index), unit)
    return read.astype(object).mask(is_failed, values.astype(object)) if is_failed.any() else read


def _unify_decimals(cells: pd.Series, decimal: DecimalMark | None, has_plain_numbers: bool) -> pd.Series:
    """Return the cells with a dot before the decimals and no thousands separators; undecided ones as they are."""
    has_comma = cells.str.contains(",", regex=False).to_numpy(bool)
    if decimal == ",":
        without_dots = cells.str.replace(r"\.(?=\d{3}(?:[^\ds]|$))", "", regex=True)
        return without_dots.str.replace(",", ".", regex=False)
    if not has_comma.any():
        return cells
    with_comma = cells[has_comma]
    is_thousands = with_comma.map(lambda cell: bool(THOUSANDS_COMMA.fullmatch(cell.strip("$£€ f")))).to_numpy(bool)
    is_decimal = with_comma.map(lambda cell: bool(DECIMAL_COMMA.fullmatch(cell.strip("$£€ f")))).to_numpy(bool)
    if decimal is None and is_decimal.any():
        # "1,250" among "1,91" is as likely a thousand as a decimal: it stays, to be counted as unreadable
        unified = with_comma.str.replace(r"\.(?=\d{3},)", "", regex=True).str.replace(",", ".", regex=False)
        return cells.where(~has_comma, with_comma.where(~is_decimal, unified).reindex(cells.index))
    if decimal is None and not has_plain_numbers and not with_comma.str.contains(".", regex=False).any():
        return cells
    return cells.where(
        ~has_comma, with_comma.where(~is_thousands, with_comma.str.replace(",", "")).reindex(cells.index)
    )


def _drop_seconds(cells: pd.Series) -> pd.Series:
    """Return playing times without ":00" if all have it and some would be days long: a spreadsheet reads 34:12 so."""
    is_padded = cells.str.fullmatch(PADDED_CLOCK)
    if cells.empty or not is_padded.all() or not (cells.str.extract(PADDED_CLOCK)[0].astype(int) > MOST_HOURS).any():
        return cells
    return cells.str.removesuffix(":00")


def _adjust_to_unit(numbers: pd.Series, unit: str) -> pd.Series:
    """Return numbers without infinities; without prices of 0; and with decimal among American odds converted."""
    is_infinite = np.isinf(numbers.to_numpy(float, na_value=np.nan))
    if is_infinite.any():
        numbers = numbers.mask(is_infinite)
    if unit in ("decimal odds", "American odds") and (numbers == 0).any():
        numbers = numbers.mask(numbers == 0)
    if unit == "American odds":
        is_decimal = (numbers > 1) & (numbers < LEAST_AMERICAN_ODDS)
        if is_decimal.any():
            profit = numbers.astype(float) - 1
            numbers = numbers.astype(float).mask(is_decimal, np.where(profit >= 1, 100 * profit, -100 / profit))
    return numbers


def _parse_cell(cell: str, unit: str) -> float | None:
    parse = PARSERS.get(unit)
    number = parse(cell) if parse else None
    if number is None and re.fullmatch(NUMBER, cell):  # a plain number after a mark was unified
        return float(cell)
    if number is None and not unit and (match := PERCENT.fullmatch(cell)):
        return float(match[1]) / 100
    if parse is None and unit and (match := re.fullmatch(rf"({NUMBER})\s*{re.escape(unit.lower())}s?", cell)):
        return float(match[1])
    return number


def _parse_decimal_odds(cell: str) -> float | None:
    if EVEN_ODDS.fullmatch(cell):
        return 2.0
    if match := FRACTIONAL_ODDS.fullmatch(cell):
        return 1 + float(match[1]) / int(match[2]) if int(match[2]) else None
    match = DECIMAL_ODDS.fullmatch(cell)
    return float(match[1]) if match else None


def _parse_american_odds(cell: str) -> float | None:
    if EVEN_ODDS.fullmatch(cell):
        return 100.0
    if match := FRACTIONAL_ODDS.fullmatch(cell):
        profit = float(match[1]) / int(match[2]) if int(match[2]) else 0.0
        return None if profit == 0 else 100 * profit if profit >= 1 else -100 / profit
    match = re.fullmatch(r"[$£€]\s*(\d+\.?\d*)|(\d+\.?\d*)\s*[$£€]", cell)  # money is what comes back for 1
    return float(match[1] or match[2]) if match else None


def _parse_distance(cell: str) -> float | None:
    if match := METRIC_DISTANCE.fullmatch(cell):
        metres = float(match[1]) * (1000 if match[2] == "km" else 1)
        if metres >= LEAST_METRES or match[2] != "m":
            return metres
        if metres > MOST_MILES:
            return None
    match = IMPERIAL_DISTANCE.fullmatch(cell)
    if not match or not any(match.groups()):
        return None
    lengths = (METRES_PER_MILE, METRES_PER_FURLONG, METRES_PER_YARD)
    return sum(float(count or 0) * length for count, length in zip(match.groups(), lengths, strict=True))


def _parse_weight(cell: str) -> float | None:
    if match := KILOGRAMS.fullmatch(cell):
        return float(match[1])
    if match := POUNDS.fullmatch(cell):
        return float(match[1]) * KG_PER_POUND
    match = STONES_AND_POUNDS.fullmatch(cell)
    if not match or float(match[2] or 0) >= POUNDS_PER_STONE:
        return None
    return (int(match[1]) * POUNDS_PER_STONE + float(match[2] or 0)) * KG_PER_POUND


def _parse_seconds(cell: str) -> float | None:
    if match := SECONDS.fullmatch(cell):
        return float(match[1]) * SECONDS_BY_WORD.get(match[2], 1.0)
    match = CLOCK.fullmatch(cell) or DOTTED_CLOCK.fullmatch(cell) or ISO_DURATION.fullmatch(cell)
    match = match or WORDED_CLOCK.fullmatch(cell)
    if not match:
        return None
    hours, minutes, seconds = (float(number or 0) for number in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _parse_minutes(cell: str) -> float | None:
    if match := MINUTES.fullmatch(cell):
        return float(match[1])
    seconds = _parse_seconds(cell)
    return None if seconds is None else seconds / 60


def _parse_lengths(cell: str) -> float | None:
    if cell in LENGTHS_BY_WORD:
        return LENGTHS_BY_WORD[cell]
    match = LENGTHS.fullmatch(cell)
    if not match or not any(match.groups()[1:]) or match[4] == "0":
        return None
    lengths = float(match[2] or 0) + (int(match[3]) / int(match[4]) if match[3] else 0.0)
    return -lengths if match[1] == "-" else lengths


PARSERS: dict[str, Callable[[str], float | None]] = {
    "decimal odds": _parse_decimal_odds,
    "American odds": _parse_american_odds,
    "m": _parse_distance,
    "kg": _parse_weight,
    "s": _parse_seconds,
    "minutes": _parse_minutes,
    "lengths": _parse_lengths,
}
