"""Races in the shapes in which people have them: read right, or refused with column, value and remedy."""

import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.racing import prepare
from stages.prepare.racing.race_columns import Settings
from trueline.core.errors import UserError
from trueline.core.tables.intake_report import IntakeError, refuse_large_loss

SETTINGS = Settings(until=None, box_low=1, box_high=10, book_low=0.8, book_high=1.6)
NAMES = ["Éclair Bay", "O'Neill Star", "Quiet Otter", "Paper Moon", "Tin Whistle", "Copper Iris"]
quick = settings(max_examples=15, deadline=None)


def world(days: int = 12) -> pd.DataFrame:
    """A race a day of the same six runners; the winner changes from day to day."""
    rows = []
    for day in range(days):
        for box, name in enumerate(NAMES, 1):
            place = (box + day) % 6 + 1
            race: dict[str, Any] = {
                "race_id": f"r{day:02}",
                "start_time": f"2025-01-{day + 8:02} 18:{day + 10}",
                "venue": "Ardley",
            }
            race |= {"race_no": 1, "distance_m": 480, "grade": "Grade 5", "box": box, "runner": name}
            rows.append(race | {"won": int(place == 1), "place": place, "bsp": 3.0 + place})
    return pd.DataFrame(rows)


def read(raw: pd.DataFrame, **changed: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    return prepare(raw, SETTINGS.model_copy(update=changed))


PLAIN, _ = prepare(world(), SETTINGS)
WAYS: list[Callable[[str, int], str]] = [
    lambda name, box: f"{box}. {name}",
    lambda name, box: name.upper(),
    lambda name, box: f"  {name.replace(' ', '  ')} ",
    lambda name, box: unicodedata.normalize("NFD", name),
    lambda name, box: name.replace("'", "’"),
]


@quick
@given(st.lists(st.sampled_from(WAYS), min_size=72, max_size=72))
def test_a_runner_in_several_spellings_is_one_runner(ways: list[Callable[[str, int], str]]) -> None:
    raw = world()
    raw["runner"] = [way(name, box) for way, name, box in zip(ways, raw["runner"], raw["box"], strict=True)]
    pd.testing.assert_frame_equal(read(raw)[0], PLAIN)


def test_spellings_that_may_be_one_runner_are_named_with_their_rows() -> None:
    raw = world()
    raw.loc[raw["race_id"] < "r03", "runner"] += " (IRE)"
    _, report = read(raw)
    notes = [note for note in report["intake"]["notes"] if "several ways" in note]
    assert notes == [
        "runners that may be written in several ways: 6, for example 'COPPER IRIS' (9 rows) and 'COPPER IRIS (IRE)' "
        "(3 rows)"
    ]
    assert report["intake"]["hints"] == ["25% of the rows have a rarer spelling of a runner's name"]


@quick
@given(
    st.integers(0, 25), st.sampled_from(["Ardley", "ARDLEY (AUS)"]), st.integers(0, 11), st.sampled_from(["", " (IRE)"])
)
def test_a_race_under_two_ids_is_kept_once_and_named(minutes: int, venue: str, doubled: int, suffix: str) -> None:
    raw = world()
    copy = raw[raw["race_id"] == f"r{doubled:02}"].assign(race_id="copy", venue=venue)
    copy["start_time"] = (pd.to_datetime(copy["start_time"]) + pd.Timedelta(minutes=minutes)).astype(str)
    copy["place"] = np.nan  # the poorer copy goes
    copy["runner"] += suffix
    prepared, report = read(pd.concat([copy, raw]))
    assert prepared["group"].nunique() == 12
    assert "copy" not in set(prepared["group"])
    assert report["set_aside"] == {"a runner in two races at once": {"rows": 6, "races": 1}}
    refuse_large_loss(report, 0, "racing")  # nothing is lost


def test_a_race_under_two_ids_is_found_without_times_of_day() -> None:
    raw = world().assign(start_time=lambda rows: rows["start_time"].str[:10])
    for dated in (raw, world()):  # the other source may have times
        copies = dated.assign(race_id="copy " + raw["race_id"])
        prepared, report = read(pd.concat([raw, copies]))
        assert prepared["group"].nunique() == 12
        assert list(report["set_aside"]) == ["a runner in two races at once"]


def test_a_runner_may_run_again_on_the_same_day() -> None:
    raw = world()
    heat = raw[raw["race_id"] == "r00"]
    final = heat.assign(race_id="final", start_time="2025-01-08 20:30", race_no=9)
    assert read(pd.concat([raw, final]))[0]["group"].nunique() == 13
    undated = raw.assign(start_time=raw["start_time"].str[:10])
    others = final.assign(start_time="2025-01-08", runner=[*NAMES[:2], "A", "B", "C", "D"])
    assert read(pd.concat([undated, others]))[0]["group"].nunique() == 13


def cards(clock: str) -> pd.DataFrame:
    """Five races a day from 12:30 on, an hour apart, as a clock writes them."""
    races = []
    for day in range(4):
        for number in range(5):
            off = pd.Timestamp(f"2025-03-0{day + 1} 12:30") + pd.Timedelta(hours=number)
            text = f"{off:%Y-%m-%d} {int(off.strftime('%I')) if clock == '12' else off.hour}:30"
            race = world(1).assign(race_id=f"d{day}r{number}", start_time=text, race_no=number + 1)
            races.append(race.assign(runner=[f"{day} {number} {box}" for box in race["box"]]))
    return pd.concat(races, ignore_index=True)


def test_times_of_a_12_hour_clock_are_refused_with_an_example_or_read_by_the_setting() -> None:
    read(cards("24"))
    with pytest.raises(UserError, match=r"race 2 at Ardley on 2025-03-01 starts at 01:30, .* at 12:30.*pm_before"):
        read(cards("12"))
    pd.testing.assert_frame_equal(read(cards("12"), pm_before=11)[0], read(cards("24"))[0])


@quick
@given(st.sampled_from(["%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M", "%d %b %Y %I:%M %p", "%Y%m%dT%H%M", "%m/%d/%Y %H:%M"]))
def test_start_times_in_any_form_that_the_column_decides_are_read(form: str) -> None:
    raw = world().assign(start_time=lambda rows: pd.to_datetime(rows["start_time"]).dt.strftime(form))
    pd.testing.assert_frame_equal(read(raw)[0], PLAIN)


def test_start_times_with_two_readings_are_refused_or_read_by_the_setting() -> None:
    raw = world(4)
    form = "%d/%m/%Y %H:%M"
    raw["start_time"] = pd.to_datetime(raw["start_time"]).dt.strftime(form)
    with pytest.raises(UserError, match=r"start_time can be read .*'08/01/2025 18:10'.*date_format"):
        read(raw)
    pd.testing.assert_frame_equal(read(raw, date_format=form)[0], read(world(4))[0])


def test_prices_are_read_as_fractions_and_no_price_leaves_the_race() -> None:
    raw = world()
    fractional = raw.assign(bsp=[f"{int(price - 1)}/1F" for price in raw["bsp"]])
    pd.testing.assert_frame_equal(read(fractional)[0], PLAIN)
    for nothing in ("0", "-", "NaN", "Infinity", "SP n/a"[3:]):
        prepared, report = read(raw.assign(bsp=raw["bsp"].astype(object).where(raw.index != 0, nothing)))
        assert len(prepared) == len(raw)
        assert not report["set_aside"]
        assert prepared["soft_label"].isna().sum() == 6
        assert "races with a missing price, left out of the market's figures: 1" in report["intake"]["notes"]


@pytest.mark.parametrize(("form", "write"), [("to_one", lambda p: p - 1), ("probability", lambda p: 1 / p)])
def test_prices_in_another_form_are_named_and_read_by_the_setting(
    form: str, write: Callable[[pd.Series], pd.Series]
) -> None:
    raw = world()
    raw["bsp"] = 1 / (1 / raw["bsp"] / (1 / raw["bsp"]).groupby(raw["race_id"]).transform("sum"))
    raw.loc[raw["place"] == 1, "bsp"] = 1.8
    others = (1 / raw["bsp"]).where(raw["place"] > 1).groupby(raw["race_id"]).transform("sum")
    raw["bsp"] = raw["bsp"].where(raw["place"] == 1, raw["bsp"] * others / (1 - 1 / 1.8))
    expected, _ = read(raw)
    pd.testing.assert_frame_equal(read(raw.assign(bsp=write(raw["bsp"])), odds=form)[0], expected)
    with pytest.raises(IntakeError, match=rf"1\.00 with prepare\.racing\.odds set to {form}"):
        read(raw.assign(bsp=write(raw["bsp"])))


def test_a_faller_keeps_its_race_and_has_no_place() -> None:
    raw = world()
    last = raw["place"] == 6
    fallen = raw.assign(place=raw["place"].astype(object).mask(last, "F"), won=raw["won"].astype(float).mask(last))
    prepared, report = read(fallen)
    assert report["set_aside"] == {}
    assert prepared["place"].isna().sum() == 12
    assert prepared["won"].equals(PLAIN["won"])
    coded = read(raw.assign(place=raw["place"].mask(last, 40)))[0]
    assert coded["place"].equals(prepared["place"])


@pytest.mark.parametrize("mark", ["1=", "=1", "1 DH", "T1", "1st="])
def test_a_dead_heat_is_read_from_the_place(mark: str) -> None:
    raw = world(2)
    raw["place"] = raw["place"].astype(object).mask(raw["place"] <= 2, mark)
    raw["won"] = (raw["place"] == mark).astype(int)
    assert read(raw)[0]["target"].value_counts().to_dict() == {0: 8, 0.5: 4}


def test_two_winners_without_a_place_are_a_dead_heat_if_that_is_rare() -> None:
    parts = [world(), world(), world(), world()]
    for number, part in enumerate(parts):
        part["race_id"], part["runner"] = f"{number} " + part["race_id"], f"{number}" + part["runner"]
    raw = pd.concat(parts)
    raw = raw.drop(columns="place").reset_index(drop=True)
    raw.loc[[0, 1, 2, 3, 4, 5], "won"] = [1, 1, 0, 0, 0, 0]
    prepared, report = read(raw)
    assert report["set_aside"] == {}
    assert prepared.loc[prepared["group"] == "0 r00", "target"].tolist() == [0.5, 0.5, 0, 0, 0, 0]
    _, report = read(raw.assign(won=raw["won"].mask(raw["box"].isin([1, 2]) & (raw["race_id"].str[2:] < "r06"), 1)))
    assert "several winners without a dead heat" in report["set_aside"]


def test_words_for_results_are_read_and_withdrawn_runners_are_scratched() -> None:
    raw = world()
    removed = raw.groupby("race_id").head(1).assign(box=9, runner="Gone", won="REMOVED", place=None, bsp=None)
    words = raw.assign(won=raw["won"].map({1: "WINNER", 0: "LOSER"}))
    prepared, report = read(pd.concat([words, removed]))
    pd.testing.assert_frame_equal(prepared, PLAIN)
    assert report["scratched_rows"] == 12


@quick
@given(st.sets(st.integers(0, 71), max_size=30))
def test_rows_that_came_twice_are_taken_once_and_counted(repeated: set[int]) -> None:
    raw = world()
    prepared, report = read(pd.concat([raw, raw.loc[sorted(repeated)]]))
    pd.testing.assert_frame_equal(prepared, PLAIN)
    assert report["repeated_rows"] == len(repeated)


def test_columns_are_found_by_their_names_in_any_spelling_by_synonyms_and_by_the_setting() -> None:
    names = {"race_id": "Race ID", "start_time": "START-TIME", "runner": "Horse", "venue": "Course", "box": "Draw"}
    raw = world().rename(columns=names | {"won": "first home"})
    prepared, report = read(raw, columns={"First Home": "won"})
    pd.testing.assert_frame_equal(prepared, PLAIN)
    assert any("Horse (runner)" in note for note in report["intake"]["notes"])
    with pytest.raises(UserError, match=r"no columns 'runner', 'won'.*columns: \{runnr: runner, THEIR NAME: won\}"):
        read(world().rename(columns={"place": "finish", "runner": "runnr", "won": "x"}))
    with pytest.raises(UserError, match=r"prepare\.racing\.columns names 'winer'.*did you mean 'won'|names 'winer'"):
        read(raw, columns={"First Home": "winer"})


def test_a_class_of_rows_that_is_lost_is_refused_with_column_value_row_and_setting() -> None:
    raw = world().assign(box=lambda rows: rows["box"] + 5)
    prepared, report = read(
        pd.concat(
            [
                raw,
                world(12).assign(race_id=lambda rows: "x" + rows["race_id"], runner=lambda rows: "x" + rows["runner"]),
            ],
            ignore_index=True,
        )
    )
    with pytest.raises(
        IntakeError,
        match=r"72 of 144 rows \(50%\) are set aside, more than prepare\.racing\.most_set_aside allows \(0\.2\); most "
        r"\(72 rows\) for 'box out of range', for example '11' as box in row 6; fix it, or set "
        r"prepare\.racing\.box_high",
    ) as refusal:
        refuse_large_loss(report, 0.2, "racing")
    assert refusal.value.quality["set_aside"]["box out of range"]["rows"] == 72
    assert len(prepared) == 72
    refuse_large_loss(report, 0.5, "racing")


def test_when_nothing_is_left_column_and_value_are_named_and_the_report_is_kept() -> None:
    with pytest.raises(IntakeError, match=r"'unreadable value', for example 'Yes!' as won in row 1") as refusal:
        read(world().assign(won="Yes!"))
    assert refusal.value.quality["set_aside"] == {"unreadable value": {"rows": 72, "races": 12}}


@pytest.mark.parametrize("ids", [[f"{n:08}" for n in range(12)], [f"1.26020{n:02}10" for n in range(12)]])
def test_ids_come_back_as_they_were(ids: list[str]) -> None:
    raw = world()
    raw["race_id"] = raw["race_id"].map(dict(zip(raw["race_id"].unique(), ids, strict=True)))
    assert sorted(read(raw)[0]["group"].unique()) == sorted(ids)


@pytest.mark.parametrize("highest", [11, 16, 24])
def test_the_setting_that_a_refusal_of_boxes_names_reads_the_file(highest: int) -> None:
    raw = world()
    raw["box"] += highest - 6
    with pytest.raises(IntakeError, match=rf"set prepare\.racing\.box_high: {highest}\.$"):
        read(raw)
    assert len(read(raw, box_high=highest)[0]) == len(raw)
