"""Unit names: a unit that a source writes into the name of a column, such as "Weight (lbs)", is that of its numbers."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from trueline.core.tables.number_parsing import NUMBER
from trueline.core.tables.table_schema import Column

# our unit: what a name may end with, and how a cell has that unit
UNIT_WORDS: dict[str, dict[str, str]] = {
    "kg": {
        **dict.fromkeys(("kg", "kgs", "kilos", "kilograms"), "kg"),
        **dict.fromkeys(("lb", "lbs", "pounds"), "lb"),
    },
    "m": {
        **dict.fromkeys(("m", "metres", "meters", "mtrs"), "m"),
        **dict.fromkeys(("y", "yd", "yds", "yards"), "yards"),
        **dict.fromkeys(("f", "fur", "furs", "furlongs"), "furlongs"),
        **dict.fromkeys(("mi", "miles"), "miles"),
        "km": "km",
    },
    "s": {
        **dict.fromkeys(("s", "sec", "secs", "seconds"), "s"),
        **dict.fromkeys(("ms", "millis", "milliseconds"), "ms"),
        **dict.fromkeys(("min", "mins", "minutes"), "min"),
    },
}
NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")  # "weightLbs" and "Weight (lbs)" are two parts


def split_unit(name: str, unit: str) -> tuple[str, str]:
    """Return a name without the unit at its end, normalised, and that unit as cells have it; "" if it names none.

    >>> split_unit("Weight (lbs)", "kg"), split_unit("distance_m", "m"), split_unit("weight", "kg")
    (('weight', 'lb'), ('distance', 'm'), ('weight', ''))
    """
    name_parts = [name_part.lower() for name_part in NAME_PARTS.findall(name)]
    unit_words = UNIT_WORDS.get(unit, {})
    if len(name_parts) < 2 or name_parts[-1] not in unit_words:
        return "".join(name_parts), ""
    return "".join(name_parts[:-1]), unit_words[name_parts[-1]]


def find_unit_targets(
    names: Sequence[str], columns: Sequence[Column], synonyms: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Return the declared column of each name that is one of its names with another unit; the first name of each."""
    targets: dict[str, str] = {}
    for column in columns:
        if column.unit not in UNIT_WORDS:
            continue
        stems = {split_unit(alias, column.unit)[0] for alias in (column.name, *synonyms.get(column.name, ()))}
        for name in names:
            stem, unit = split_unit(name, column.unit)
            if unit and stem in stems and name not in targets and column.name not in targets.values():
                targets[name] = column.name
    return targets


def append_unit(values: pd.Series, name: str, column: Column) -> pd.Series:
    """Return a column whose plain numbers have the unit that its name ends with; as it came if that is ours."""
    unit = split_unit(name, column.unit)[1]
    if not unit or unit == column.unit:
        return values
    text = values.astype("string").str.strip()
    is_plain = text.str.replace(",", ".", regex=False).str.fullmatch(NUMBER, na=False)
    return values.astype(object).mask(is_plain, text + " " + unit)
