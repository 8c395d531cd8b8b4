"""hkjc_results: result tables as the Hong Kong Jockey Club prints them, with the columns of the race in every row."""

import pandas as pd

from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.source_settings import SourceSettings

TABLE = "runners"
COLUMNS = (
    *("Date", "Course", "Race No.", "Class", "Distance", "Pla.", "Horse No.", "Horse", "Trainer", "Act. Wt."),
    *("Dr.", "LBW", "Finish Time", "Win Odds"),
)
OUR_NAMES = {"pla": "place", "horseno": "box", "horse": "runner", "lbw": "margin_lengths", "finishtime": "run_time_s"}
OUR_NAMES |= {"winodds": "bsp", "course": "venue", "raceno": "race_no", "class": "grade", "distance": "distance_m"}
OUR_NAMES |= {"date": "start_time"}
CODE_BEHIND_NAME = r"\s*\([A-Z]\d{3}\)\s*$"  # "LUCKY STAR (A123)": the brand number


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns that only this source has."""
    return {"pla", "lbw", "winodds", "finishtime"} <= {normalize_name(str(name)) for name in table.columns}


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the table under our names, weights in pounds named as such, and a race id of day, course and number."""
    named = table.rename(columns={name: OUR_NAMES.get(normalize_name(str(name)), str(name)) for name in table.columns})
    names = {normalize_name(str(name)): str(name) for name in named.columns}
    derived = {
        "runner": named["runner"].astype("string").str.replace(CODE_BEHIND_NAME, "", regex=True),
        "won": _flag_winners(named["place"]),
    }
    if "raceid" not in names and {"start_time", "venue", "race_no"} <= set(named.columns):
        race = named[["start_time", "venue", "race_no"]].astype("string")
        derived["race_id"] = race["start_time"].str.slice(0, 10) + " " + race["venue"] + " " + race["race_no"]
    if "actwt" in names:
        derived["weight_kg"] = named[names["actwt"]].astype("string") + " lb"
    return named.assign(**derived)


def _flag_winners(place: pd.Series) -> pd.Series:
    """Return 1 for a first place ("1" or "1 DH"), 0 for another, and missing for a word, which is read later."""
    number = pd.to_numeric(place.astype("string").str.extract(r"^\s*(\d+)", expand=False), errors="coerce")
    return (number == 1).astype("Float64").where(number.notna()).astype(float)
