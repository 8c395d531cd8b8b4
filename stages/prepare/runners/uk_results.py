"""uk_results: results of British and Irish races as the common scraper writes them, one row per runner."""

import pandas as pd

from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.source_settings import SourceSettings

TABLE = "runners"
COLUMNS = (
    *("date", "course", "race_id", "off", "class", "dist_m", "num", "pos", "ovr_btn", "horse", "lbs", "secs", "dec"),
    *("sp", "trainer"),
)
FIRST_HOUR = 11  # no race starts earlier in the day: an earlier hour is one of the afternoon


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns that only this source has."""
    names = {normalize_name(str(name)) for name in table.columns}
    return {"date", "off", "pos", "ovrbtn", "horse"} <= names and "starttime" not in names


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the table with the start from day and off time, whose hours are those of a 12-hour clock, and the winner.

    Boxes are the cloth numbers, because only flat races have a draw; races without a class are told by their type.
    """
    names = {normalize_name(str(name)): str(name) for name in table.columns}
    off = table[names["off"]].astype("string").str.strip().str.extract(r"^(?P<hour>\d{1,2}):(?P<minute>\d{2})")
    hour = pd.to_numeric(off["hour"], errors="coerce").astype("Int64")
    hour = hour.mask(hour < FIRST_HOUR, hour + 12)
    day = table[names["date"]].astype("string").str.strip()
    number = pd.to_numeric(
        table[names["pos"]].astype("string").str.extract(r"^\s*(\d+)", expand=False), errors="coerce"
    )
    derived = {
        "start_time": day + " " + hour.astype("string").str.zfill(2) + ":" + off["minute"],
        "won": (number == 1).astype("Float64").where(number.notna()).astype(float),
        "place": table[names["pos"]],
    }
    if "lbs" in names:
        derived["weight_kg"] = table[names["lbs"]].astype("string") + " lb"
    if "num" in names:
        derived["box"] = table[names["num"]]
    price = names.get("dec", names.get("sp", ""))
    if price:
        derived["bsp"] = table[price]
    if "class" in names:
        given_grades = table[names["class"]].astype("string")
        race_type = table[names["type"]].astype("string") if "type" in names else pd.NA
        derived["grade"] = given_grades.where(given_grades.str.strip() != "").fillna(race_type)
    if "distm" in names or "dist" in names:
        derived["distance_m"] = table[names.get("distm", names.get("dist", ""))]
    used = ("date", "off", "pos", "lbs", "num", "draw", "class", "dist", "distm", "sp", "dec")
    return table.drop(columns=[names[key] for key in used if key in names]).assign(**derived)
