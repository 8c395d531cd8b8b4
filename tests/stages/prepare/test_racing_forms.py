"""What tables of races say in other columns than ours, or in forms that contradict each other: read, or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.prepare.runners import read as read_source
from tests.stages.prepare.test_racing_downloads import as_betfair_monthly, as_betfair_prices, races
from tests.stages.prepare.test_racing_sources import PLAIN, quick, read, world
from trueline.core.errors import UserError

CLOCKS: list[Callable[[pd.Series], pd.Series]] = [
    lambda start: start.dt.strftime("%H:%M"),
    lambda start: start.dt.strftime("%H:%M:%S"),
    lambda start: start.dt.strftime("%I:%M %p"),
    lambda start: start.dt.strftime("%H:%M:00.000"),
    lambda start: start.dt.strftime("%H.%M"),
    lambda start: start.dt.strftime("%Hh%M"),
    lambda start: start.dt.strftime("%I.%M%p").str.lower(),
    lambda start: start.dt.strftime("%H%M"),
    lambda start: start.dt.strftime("%H%M").astype(int),
]
DAYS = ["%Y-%m-%d", "%d/%m/%Y", "%d %B %Y", "%Y%m%d"]


def split_start(day_form: str, clock: Callable[[pd.Series], pd.Series], names: tuple[str, str]) -> pd.DataFrame:
    raw = world()
    start = pd.to_datetime(raw["start_time"])
    return raw.drop(columns="start_time").assign(**{names[0]: start.dt.strftime(day_form), names[1]: clock(start)})


@quick
@given(
    st.sampled_from(DAYS[:3]),
    st.sampled_from(CLOCKS),
    st.sampled_from(["date", "Race Date", "start_time"]),
    st.sampled_from(["off", "Race Time", "time", "Off Time", "jump_time"]),
)
def test_a_day_and_a_time_of_day_are_the_start(
    day_form: str, clock: Callable[[pd.Series], pd.Series], day_name: str, time_name: str
) -> None:
    rows, report = read(split_start(day_form, clock, (day_name, time_name)))
    pd.testing.assert_frame_equal(rows, PLAIN)
    assert f"racing: the start is read from {day_name} and {time_name}" in report["intake"]["notes"]


def test_a_column_of_run_times_is_no_time_of_day() -> None:
    raw = split_start("%Y-%m-%d", CLOCKS[0], ("date", "off")).drop(columns="off")
    raw["time"] = [f"1:{10 + number % 40}" for number in range(len(raw))]
    assert read(raw)[0]["time"].dt.hour.eq(0).all()


def test_races_without_an_id_are_told_apart_by_start_venue_and_number() -> None:
    raw = world().drop(columns="race_id")
    rows, report = read(raw)
    pd.testing.assert_frame_equal(rows.drop(columns=["row_id", "group"]), PLAIN.drop(columns=["row_id", "group"]))
    assert rows.groupby("group").ngroup().tolist() == PLAIN.groupby("group").ngroup().tolist()
    assert "races are told apart by start_time, venue, race_no" in "; ".join(report["intake"]["notes"])
    assert read(raw.drop(columns="race_no"))[0]["group"].nunique() == PLAIN["group"].nunique()


@pytest.mark.parametrize("race_id", [1, "R1", "Ardley 1"])
def test_ids_that_are_numbers_on_a_card_count_with_day_and_venue(race_id: str | int) -> None:
    raw = world().assign(race_id=race_id)
    for table in (raw, raw.drop(columns="race_no")):
        rows, report = read(table)
        assert rows.groupby("group").ngroup().tolist() == PLAIN.groupby("group").ngroup().tolist()
        assert "because they have no ids of their own" in "; ".join(report["intake"]["notes"])


@pytest.mark.parametrize("last", ["6", "PU", "6=", "DNF"])
def test_without_a_column_of_winners_the_first_have_won(last: str) -> None:
    raw = world().drop(columns="won")
    raw["place"] = raw["place"].astype(str).replace({"6": last})
    rows, report = read(raw)
    assert rows["target"].tolist() == PLAIN["target"].tolist()
    assert "the winners are those whose place is 1" in "; ".join(report["intake"]["notes"])


def test_winners_beside_empty_cells_are_refused_with_the_setting_that_reads_them() -> None:
    raw = world().astype({"won": object})
    raw["won"] = raw["won"].where(raw["won"] == 1, None)
    with pytest.raises(UserError, match=r"set prepare.racing.values: {won: {'': 0}}"):
        read(raw)
    pd.testing.assert_frame_equal(read(raw, values={"won": {"": 0}})[0], PLAIN)


def card(hours: list[int]) -> pd.DataFrame:
    """Races of other runners at each of some hours of one day and course, without race numbers."""
    race = world().iloc[:6].drop(columns="race_no")
    cards = []
    for number, hour in enumerate(hours):
        start, names, prices = f"2025-01-08 {hour:02}:10", race["runner"] + str(number), race["bsp"] + number / 100
        cards.append(race.assign(race_id=f"c{number}", start_time=start, runner=names, bsp=prices))
    return pd.concat(cards, ignore_index=True)


def test_a_12_hour_clock_is_seen_without_race_numbers_and_read_by_the_setting() -> None:
    with pytest.raises(
        UserError, match=r"between 04:10 and 12:10\), .* 12-hour clock; .* set prepare.racing.pm_before"
    ):
        read(card([12, 1, 2, 3, 4]))
    rows, _ = read(card([12, 1, 2, 3, 4]), pm_before=11)
    assert rows["time"].dt.hour.drop_duplicates().tolist() == [12, 13, 14, 15, 16]
    assert read(card([12, 1, 2, 3, 4]), pm_before=1)[0]["time"].dt.hour.min() == 1


@pytest.mark.parametrize("hours", [[11, 12, 13, 14], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [10, 11, 12, 18, 19]])
def test_a_24_hour_clock_is_read_in_any_zone(hours: list[int]) -> None:
    assert read(card(hours))[0]["time"].dt.hour.drop_duplicates().tolist() == hours


UNITS = [
    ("distance_m", 0.9144, ["Distance (yds)", "dist_yards", "distanceYards"]),
    ("distance_m", 201.168, ["Dist (f)", "distance_furlongs"]),
    ("distance_m", 1000.0, ["distance_km"]),
    ("weight_kg", 0.45359237, ["weight_lb", "Weight (lbs)", "wgt pounds"]),
    ("run_time_s", 60.0, ["run_time_min", "Finish Time (mins)"]),
    ("run_time_s", 0.001, ["run_time_ms"]),
]


@quick
@given(st.data())
def test_a_unit_in_a_name_is_that_of_its_numbers(data: st.DataObject) -> None:
    column, factor, names = data.draw(st.sampled_from(UNITS))
    name, as_text = data.draw(st.sampled_from(names)), data.draw(st.booleans())
    raw = world().assign(weight_kg=30.5, run_time_s=29.0)
    raw[column] += 0.0 if column == "distance_m" else world()["place"] / 10
    truth = read(raw)[0]
    given = (raw[column] / factor).round(9)
    rows, _ = read(raw.drop(columns=column).assign(**{name: given.astype(str) if as_text else given}))
    pd.testing.assert_frame_equal(rows, truth, rtol=1e-6)


def test_a_unit_in_a_name_is_that_of_its_numbers_where_a_setting_maps_it_too() -> None:
    raw = world().rename(columns={"distance_m": "Course length (yds)"})
    rows, _ = read(raw, columns={"Course length (yds)": "distance_m"})
    assert rows["distance_m"].unique() == pytest.approx([480 * 0.9144])


def test_lost_letters_are_named() -> None:
    notes = read(world().replace({"runner": {"Éclair Bay": "\ufffdclair Bay"}}))[1]["intake"]["notes"]
    assert any("runner has letters that another program could not read" in note for note in notes)


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S"])
def test_a_month_of_betfair_that_was_saved_anew_keeps_its_days(form: str, tmp_path: Path) -> None:
    month = as_betfair_monthly(races())
    for folder, table in (
        ("plain", month),
        ("anew", month.assign(SCHEDULED_RACE_TIME=races()["start"].dt.strftime(form))),
    ):
        (tmp_path / folder).mkdir()
        table.to_csv(tmp_path / folder / "ANZ_Greyhounds_2025_01.csv", index=False)
    plain, anew = (read(read_source(str(tmp_path / folder)))[0] for folder in ("plain", "anew"))
    pd.testing.assert_frame_equal(anew, plain)


def test_place_markets_beside_the_win_markets_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = as_betfair_prices(races())
    day.to_csv(tmp_path / "dwbfpricesauswin08012025.csv", index=False)
    alone = read(read_source(str(tmp_path)))[0]
    place = day.assign(EVENT_ID=day["EVENT_ID"] + 500, EVENT_NAME="To Be Placed", WIN_LOSE=1, BSP=1.5)
    place.to_csv(tmp_path / "dwbfpricesausplace08012025.csv", index=False)
    pd.testing.assert_frame_equal(read(read_source(str(tmp_path)))[0], alone)
    assert f"{len(place)} rows of place markets are left out" in capsys.readouterr().out


def guide(dates: list[str]) -> pd.DataFrame:
    columns: dict[str, Any] = {"Dog Name": ["1. Ann"] + [""] * (len(dates) - 1), "Sex": "D", "PLC": 1, "BOX": 1}
    columns |= {"WGT": 30, "DIST": 480, "DATE": dates, "TRACK": "ASHF", "G": 5, "TIME": 27.2, "WIN": 27.2, "BON": 27.1}
    columns |= {"1 SEC": 5.4, "MGN": 1, "W/2G": "Bo", "PIR": 11, "SP": "$2.50"}
    return pd.DataFrame(columns)


def test_a_guide_with_months_first_is_read_so_and_one_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    guide(["02/13/2025", "02/03/2025"]).to_csv(tmp_path / "a.csv", index=False)
    assert read_source(str(tmp_path))["start_time"].tolist() == ["2025-02-03", "2025-02-13"]
    guide(["03/02/2025", "04/02/2025"]).to_csv(tmp_path / "a.csv", index=False)
    assert read_source(str(tmp_path))["start_time"].tolist() == ["2025-02-03", "2025-02-04"]
    guide(["02/13/2025", "14/02/2025"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UserError, match="form guides: DATE has days first"):
        read_source(str(tmp_path))
