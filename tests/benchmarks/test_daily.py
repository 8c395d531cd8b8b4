"""The benchmark of a day: days are held back and come back whole, and a day of a small task gives the same bytes."""

import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests import pipeline_copy
from trueline.benchmarks import daily
from trueline.core.errors import UserError


def make_tables() -> dict[str, pd.DataFrame]:
    time = pd.date_range("2024-01-01 18:00", periods=6, freq="12h")
    return {
        "runners.parquet": pd.DataFrame({"start_time": time, "x": range(6)}),
        "names.parquet": pd.DataFrame({"n": [1]}),
    }


def test_a_source_is_written_as_it_stood_after_a_day(tmp_path: Path) -> None:
    tables = make_tables()
    days = daily.list_days(tables)
    assert [day.day for day in days] == [1, 2, 3, 4]
    daily.write_raw_tables(tables, tmp_path, days[1])
    assert pd.read_parquet(tmp_path / "runners.parquet")["x"].tolist() == [0, 1, 2]
    assert pd.read_parquet(tmp_path / "names.parquet")["n"].tolist() == [1]
    daily.write_raw_tables(tables, tmp_path, days[-1])
    pd.testing.assert_frame_equal(daily.read_raw_tables(tmp_path)["runners.parquet"], tables["runners.parquet"])


def test_a_date_stays_and_a_share_becomes_one() -> None:
    days = list(pd.date_range("2024-01-01", periods=10))
    assert daily.choose_first_test(days, date(2024, 3, 1)) == "2024-03-01"
    assert daily.choose_first_test(days, 0.6) == "2024-01-07"


def test_a_source_that_has_no_days_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no Parquet table"):
        daily.read_raw_tables(tmp_path)
    with pytest.raises(UserError, match="no table has a column start_time or date"):
        daily.list_days({"names.parquet": pd.DataFrame({"n": [1]})})
    with pytest.raises(UserError, match="--source is of one task"):
        daily.main("racing", "props", "--source", str(tmp_path))


def test_each_appended_day_is_a_line_and_the_bytes_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(pipeline_copy.copy(tmp_path / "repository"))
    monkeypatch.setattr(daily, "STAGES", ("prepare",))  # all of them would take minutes
    daily.main("racing", "--days", "2")
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == ["racing"] * 4
    assert len({line.split()[1] for line in printed[1:3]}) == 2
    assert re.search(r"a day costs \d+\.\d{3} of a run from nothing .*, and gives the same bytes$", printed[3])
