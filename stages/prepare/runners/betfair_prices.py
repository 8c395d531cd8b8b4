"""betfair_prices: Betfair's daily files of starting prices (dwbfprices…win….csv), one row per runner, as downloaded."""

import pandas as pd

from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.source_settings import SourceSettings

TABLE = "runners"
COLUMNS = ("EVENT_ID", "MENU_HINT", "EVENT_NAME", "EVENT_DT", "SELECTION_ID", "SELECTION_NAME", "WIN_LOSE", "BSP")
DATE_FORMAT = "%d-%m-%Y %H:%M"
MENU_DAY = r"\s*\b\d{1,2}(?:st|nd|rd|th)\b.*$"  # the day behind the course
EVENT_NAME = r"^(?:R(?P<race_no>\d+)\s+)?(?P<distance>\d[\dmfy ]*?)\s+(?P<grade>.+)$"  # "R1 480m Gr5", "1m2f Hcap"
PLACE_MARKET = r"(?i)to be placed|(?:top )?\d+ (?:tbp|to be placed|finish)|each way.*|place"  # beside the win markets
NUMBER_IN_FRONT = r"^\s*(\d{1,2})\s*[.)]"


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns that only this source has."""
    return {"eventid", "menuhint", "eventdt", "winlose"} <= {normalize_name(str(name)) for name in table.columns}


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the table with course, race number, distance and grade from the texts of menu and event.

    Days come first in these files. A runner without a number in front of its name gets its rank among the race's
    selections as the box, which tells rows apart and nothing else. Place markets, which have files of their own, are
    left out.
    """
    names = {normalize_name(str(name)): str(name) for name in table.columns}
    is_place = table[names["eventname"]].astype("string").str.strip().str.fullmatch(PLACE_MARKET).fillna(False)
    if is_place.any():
        print(f"{int(is_place.sum()):,} rows of place markets are left out")
        table = table[~is_place].reset_index(drop=True)
    event = table[names["eventname"]].astype("string").str.strip().str.extract(EVENT_NAME)
    menu = table[names["menuhint"]].astype("string").str.rsplit("/", n=1).str[-1]
    start = table[names["eventdt"]].astype("string").str.strip()
    parsed = pd.to_datetime(start, format=settings.date_format or DATE_FORMAT, errors="coerce")
    number = table[names["selectionname"]].astype("string").str.extract(NUMBER_IN_FRONT, expand=False)
    rank = table.groupby(names["eventid"])[names["selectionid"]].rank(method="dense").astype(int).astype("string")
    has_numbers = number.notna().groupby(table[names["eventid"]]).transform("all")
    derived = {
        "race_id": table[names["eventid"]],
        # if a day has another form, the column decides about all of them
        "start_time": parsed.dt.strftime("%Y-%m-%dT%H:%M") if parsed.notna().all() else start,
        "venue": menu.str.replace(MENU_DAY, "", regex=True).str.strip(),
        "race_no": event["race_no"],
        "distance_m": event["distance"],
        "grade": event["grade"],
        "box": number.where(has_numbers, rank),
        "won": table[names["winlose"]],
    }
    return table.drop(columns=[names[key] for key in ("eventid", "eventdt", "winlose")]).assign(**derived)
