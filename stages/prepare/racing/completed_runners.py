"""Completed runners: race ids, starts and winners that a source has no column for, but says in others."""

import re

import pandas as pd

from stages.prepare.racing.race_columns import RAW_COLUMNS
from stages.prepare.racing.source_names import OFF_TIME_NAMES, SYNONYMS
from stages.prepare.runners.race_results import read_places
from trueline.core.tables.column_mapping import find_source_names, normalize_name, translate_values
from trueline.core.tables.source_settings import SourceSettings

TIME_OF_DAY = r"\d{1,2}:\d{2}(?::\d{2}(?:\.0+)?)?(?:\s*[aApP]\.?[mM]\.?)?"
CLOCK = re.compile(r"\d:\d{2}|\s\d{1,2}[.hH]\d{2}(?!\d|[.\-/])")
COMPACT_CLOCK = r"(?:[01]?\d|2[0-3])[0-5]\d"  # 1805, of which a number keeps no zero in front
LEAST_CARD_IDS = 0.5  # share of the ids that stand for races of several days, from which on they are numbers on a card

Names = dict[str, str]  # our column: its name in the source


def fill_runners(raw: pd.DataFrame, settings: SourceSettings) -> tuple[pd.DataFrame, list[str]]:
    """Return a raw table with what it says in other columns than ours, and a sentence about each.

    A day and a time of day in two columns are the start. Without ids, or where these are numbers on a card, a race is
    its start, its venue and its number. Without a column of winners these are the first.
    """
    raw = raw.rename(columns=str)
    notes = []
    names = find_source_names(raw, RAW_COLUMNS, settings.columns, SYNONYMS)
    if time_name := _find_off_times(raw, names):
        day_name = names["start_time"]
        raw = raw.assign(**{day_name: _join_texts([raw[day_name], _write_clocks(raw[time_name])])}).drop(
            columns=time_name
        )
        notes.append(f"racing: the start is read from {day_name} and {time_name}")
    if id_names := _list_id_parts(raw, names):
        raw = raw.assign(**{names.get("race_id", "race_id"): _join_texts([raw[name] for name in id_names])})
        notes.append(f"racing: races are told apart by {', '.join(id_names)}, because they have no ids of their own")
    if "won" not in names and "place" in names:
        raw = raw.assign(won=_read_winners(raw[names["place"]], settings))
        notes.append(f"racing: the winners are those whose {names['place']} is 1, because no column tells who won")
    return raw, notes


def _find_off_times(raw: pd.DataFrame, names: Names) -> str | None:
    """Return the column that holds only the times of day of the starts, if another one holds the days."""
    free_names = [name for name in raw.columns if name not in names.values()]
    candidates = [name for name in free_names if normalize_name(name) in OFF_TIME_NAMES]
    if not candidates or "start_time" not in names or _has_clock(raw[names["start_time"]]):
        return None
    race = [raw[names[key]].astype("string") for key in ("start_time", "race_id", "venue", "race_no") if key in names]
    for name in candidates:
        times = _write_clocks(raw[name])
        if times.dropna().str.fullmatch(TIME_OF_DAY).all() and times.groupby(race).nunique().max() == 1:
            return name
    return None


def _write_clocks(times: pd.Series) -> pd.Series:
    """Return times of day with a colon: 18.05 and 18h05, and 1805 if all are written so.

    >>> _write_clocks(pd.Series([1805, 905])).tolist(), _write_clocks(pd.Series(["6.05pm", "18h05"])).tolist()
    (['18:05', '9:05'], ['6:05pm', '18:05'])
    """
    text = times.astype("string").str.strip()
    compact = text.str.removesuffix(".0")
    if compact.dropna().str.fullmatch(COMPACT_CLOCK).all():
        return compact.str.replace(r"(\d{2})$", r":\1", regex=True)
    return text.str.replace(r"^(\d{1,2})[.hH](\d{2})(?!\d)", r"\1:\2", regex=True)


def _has_clock(starts: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(starts):
        return bool((starts.dropna() != starts.dropna().dt.normalize()).any())
    return bool(starts.dropna().astype("string").str.contains(CLOCK).any())


def _join_texts(columns: list[pd.Series]) -> pd.Series:
    """Return the texts of several columns as one; missing if one of them is."""
    joined, *further_columns = (values.astype("string").str.strip() for values in columns)
    for values in further_columns:
        joined = joined + " " + values
    return joined.astype(object).where(joined.notna(), None)


def _read_winners(finish_places: pd.Series, settings: SourceSettings) -> pd.Series:
    number, _, is_unfinished = read_places(translate_values(finish_places, settings.values.get("place", {})))
    is_placed = pd.to_numeric(number, errors="coerce").notna()
    return (number == 1).astype(float).where(is_placed | is_unfinished)


def _list_id_parts(raw: pd.DataFrame, names: Names) -> list[str]:
    """Return the columns that tell races apart where their ids do not, and none where they do or nothing does."""
    if not {"start_time", "venue"} <= set(names):
        return []
    id_columns = [names[name] for name in ("start_time", "venue", "race_no", "race_id") if name in names]
    if "race_id" in names:
        return id_columns if _is_card_numbering(raw[names["race_id"]], raw[names["start_time"]]) else []
    return id_columns if "race_no" in names or _has_clock(raw[names["start_time"]]) else []


def _is_card_numbering(ids: pd.Series, starts: pd.Series) -> bool:
    """Return whether most ids stand for races of several days, as numbers on a card do."""
    if pd.api.types.is_datetime64_any_dtype(starts):
        days = starts.dt.normalize()
    else:
        days = starts.astype("string").str.replace(rf"[T\s]+{TIME_OF_DAY}.*$", "", regex=True)
    day_counts = days.groupby(ids).nunique()
    return len(day_counts) > 0 and bool((day_counts > 1).mean() > LEAST_CARD_IDS)
