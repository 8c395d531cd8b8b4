"""pickem: lines of a pick'em board, which have no prices; its JSON, or a CSV of its projections."""

from typing import Any

import pandas as pd

from stages.prepare.box_scores.odds_api import LEAGUE_ZONE
from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.date_parsing import read_times
from trueline.core.tables.source_settings import SourceSettings

TABLE = "lines"
COLUMNS = ("player_name", "stat_type", "line_score", "start_time", "odds_type")
STANDARD_LINE = "standard"  # the others ("goblin", "demon") are alternates at other multiples


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns of projections."""
    return {"linescore", "stattype"} <= {normalize_name(str(name)) for name in table.columns}


def flatten(content: Any) -> pd.DataFrame | None:
    """Return the projections of the board's JSON with the names of their players; None if it is none."""
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        return None
    attributes = {
        (item.get("type"), item.get("id")): item.get("attributes") or {} for item in content.get("included") or ()
    }
    projections = []
    for item in content["data"]:
        if "line_score" not in (item.get("attributes") or {}):
            continue
        player = ((item.get("relationships") or {}).get("new_player") or {}).get("data") or {}
        name = attributes.get((player.get("type"), player.get("id")), {}).get("name")
        projections.append({**item["attributes"], "player_name": name})
    return pd.DataFrame(projections) if projections else None


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the standard projections as lines of one book without prices, on the game's local day."""
    names = {normalize_name(str(name)): str(name) for name in table.columns}
    if "oddstype" in names:
        is_standard = table[names["oddstype"]].fillna(STANDARD_LINE).astype(str).str.lower() == STANDARD_LINE
        if not is_standard.all():
            print(f"{int((~is_standard).sum())} pick'em lines at other multiples than the standard one are left out")
        table = table[is_standard].reset_index(drop=True)
    if "date" not in names and "starttime" in names:
        zone = settings.find_timezone("date") or LEAGUE_ZONE
        start_times = table[names["starttime"]]
        table = table.assign(date=read_times(start_times, "lines: start_time", settings.date_format, zone, as_day=True))
    return table if "book" in names else table.assign(book="pickem")
