"""odds_api: player props of an odds API, over and under as rows of their own; its JSON, or a CSV of its outcomes."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from trueline.core.tables.column_mapping import normalize_name
from trueline.core.tables.date_parsing import read_times
from trueline.core.tables.source_settings import SourceSettings

TABLE = "lines"
COLUMNS = ("commence_time", "bookmaker", "last_update", "market", "name", "description", "price", "point")
LEAGUE_ZONE = "America/New_York"  # whose days the leagues use, unless the setting `timezone` says otherwise
OUR_NAMES = {  # by normal form
    "description": "player_id",
    "name": "side",
    "label": "side",
    "outcomename": "side",
    "point": "line",
    "outcomepoint": "line",
    "outcomedescription": "player_id",
    "price": "price",
    "outcomeprice": "price",
    "market": "stat",
    "marketkey": "stat",
    "commencetime": "start_time",
}
BOOK_NAMES = ("bookmaker", "bookmakerkey", "bookmakertitle", "sportsbook", "book")
TIME_NAMES = ("marketlastupdate", "lastupdate", "bookmakerlastupdate", "timestamp")


def recognize(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns of outcomes."""
    names = {normalize_name(str(name)) for name in table.columns}
    return any({f"{prefix}description", f"{prefix}point", f"{prefix}price"} <= names for prefix in ("", "outcome"))


def flatten(content: Any) -> pd.DataFrame | None:
    """Return the outcomes of the API's JSON (an event, a list of them, or a snapshot of either); None if it is none."""
    outcomes = [outcome for event, time in _list_events(content) for outcome in _list_outcomes(event, time)]
    return pd.DataFrame(outcomes) if outcomes else None


def convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return the outcomes as lines: the player, over or under, the line and its price, and the game's local day."""
    names = {normalize_name(str(name)): str(name) for name in table.columns}
    lines = {our_name: table[names[their_name]] for their_name, our_name in OUR_NAMES.items() if their_name in names}
    for our_name, candidates in (("book", BOOK_NAMES), ("quoted_at", TIME_NAMES)):
        if source_columns := [names[name] for name in candidates if name in names]:
            lines[our_name] = table[source_columns[0]]
    if "date" not in names and "start_time" in lines:
        zone = settings.find_timezone("date") or LEAGUE_ZONE
        lines["date"] = read_times(lines["start_time"], "lines: commence_time", settings.date_format, zone, as_day=True)
    further_columns = {
        name: table[name]
        for name in table.columns
        if normalize_name(str(name)) not in {*OUR_NAMES, *BOOK_NAMES, *TIME_NAMES}
    }
    return pd.DataFrame({**further_columns, **lines})


def _list_events(content: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each event with the time of its snapshot, if it has one."""
    snapshots = content if isinstance(content, list) else [content]
    for snapshot in snapshots:
        if not isinstance(snapshot, dict):
            continue
        events = snapshot["data"] if "data" in snapshot and "timestamp" in snapshot else snapshot
        for event in events if isinstance(events, list) else [events]:
            if isinstance(event, dict) and isinstance(event.get("bookmakers"), list):
                yield event, snapshot.get("timestamp")


def _list_outcomes(event: dict[str, Any], snapshot_time: Any) -> Iterator[dict[str, Any]]:
    for bookmaker in event["bookmakers"]:
        for market in bookmaker.get("markets", ()):
            for outcome in market.get("outcomes", ()):
                yield {
                    "commence_time": event.get("commence_time"),
                    "bookmaker": bookmaker.get("key") or bookmaker.get("title"),
                    "last_update": market.get("last_update") or bookmaker.get("last_update") or snapshot_time,
                    "market": market.get("key"),
                    "name": outcome.get("name"),
                    "description": outcome.get("description"),
                    "price": outcome.get("price"),
                    "point": outcome.get("point"),
                }
