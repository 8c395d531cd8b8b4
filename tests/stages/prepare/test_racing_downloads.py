"""Downloads of races in the shapes of public sources go in unedited and give the rows of the same table in our form."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from stages.prepare.racing import prepare
from stages.prepare.runners import DOWNLOADS, betfair_monthly, betfair_prices, hkjc_results, read, uk_results
from tests.download_makers import write_corrected_download
from tests.stages.prepare.test_racing_sources import SETTINGS, world

KEY = ["entity", "time", "target", "bsp", "field_size", "box", "distance_m", "venue", "race_no"]


def races() -> pd.DataFrame:
    """The races of `world`, some of whose runners have a place, a time and a weight."""
    raw = world()
    start = pd.to_datetime(raw["start_time"])
    return raw.assign(start=start, run_time_s=29.0 + raw["place"] / 10, pounds=120 + raw["box"], race_no=2)


def as_betfair_monthly(rows: pd.DataFrame) -> pd.DataFrame:
    result = rows["won"].map({1: "WINNER", 0: "LOSER"})
    return pd.DataFrame(
        {
            "LOCAL_MEETING_DATE": rows["start"].dt.strftime("%Y-%m-%d"),
            "SCHEDULED_RACE_TIME": rows["start"].dt.strftime("%H:%M:%S.000"),
            "ACTUAL_OFF_TIME": rows["start"].dt.strftime("%H:%M:31.000"),
            "TRACK": rows["venue"],
            "STATE_CODE": "VIC",
            "RACE_NO": rows["race_no"],
            "WIN_MARKET_ID": "1." + rows["race_id"].str[1:] + "0",
            "WIN_MARKET_NAME": "R2 480m Grade 5",
            "DISTANCE": rows["distance_m"],
            "RACE_TYPE": rows["grade"],
            "SELECTION_ID": range(4000, 4000 + len(rows)),
            "TAB_NUMBER": rows["box"],
            "SELECTION_NAME": rows["runner"],
            "WIN_RESULT": result,
            "WIN_BSP": rows["bsp"],
            "PLACE_RESULT": (rows["place"] <= 3).map({True: "WINNER", False: "LOSER"}),
            "PLACE_BSP": None,
        }
    )


def as_betfair_prices(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "EVENT_ID": 260000000 + rows["race_id"].str[1:].astype(int),
            "MENU_HINT": "AUS / " + rows["venue"] + rows["start"].dt.strftime(" %dth Jan"),
            "EVENT_NAME": "R2 480m Grade 5",
            "EVENT_DT": rows["start"].dt.strftime("%d-%m-%Y %H:%M"),
            "SELECTION_ID": range(4000, 4000 + len(rows)),
            "SELECTION_NAME": rows["box"].astype(str) + ". " + rows["runner"],
            "WIN_LOSE": rows["won"],
            "BSP": rows["bsp"],
            "PPWAP": rows["bsp"] * 1.02,
            "MORNINGWAP": rows["bsp"] * 0.97,
        }
    )


def as_hkjc(rows: pd.DataFrame) -> pd.DataFrame:
    time = pd.to_timedelta(rows["run_time_s"], unit="s")
    return pd.DataFrame(
        {
            "Date": rows["start"].dt.strftime("%d/%m/%Y"),
            "Course": rows["venue"],
            "Race No.": rows["race_no"],
            "Class": rows["grade"],
            "Distance": rows["distance_m"].astype(str) + "M",
            "Pla.": rows["place"],
            "Horse No.": rows["box"],
            "Horse": rows["runner"] + " (A123)",
            "Jockey": "J. Doe",
            "Trainer": "T. Roe",
            "Act. Wt.": rows["pounds"],
            "Dr.": 7 - rows["box"],
            "LBW": rows["place"].map({1: "-", 2: "NOSE", 3: "SH", 4: "1/2", 5: "1-1/4", 6: "12"}),
            "Finish Time": [f"{value.seconds // 60}:{value.total_seconds() % 60:05.2f}" for value in time],
            "Win Odds": rows["bsp"],
        }
    )


def as_uk(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": rows["start"].dt.strftime("%Y-%m-%d"),
            "course": rows["venue"],
            "race_id": rows["race_id"],
            "off": (rows["start"].dt.hour - 12).astype(str) + rows["start"].dt.strftime(":%M"),
            "type": "Flat",
            "class": rows["grade"].where(rows["race_id"] != "r03"),
            "dist": "2f88y",
            "dist_m": rows["distance_m"],
            "num": rows["box"],
            "pos": rows["place"].astype(object).where(rows["place"] < 6, "PU"),
            "draw": None,
            "ovr_btn": rows["place"] - 1,
            "horse": rows["runner"],
            "lbs": rows["pounds"],
            "time": "0:30.00",
            "secs": rows["run_time_s"],
            "dec": rows["bsp"],
            "sp": "5/2F",
            "trainer": "T. Roe",
        }
    )


SHAPES: dict[ModuleType, Callable[[pd.DataFrame], pd.DataFrame]] = {
    betfair_monthly: as_betfair_monthly,
    betfair_prices: as_betfair_prices,
    hkjc_results: as_hkjc,
    uk_results: as_uk,
}


def test_every_download_has_a_case() -> None:
    assert set(SHAPES) == set(DOWNLOADS)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("name", ["any_name_2025_01.csv", "runners.csv"])
def test_a_folder_of_downloads_gives_the_rows_of_our_table(shape: ModuleType, name: str, tmp_path: Path) -> None:
    rows = races()
    table = SHAPES[shape](rows)
    if name == "runners.csv":
        table.to_csv(tmp_path / name, index=False)
    else:
        table.iloc[:36].to_csv(tmp_path / name, index=False)
        table.iloc[36:].to_csv(tmp_path / name.replace("01", "02"), index=False)
    ours, _ = prepare(rows[list(world().columns)], SETTINGS)
    theirs, report = prepare(read(str(tmp_path)), SETTINGS)
    assert not report["set_aside"]
    assert not report["intake"]["look_meant"]
    key = [name for name in KEY if name != "race_no" or shape is not uk_results]  # which has no race numbers
    assert ("race_no" in theirs) == ("race_no" in key)
    expected, found = ours[key], theirs[key]
    if shape is hkjc_results:  # which has no times of day
        expected = expected.assign(time=expected["time"].dt.normalize())
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12)


def test_what_the_shapes_say_beyond_names_is_read() -> None:
    rows = races()
    hong_kong, _ = prepare(hkjc_results.convert(as_hkjc(rows), SETTINGS), SETTINGS)
    assert hong_kong["weight_kg"].iloc[0] == pytest.approx(121 * 0.45359237)
    assert sorted(hong_kong["margin_lengths"].dropna().unique()) == [0.05, 0.1, 0.5, 1.25, 12.0]
    assert hong_kong["run_time_s"].min() == pytest.approx(29.1)
    british, _ = prepare(uk_results.convert(as_uk(rows), SETTINGS), SETTINGS)
    assert british["place"].isna().sum() == 12  # who was pulled up
    assert set(british["grade"]) == {"Grade 5", "Flat"}
    horses = as_betfair_prices(rows).assign(SELECTION_NAME=rows["runner"], EVENT_NAME="1m2f Hcap")
    exchange, _ = prepare(betfair_prices.convert(horses, SETTINGS), SETTINGS)
    assert set(exchange["distance_m"]) == {2011.68}
    assert set(exchange["box"]) == {1, 2, 3, 4, 5, 6}
    withdrawn = as_betfair_monthly(rows).assign(
        WIN_RESULT=lambda table: table["WIN_RESULT"].mask(rows["place"] == 6, "REMOVED")
    )
    assert prepare(betfair_monthly.convert(withdrawn, SETTINGS), SETTINGS)[1]["scratched_rows"] == 12


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@pytest.mark.parametrize("says_so", ["an added part", "updated_at"])
def test_a_corrected_race_of_a_download_replaces_the_race(shape: ModuleType, says_so: str, tmp_path: Path) -> None:
    right = SHAPES[shape](races())
    is_wrong = races()["race_id"].eq("r05")
    wrong = SHAPES[shape](races().assign(bsp=races()["bsp"] + 0.25, run_time_s=29.0)).where(is_wrong, right, axis=0)
    write_corrected_download(tmp_path, "a", wrong, right[is_wrong], says_so)
    rows, report = prepare(read(str(tmp_path)), SETTINGS)
    (tmp_path / "right").mkdir()
    right.to_csv(tmp_path / "right/a.csv", index=False)
    expected, _ = prepare(read(str(tmp_path / "right")), SETTINGS)
    pd.testing.assert_frame_equal(rows, expected)
    corrected = "rows that an added part corrects" if says_so == "an added part" else "has a newer version"
    (note,) = (note for note in report["intake"]["notes"] if corrected in note)
    assert note.endswith(f": {int(is_wrong.sum())}")
