"""betfair_monthly: Betfair's monthly files of Australian and New Zealand races, one row per runner, as downloaded."""

import pandas as pd

from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.source_settings import SourceSettings

TABLE = "runners"
COLUMNS = (
    *("LOCAL_MEETING_DATE", "SCHEDULED_RACE_TIME", "TRACK", "RACE_NO", "WIN_MARKET_ID", "WIN_MARKET_NAME"),
    *("DISTANCE", "RACE_TYPE", "TAB_NUMBER", "SELECTION_NAME", "WIN_RESULT", "WIN_BSP", "PLACE_RESULT", "PLACE_BSP"),
)
WHOLE_DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"  # in a file that was saved anew, in any order
MARKET_NAME = r"^(?:R\d+\s+)?(?P<distance>\d+m)\s*(?P<grade>.*)$"  # such as "R5 480m Gr5"


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns that only this source has."""
    names = {normalize_name(str(name)) for name in table.columns}
    return {"localmeetingdate", "scheduledracetime", "winmarketid", "winresult"} <= names


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the table with the start from meeting day and scheduled time; names that we share are found later.

    Distance and grade come from the market's name where the columns for them are absent or empty.
    """
    names = {normalize_name(str(name)): str(name) for name in table.columns}
    scheduled = table[names["scheduledracetime"]].astype("string").str.strip()
    has_day = scheduled.str.contains(WHOLE_DATE, regex=True).fillna(False)
    day = table[names["localmeetingdate"]].astype("string").str.strip().str.slice(0, 10)
    derived: dict[str, pd.Series] = {"start_time": scheduled.where(has_day, day + " " + scheduled)}
    if "winmarketname" in names:
        market = table[names["winmarketname"]].astype("string").str.extract(MARKET_NAME)
        for name, key, market_part in (("distance_m", "distance", "distance"), ("grade", "racetype", "grade")):
            given_names = (
                table[names[key]].astype("string") if key in names else pd.Series(pd.NA, table.index, dtype="string")
            )
            derived[name] = given_names.where(given_names.str.strip() != "").fillna(market[market_part])
    used = ("localmeetingdate", "scheduledracetime", *(("distance", "racetype") if "grade" in derived else ()))
    return table.drop(columns=[names[key] for key in used if key in names]).assign(**derived)
