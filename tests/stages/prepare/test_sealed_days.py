"""Sealed days: what prepare writes is what it would write if the source ended before them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests import pipeline_copy

SEALED_DAYS = 12
DATE_COLUMN = {"racing": "start_time", "props": "date"}


def cut_source(folder: Path, task: str) -> pd.Timestamp:
    """Take the newest days out of every table of a source, and return the first day that is gone."""
    tables = {path: pd.read_parquet(path) for path in (folder / f"data/sample/{task}").glob("*.parquet")}
    dates = {path: pd.to_datetime(table[DATE_COLUMN[task]]) for path, table in tables.items()}
    main_table = next(path for path in tables if path.stem in ("runners", "games"))
    first_day = dates[main_table].max().normalize() - pd.Timedelta(days=SEALED_DAYS - 1)
    for path, table in tables.items():
        table[dates[path] < first_day].to_parquet(path)
    return first_day


def prepare(folder: Path, task: str) -> str:
    done = pipeline_copy.run(folder, "prepare", task)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("task", DATE_COLUMN)
def test_no_row_of_a_sealed_day_is_written_and_no_other_row_differs(tmp_path: Path, task: str) -> None:
    sealed, cut = (pipeline_copy.copy(tmp_path / name) for name in ("sealed", "cut"))
    pipeline_copy.change(sealed, **{f"folds__{task}__sealed_days": SEALED_DAYS})
    first_day = cut_source(cut, task)
    for folder in (sealed, cut):
        said = prepare(folder, task)
        assert ("are sealed" in said) == (folder == sealed)
    for name in ("prepared", "folds"):
        written, expected = (pd.read_parquet(folder / f"data/{name}/{task}.parquet") for folder in (sealed, cut))
        assert written["time"].max() < first_day
        pd.testing.assert_frame_equal(written, expected)
    period = json.loads((sealed / f"metrics/{task}/quality.json").read_text())["sealed"]
    assert period["from_day"] == f"{first_day:%Y-%m-%d}"
    assert period["rows"] > 0
    assert "sealed" not in json.loads((cut / f"metrics/{task}/quality.json").read_text())


def test_events_without_dates_cannot_be_sealed_and_say_so(tmp_path: Path) -> None:
    folder = pipeline_copy.copy(tmp_path)
    pipeline_copy.change(folder, folds__events__sealed_days=7)
    done = pipeline_copy.run(folder, "prepare", "events")
    assert done.returncode == 1
    assert done.stderr == (
        "prepare events: folds.events.sealed_days is 7, but the rows have no dates, so that no day is the newest; set "
        "it to null, or add dates to the source.\n"
    )
