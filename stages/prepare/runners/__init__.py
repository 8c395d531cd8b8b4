"""runners: reads a table `runners`, or a folder of classic form guides, whose rows are all past starts."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd

from stages.prepare.runners import betfair_monthly, betfair_prices, hkjc_results, uk_results
from stages.prepare.runners.race_results import read_places
from trueline.core.errors import UserError, did_you_mean
from trueline.core.tables import raw_sources
from trueline.core.tables.date_parsing import read_times
from trueline.core.tables.logged_predictions import PRODUCTION_TABLE
from trueline.core.tables.name_forms import normalize_entity
from trueline.core.tables.number_parsing import read_numbers
from trueline.core.tables.source_settings import PLAIN_SOURCE, SourceSettings

# shapes that are recognised by their columns
DOWNLOADS: tuple[ModuleType, ...] = (betfair_monthly, betfair_prices, hkjc_results, uk_results)
MAIN_TABLE = "runners"
OPTIONAL_TABLES = (PRODUCTION_TABLE,)  # which prepare reads
GUIDE_HEADER = [
    *("Dog Name", "Sex", "PLC", "BOX", "WGT", "DIST", "DATE", "TRACK", "G"),
    *("TIME", "WIN", "BON", "1 SEC", "MGN", "W/2G", "PIR", "SP"),  # known only after the race
]
SECOND_IS_DAY = r"^\s*\d{1,2}[/.\-](?:1[3-9]|2\d|3[01])[/.\-]\d{2,4}"
DATE_FORMAT = "%d/%m/%Y"  # as printed; a day in ISO format, or with the name of its month, is read too


def read(source: str, settings: SourceSettings = PLAIN_SOURCE) -> pd.DataFrame:
    """Return the raw runners of a source.

    A source is a folder with runners.parquet, .csv, .json, .jsonl or .xlsx; a SQLite database with a table `runners`;
    or a folder of form-guide CSVs, or of downloads in one of the shapes of DOWNLOADS. Raises UserError if it is none of
    these, or a CSV is not a readable form guide.
    """
    table_names = raw_sources.list_source_tables(source)
    if MAIN_TABLE in table_names:
        return _convert(raw_sources.read_source_table(source, MAIN_TABLE, settings.separator), settings)
    if downloads := list(_read_downloads(source, settings)):
        return raw_sources.join_parts(downloads)
    guides = sorted(Path(source).glob("*.csv")) if Path(source).is_dir() else []
    if not any(_is_guide(file) for file in guides):
        raw_sources.reject_other_formats(source, "runners")
        raise UserError(
            f"{source} holds neither a table 'runners' ({', '.join(raw_sources.TABLE_SUFFIXES)}, or in a SQLite "
            f"database) nor form guides (.csv with the first line {','.join(GUIDE_HEADER)}); "
            f"{did_you_mean('runners', table_names)}"
        )
    return _assign_race_ids(
        _build_starts(
            pd.DataFrame([row for file in guides for row in _read_guide(file)], columns=GUIDE_HEADER, dtype=object),
            settings,
        )
    )


def _read_downloads(source: str, settings: SourceSettings) -> Iterator[tuple[Path, pd.DataFrame]]:
    """Yield the files of a folder that have the shape of a known download, whatever their names, with their tables."""
    for name in [] if Path(source).is_file() else raw_sources.list_source_tables(source):
        for file in raw_sources.list_table_files(source, name):
            if _is_guide(file):
                continue
            table = raw_sources.read_table_file(file, settings.separator)
            if shape := raw_sources.find_download_shape(table, DOWNLOADS):
                print(f"{file.name} is read as {shape.__name__.rpartition('.')[2]}")
                yield file, shape.convert(table, settings)


def _convert(table: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return a table in the shape of a known download under our names; another one as it is."""
    shape = raw_sources.find_download_shape(table, DOWNLOADS)
    return pd.DataFrame(shape.convert(table, settings)) if shape else table


def _is_guide(file: Path) -> bool:
    return file.read_bytes()[:100].removeprefix(b"\xef\xbb\xbf").lstrip(b' "').startswith(GUIDE_HEADER[0].encode())


def _read_guide(file: Path) -> list[dict[str, str]]:
    """Return the rows of one form guide as text; a row without a name belongs to the dog above it.

    Raises UserError if the file is not UTF-8, lacks a column, is empty, or begins with a row without a name.
    """
    try:
        lines = csv.DictReader(io.StringIO(file.read_text("utf-8-sig")), restval="", skipinitialspace=True)
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8; convert it, e.g. `iconv -f latin1 -t utf-8`.") from None
    header = [str(name).strip() for name in lines.fieldnames or ()]
    if missing_columns := [name for name in GUIDE_HEADER if name not in header]:
        header_start = ",".join(header)[:40]
        problem = (
            f"is not a form guide (it begins {header_start!r} and lacks {missing_columns[0]!r})"
            if header_start
            else "is empty"
        )
        raise UserError(f"{file} {problem}; remove it from the folder.")
    lines.fieldnames = header
    rows, dog_name = [], ""
    for line in lines:
        row = {name: line[name].strip() for name in GUIDE_HEADER}
        dog_name = row["Dog Name"] = row["Dog Name"].strip('" ') or dog_name
        if not dog_name:
            raise UserError(f"{file} begins with a row without a dog's name; remove it from the folder.")
        rows.append(row)
    return rows


def _build_starts(rows: pd.DataFrame, settings: SourceSettings) -> pd.DataFrame:
    """Return every start once, under the raw column names; if several files have it, the copy with the fewest gaps."""
    finish_place, is_shared, is_unfinished = read_places(rows["PLC"])
    finish_position = pd.to_numeric(finish_place, errors="coerce")
    margin = read_numbers(rows["MGN"], "lengths")
    has_won = (finish_position == 1).astype(float)
    starts = pd.DataFrame(
        {
            "start_time": _read_days(rows["DATE"], settings.date_format),
            "venue": rows["TRACK"].str.upper(),
            "distance_m": read_numbers(rows["DIST"], "m", settings.decimal),
            "grade": rows["G"],
            "box": read_numbers(rows["BOX"]),
            "runner": normalize_entity(rows["Dog Name"], has_number=True),
            "sex": rows["Sex"],
            "weight_kg": read_numbers(rows["WGT"], "kg", settings.decimal),
            # without a finishing place there is no result, unless the runner is known not to have finished
            "won": has_won.where(finish_position.notna() | is_unfinished),
            "place": finish_place,
            "dead_heat": is_shared.astype(float),
            "run_time_s": read_numbers(rows["TIME"], "s", settings.decimal),
            "sectional_s": read_numbers(rows["1 SEC"], "s", settings.decimal),
            # the guide gives a winner its lead over the second
            "margin_lengths": margin.where(finish_position != 1, -pd.to_numeric(margin, errors="coerce")),
            "bsp": read_numbers(rows["SP"], "decimal odds", settings.decimal),
            "WIN": read_numbers(rows["WIN"], "s", settings.decimal),
            "W/2G": normalize_entity(rows["W/2G"], has_number=True),
        }
    ).replace("", None)
    gaps = starts.isna().sum(axis=1).rename("gaps")
    by_columns = ["gaps", *starts.columns]
    ordered = starts.join(gaps).sort_values(by_columns, key=_make_sortable).drop(columns="gaps")
    return ordered.drop_duplicates(["start_time", "venue", "distance_m", "runner"])


def _assign_race_ids(starts: pd.DataFrame) -> pd.DataFrame:
    """Add a race id of day, track, distance, winning time and winner to each start.

    A guide gives no race number, and in a quarter of all cases day, track, distance and grade fit several races.
    """
    day, track, distance, time = (starts[name].astype(str) for name in ("start_time", "venue", "distance_m", "WIN"))
    meeting = day + " " + track + " " + distance + " " + time
    winner = starts["runner"].where(starts["place"] == 1, starts["W/2G"])
    winner_names = _resolve_dead_heats(meeting, starts)
    race_ids = [
        f"{meeting_key} {winner_names.get((meeting_key, name), name)}"
        for meeting_key, name in zip(meeting, winner, strict=True)
    ]
    races = starts.assign(race_id=race_ids).drop(columns=["WIN", "W/2G"])
    return races.sort_values(["race_id", "box", "runner"], ignore_index=True)


def _resolve_dead_heats(meeting: pd.Series, starts: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return one name for both winners of a dead heat; the guide of a beaten dog may name either."""
    is_dead_heat = (starts["place"] == 1) & (starts["dead_heat"] == 1) & starts["W/2G"].notna()
    winner_names = {}
    for meeting_key, winner, co_winner in zip(
        meeting[is_dead_heat], starts["runner"][is_dead_heat], starts["W/2G"][is_dead_heat], strict=True
    ):
        winner_names[meeting_key, winner] = winner_names[meeting_key, co_winner] = min(winner, co_winner)
    return winner_names


def _read_days(text: pd.Series, date_format: str | None) -> pd.Series:
    """Return days in ISO format; what is not a date stays as it is, for prepare to count.

    Without `date_format` days come first, as they are printed, unless a day after the 12th stands second: then the
    column decides.
    """
    if date_format is None and not text.astype("string").str.contains(SECOND_IS_DAY, regex=True).fillna(False).any():
        date_format = DATE_FORMAT
    days = pd.to_datetime(read_times(text, "form guides: DATE", date_format, as_day=True), errors="coerce")
    return days.dt.strftime("%Y-%m-%d").where(days.notna(), text)


def _make_sortable(values: pd.Series) -> pd.Series:
    """Return values that compare with each other, though a cell that could not be read is text among numbers."""
    return values.map(str, na_action="ignore") if values.dtype == object else values
