"""Day tables: the raw tables of a task cut by days, and the cards that a day's rows were before their outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from stages.prepare import props, racing
from stages.prepare.events import Settings, clean_event_texts
from stages.prepare.events.near_duplicates import find_near_duplicate_clusters
from trueline.benchmarks.lie_lab.scratch_project import ROOT
from trueline.core.runtime.params import parse_settings
from trueline.core.runtime.plugins import load_plugin

Tables = dict[str, pd.DataFrame]

MINUTE = pd.Timedelta(minutes=1)
MADE_UP_DAYS = 60  # over which events without dates are spread


@dataclass(frozen=True)
class TaskTables:
    """The tables that a replay needs of a task, the first of which is its main one, with the column of their days."""

    day_columns: Mapping[str, str]
    outcomes: tuple[str, ...]  # columns of the main table that a card does not have
    card_key: tuple[str, ...] = ()  # of which a card has each value once, and none is missing

    @property
    def main(self) -> str:
        """The table with the rows that are predicted."""
        return next(iter(self.day_columns))


TASKS = {
    "racing": TaskTables(
        {"runners": "start_time"}, tuple(column.name for column in racing.RAW_COLUMNS if column.known != "before")
    ),
    "props": TaskTables(
        {"games": "date", "lines": "date"},
        tuple(column.name for column in props.GAME_COLUMNS if column.known == "after"),
    ),
    "events": TaskTables({"events": "date"}, ("tags",), ("id",)),
}


def read_day_tables(task: str, reader: str, source: str) -> Tables:
    """Return the raw tables of a source that a replay needs; events without dates get made-up ones."""
    raw = load_plugin("prepare", reader, "read").read(source)
    tables = raw if isinstance(raw, dict) else {TASKS[task].main: raw}
    tables = {name: tables[name] for name in TASKS[task].day_columns if name in tables}
    if task == "events" and "date" not in tables["events"]:
        tables["events"] = _date_events(tables["events"])
    return {name: _read_days(table, TASKS[task].day_columns[name]) for name, table in tables.items()}


def list_days(task: str, tables: Tables) -> list[pd.Timestamp]:
    """Return the days of the main table in order."""
    main = TASKS[task].main
    days = tables[main][TASKS[task].day_columns[main]].dropna().dt.normalize()
    return [pd.Timestamp(day) for day in sorted(days.unique())]


def select_days(task: str, tables: Tables, since: pd.Timestamp | None, until: pd.Timestamp) -> Tables:
    """Return the rows of the days from `since`, or the first, to `until`, which is left out."""
    selected = {}
    for name, table in tables.items():
        days = table[TASKS[task].day_columns[name]].dt.normalize()
        is_selected = days < until if since is None else (days >= since) & (days < until)
        selected[name] = table[is_selected].reset_index(drop=True)
    return selected


def split_into_cards(task: str, day: Tables) -> list[tuple[pd.Timestamp, Tables]]:
    """Return the cards of a day's rows, without their outcomes, each with the last moment (UTC) to predict it.

    Games are predicted just before they start, because prices are quoted until then; races in the morning.
    """
    main = TASKS[task].main
    rows = day[main].drop(columns=[name for name in TASKS[task].outcomes if name in day[main]])
    if card_key := list(TASKS[task].card_key):
        rows = rows.dropna(subset=card_key).drop_duplicates(card_key)
    if task != "props" or "start_time" not in rows:
        times = rows[TASKS[task].day_columns[main]]
        return [(times.min() - MINUTE, day | {main: rows})]
    starts = pd.to_datetime(rows["start_time"]).fillna(rows["date"])
    return [(start - MINUTE, day | {main: rows[starts == start]}) for start in sorted(starts.unique())]


def write_tables(tables: Tables, folder: Path, ending: str = "") -> None:
    """Write each table that has rows to a file of its name; events as JSON, which holds lists of tags."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        if table.empty:
            continue
        if name == "events":
            text = table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))
            text.to_json(folder / f"{name}{ending}.json", orient="records")
        else:
            table.to_parquet(folder / f"{name}{ending}.parquet", index=False)


def _read_days(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.assign(**{column: pd.to_datetime(table[column])})


def _date_events(events: pd.DataFrame) -> pd.DataFrame:
    """Return events with made-up days, the same for near-duplicates: nobody knows of a copy before it comes."""
    settings = parse_settings(yaml.safe_load((ROOT / "params.yaml").read_text()), Settings, "prepare", "events")
    texts = clean_event_texts(events)
    numbers = [f"{number:09}" for number in range(len(events))]
    joined_texts = (texts["name"] + " " + texts["description"]).tolist()
    clusters = find_near_duplicate_clusters(
        joined_texts, numbers, settings.near_duplicate_similarity, settings.near_duplicate_words
    )
    day_number = pd.factorize(pd.Series(clusters), sort=True)[0] % MADE_UP_DAYS
    return events.assign(date=pd.Timestamp("2024-01-01") + pd.to_timedelta(day_number, "D"))
