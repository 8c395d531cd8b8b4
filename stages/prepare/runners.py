"""runners: reads a table `runners`, or a folder of classic form guides, whose rows are all past starts."""

import csv
import io
import re
from pathlib import Path

import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.tables import raw_sources
from trueline.core.tables.source_settings import PLAIN_SOURCE, SourceSettings

GUIDE_HEADER = [
    *("Dog Name", "Sex", "PLC", "BOX", "WGT", "DIST", "DATE", "TRACK", "G"),
    *("TIME", "WIN", "BON", "1 SEC", "MGN", "W/2G", "PIR", "SP"),  # known only after the race
]
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d %B %Y", "%d %b %Y")
RUG_PATTERN = re.compile(r"^\s*\d+\s*\.\s*")
NUMBER_PATTERN = re.compile(r"^\s*\$?\s*(-?\d+(?:\.\d+)?)")


def read(source: str, settings: SourceSettings = PLAIN_SOURCE) -> pd.DataFrame:
    """Return the raw runners of a source.

    A source is a folder with runners.parquet, .csv, .json or .jsonl; a SQLite database with a table `runners`; or a
    folder of form-guide CSVs. Raises UserError if it is none of these, or a CSV is not a readable form guide.
    """
    table_names = raw_sources.list_source_tables(source)
    if "runners" in table_names:
        return raw_sources.read_source_table(source, "runners", settings.separator)
    guides = sorted(Path(source).glob("*.csv")) if Path(source).is_dir() else []
    if not any(_is_guide(file) for file in guides):
        raise UserError(
            f"{source} holds neither a table 'runners' ({', '.join(raw_sources.TABLE_SUFFIXES)}, or in a SQLite "
            f"database) nor form guides (.csv with the first line {','.join(GUIDE_HEADER)}); "
            f"{did_you_mean('runners', table_names)}"
        )
    return _assign_race_ids(
        _build_starts(
            pd.DataFrame([row for file in guides for row in _read_guide(file)], columns=GUIDE_HEADER, dtype=object)
        )
    )


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


def _build_starts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every start once, under the raw column names; if several files have it, the copy with the fewest gaps."""
    finish_position = _parse_numbers(rows["PLC"].str.replace("=", ""))
    margin = _parse_numbers(rows["MGN"])
    starts = pd.DataFrame(
        {
            "start_time": _parse_days(rows["DATE"]),
            "venue": rows["TRACK"].str.upper(),
            "distance_m": _parse_numbers(rows["DIST"]),
            "grade": rows["G"],
            "box": _parse_numbers(rows["BOX"]),
            "runner": rows["Dog Name"].map(lambda name: _normalize_name(RUG_PATTERN.sub("", name))),
            "sex": rows["Sex"],
            "weight_kg": _parse_numbers(rows["WGT"]),
            "won": (finish_position == 1)
            .astype(float)
            .where(finish_position.notna()),  # without a finishing place there is no result
            "place": finish_position,
            "dead_heat": rows["PLC"].str.endswith("=").astype(float),
            "run_time_s": _parse_numbers(rows["TIME"]),
            "sectional_s": _parse_numbers(rows["1 SEC"]),
            # the guide gives a winner its lead over the second
            "margin_lengths": margin.where(finish_position != 1, -margin),
            "bsp": _parse_numbers(rows["SP"]),
            "WIN": _parse_numbers(rows["WIN"]),
            "W/2G": rows["W/2G"].map(_normalize_name),
        }
    ).replace("", None)
    gaps = starts.isna().sum(axis=1).rename("gaps")
    ordered = starts.join(gaps).sort_values(["gaps", *starts.columns]).drop(columns="gaps")
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


def _parse_days(text: pd.Series) -> pd.Series:
    """Return days in ISO format; what is not a date stays as it is, for prepare to count."""
    days = text.copy()
    for date_format in DATE_FORMATS:
        parsed = pd.to_datetime(text, format=date_format, errors="coerce")
        days = days.mask(parsed.notna(), parsed.dt.strftime("%Y-%m-%d"))
    return days


def _parse_numbers(text: pd.Series) -> pd.Series:
    """Return the number in a cell such as 29.85, 525m or $1.50F (the favourite); missing if there is none."""
    return text.str.replace(",", "").str.extract(NUMBER_PATTERN, expand=False).astype(float)


def _normalize_name(text: str) -> str:
    return " ".join(text.split()).upper()
