"""Runners: a table called `runners`, or a folder of classic form guides whose rows are all past starts."""

import csv
import io
import re
from pathlib import Path

import pandas as pd

from core import sources
from core.refusals import Refusal, suggest

HEADER = [
    *("Dog Name", "Sex", "PLC", "BOX", "WGT", "DIST", "DATE", "TRACK", "G"),
    *("TIME", "WIN", "BON", "1 SEC", "MGN", "W/2G", "PIR", "SP"),  # known only after the race
]
DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d %B %Y", "%d %b %Y")
RUG = re.compile(r"^\s*\d+\s*\.\s*")
NUMBER = re.compile(r"^\s*\$?\s*(-?\d+(?:\.\d+)?)")


def read(source: str) -> pd.DataFrame:
    """Return the raw runners of a source.

    A source is a folder with runners.parquet, .csv, .json or .jsonl; a SQLite database with a table `runners`; or a
    folder of form-guide CSVs. Refuses a source that is none of these.
    """
    held = sources.tables(source)
    if "runners" in held:
        return sources.read(source, "runners")
    guides = sorted(Path(source).glob("*.csv")) if Path(source).is_dir() else []
    if not any(_is_guide(file) for file in guides):
        raise Refusal(
            f"{source} holds neither a table 'runners' ({', '.join(sources.ENDINGS)}, or one of a SQLite database) nor "
            f"form guides (.csv whose first line is {','.join(HEADER)}); {suggest('runners', held)}"
        )
    return _races(_starts(pd.DataFrame([row for file in guides for row in _guide(file)], columns=HEADER, dtype=object)))


def _is_guide(file: Path) -> bool:
    return file.read_bytes()[:100].removeprefix(b"\xef\xbb\xbf").lstrip(b' "').startswith(HEADER[0].encode())


def _guide(file: Path) -> list[dict[str, str]]:
    """Return the rows of one form guide as text; a row without a name belongs to the dog above it."""
    try:
        lines = csv.DictReader(io.StringIO(file.read_text("utf-8-sig")), restval="", skipinitialspace=True)
    except UnicodeDecodeError:
        raise Refusal(f"{file} is not UTF-8; convert it, e.g. `iconv -f latin1 -t utf-8`.") from None
    found = [str(name).strip() for name in lines.fieldnames or ()]
    if lacking := [name for name in HEADER if name not in found]:
        begins = ",".join(found)[:40]
        what = f"is not a form guide (it begins {begins!r} and lacks {lacking[0]!r})" if begins else "is empty"
        raise Refusal(f"{file} {what}; take it out of the folder.")
    lines.fieldnames = found
    rows, dog = [], ""
    for line in lines:
        row = {name: line[name].strip() for name in HEADER}
        dog = row["Dog Name"] = row["Dog Name"].strip('" ') or dog
        if not dog:
            raise Refusal(f"{file} begins with a row without a dog's name; take it out of the folder.")
        rows.append(row)
    return rows


def _starts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every start once, under the raw names; the fullest copy is kept of a start that several files hold."""
    place = _number(rows["PLC"].str.replace("=", ""))
    margin = _number(rows["MGN"])
    starts = pd.DataFrame(
        {
            "start_time": _days(rows["DATE"]),
            "venue": rows["TRACK"].str.upper(),
            "distance_m": _number(rows["DIST"]),
            "grade": rows["G"],
            "box": _number(rows["BOX"]),
            "runner": rows["Dog Name"].map(lambda name: _name(RUG.sub("", name))),
            "sex": rows["Sex"],
            "weight_kg": _number(rows["WGT"]),
            "won": (place == 1).astype(float).where(place.notna()),  # no finishing place, no result
            "place": place,
            "dead_heat": rows["PLC"].str.endswith("=").astype(float),
            "run_time_s": _number(rows["TIME"]),
            "sectional_s": _number(rows["1 SEC"]),
            "margin_lengths": margin.where(place != 1, -margin),  # the guide gives a winner its lead over the second
            "bsp": _number(rows["SP"]),
            "WIN": _number(rows["WIN"]),
            "W/2G": rows["W/2G"].map(_name),
        }
    ).replace("", None)
    gaps = starts.isna().sum(axis=1).rename("gaps")
    ordered = starts.join(gaps).sort_values(["gaps", *starts.columns]).drop(columns="gaps")
    return ordered.drop_duplicates(["start_time", "venue", "distance_m", "runner"])


def _races(starts: pd.DataFrame) -> pd.DataFrame:
    """Name each start's race by day, track, distance, winning time and winner.

    A guide gives no race number, and in a quarter of all cases day, track, distance and grade name several races.
    """
    day, track, distance, time = (starts[name].astype(str) for name in ("start_time", "venue", "distance_m", "WIN"))
    meeting = day + " " + track + " " + distance + " " + time
    winner = starts["runner"].where(starts["place"] == 1, starts["W/2G"])
    known_as = _dead_heats(meeting, starts)
    race = [f"{where} {known_as.get((where, name), name)}" for where, name in zip(meeting, winner, strict=True)]
    races = starts.assign(race_id=race).drop(columns=["WIN", "W/2G"])
    return races.sort_values(["race_id", "box", "runner"], ignore_index=True)


def _dead_heats(meeting: pd.Series, starts: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return one name for both winners of a dead heat, of which a beaten dog's guide names either."""
    shared = (starts["place"] == 1) & (starts["dead_heat"] == 1) & starts["W/2G"].notna()
    known_as = {}
    for where, own, other in zip(meeting[shared], starts["runner"][shared], starts["W/2G"][shared], strict=True):
        known_as[where, own] = known_as[where, other] = min(own, other)
    return known_as


def _days(text: pd.Series) -> pd.Series:
    """Return ISO days; what is no date stays as it came, for prepare to count."""
    days = text.copy()
    for form in DATES:
        parsed = pd.to_datetime(text, format=form, errors="coerce")
        days = days.mask(parsed.notna(), parsed.dt.strftime("%Y-%m-%d"))
    return days


def _number(text: pd.Series) -> pd.Series:
    """Return the number in a cell such as 29.85, 525m or $1.50F (the favourite); missing where there is none."""
    return text.str.replace(",", "").str.extract(NUMBER, expand=False).astype(float)


def _name(text: str) -> str:
    return " ".join(text.split()).upper()
