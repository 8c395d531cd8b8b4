"""How a source's names and values become ours, and how what is missing is said."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import map_columns, normalize_name, reject_unknown_targets
from trueline.core.tables.raw_tables import read_raw_table
from trueline.core.tables.source_settings import PLAIN_SOURCE, SourceSettings
from trueline.core.tables.table_schema import Column

COLUMNS = [
    Column("race_id", "text", "before", "the race", required=True),
    Column("start_time", "time", "before", "the start", required=True),
    Column("bsp", "number", "at_start", "the price", "decimal odds"),
    Column("won", "whole", "after", "1 for the winner"),
]
SYNONYMS = {"race_id": ("market_id", "event_id"), "start_time": ("off",)}
RAW = pd.DataFrame(
    {"race_id": ["a", "b"], "start_time": ["2025-03-01", "2025-03-02"], "bsp": ["5/2", "4"], "won": [1, 0]}
)


def mapped(raw: pd.DataFrame, settings: SourceSettings = PLAIN_SOURCE) -> pd.DataFrame:
    return map_columns(raw, COLUMNS, settings, "races", SYNONYMS).rows[list(RAW.columns)]


@given(st.sampled_from([str.upper, str.title, lambda name: name.replace("_", " "), lambda name: f" {name}-"]))
def test_names_are_found_in_any_case_and_punctuation(write: object) -> None:
    pd.testing.assert_frame_equal(mapped(RAW.rename(columns=write)), RAW)  # type: ignore[call-overload]


def test_our_own_name_comes_before_a_synonym_which_is_then_named() -> None:
    raw = RAW.assign(**{"Market ID": "x", "colour": "red"})
    table = map_columns(raw, COLUMNS, PLAIN_SOURCE, "races", SYNONYMS)
    assert table.rows["race_id"].tolist() == ["a", "b"]
    assert table.ignored == ["Market ID", "colour"]
    assert table.look_meant == {"Market ID": "race_id"}
    without = map_columns(raw.drop(columns="race_id"), COLUMNS, PLAIN_SOURCE, "races", SYNONYMS)
    assert without.renamed == {"Market ID": "race_id"}


def test_the_first_synonym_of_several_is_taken() -> None:
    raw = RAW.rename(columns={"race_id": "event_id"}).assign(market_id="m")
    assert mapped(raw)["race_id"].tolist() == ["m", "m"]


def test_a_setting_comes_before_everything() -> None:
    settings = SourceSettings(columns={"REAL ID": "race_id"}, values={"won": {"first": 1, 7: 0}})
    raw = RAW.assign(real_id=["x", "y"], won=["First ", 7])
    table = mapped(raw.rename(columns={"race_id": "old"}), settings)
    assert table["race_id"].tolist() == ["x", "y"]
    assert table["won"].tolist() == [1, 0]


def test_files_that_spell_one_column_in_two_ways_are_joined_unless_they_contradict() -> None:
    raw = pd.concat([RAW.iloc[:1], RAW.iloc[1:].rename(columns={"race_id": "Race ID"})], ignore_index=True)
    assert mapped(raw)["race_id"].tolist() == ["a", "b"]
    with pytest.raises(
        UserError, match=r"'race_id' and 'RACE ID', which are all race_id and differ in 1 rows \(first row: 2"
    ):
        mapped(RAW.assign(**{"RACE ID": ["a", "c"]}))


def test_all_missing_columns_are_named_at_once_with_lines_to_paste() -> None:
    raw = RAW.rename(columns={"race_id": "racce", "start_time": "wann"})
    with pytest.raises(UserError) as error:
        mapped(raw)
    assert str(error.value) == (
        "races has no columns 'race_id', 'start_time'; its columns are bsp, racce, wann, won; say which are meant in "
        "params.yaml, prepare.<task>.columns: {racce: race_id, THEIR NAME: start_time}."
    )


def test_a_setting_for_no_column_of_ours_is_rejected() -> None:
    with pytest.raises(UserError, match=r"prepare\.racing\.columns names 'wonn'.*did you mean 'won'"):
        reject_unknown_targets(SourceSettings(columns={"a": "wonn"}), COLUMNS, "racing")
    with pytest.raises(UserError, match=r"prepare\.racing\.values names 'x'"):
        reject_unknown_targets(SourceSettings(values={"x": {"a": 1}}), COLUMNS, "racing")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "/etc/passwd"])
def test_a_zone_that_does_not_exist_is_rejected(zone: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        SourceSettings(timezone=zone)


@given(st.text())
def test_normal_names_of_normal_names_are_themselves(name: str) -> None:
    assert normalize_name(normalize_name(name)) == normalize_name(name)


def test_a_raw_table_is_read_and_tells_what_was_done() -> None:
    raw = RAW.assign(start_time=["2025-03-13", "13/03/2025"], won=["yes", "?"]).rename(columns={"race_id": "EVENT_ID"})
    table = read_raw_table(raw, COLUMNS, PLAIN_SOURCE, "races", SYNONYMS)
    assert table.rows["start_time"].tolist() == [pd.Timestamp("2025-03-13")] * 2
    assert table.rows["bsp"].tolist() == [3.5, 4.0]
    assert table.rows["won"].tolist() == [1.0, "?"]
    assert table.notes == [
        "races: columns read under our names: EVENT_ID (race_id)",
        "races: start_time is written in 2 forms: 2025-03-13, 13/03/2025",
    ]
