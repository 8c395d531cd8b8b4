"""Inputs of events, checked by hand: the combined text, the counts of its surface, and the tags that it names."""

from typing import Any

import pandas as pd
import pytest

from stages.features.events import Settings, build
from stages.prepare import events
from trueline.core.history.leak_detection import audit_features
from trueline.core.history.past import Past
from trueline.core.tables.source_settings import OwnColumn
from trueline.samples.events import make_sample

PARAMETERS: dict[str, Any] = {"decision": "before", "include": None, "exclude": [], "audits": 2, "marks": True}
PREPARE: dict[str, Any] = {"tags": None, "delimiters": ",;|", "untagged": "keep", "least_examples": 5}
PREPARE |= {
    "tag_columns": None,
    "dates": "use",
    "near_duplicate_similarity": 0.4,
    "near_duplicate_words": 2,
    "cut_share": 0.05,
}


def inputs(rows: pd.DataFrame, **changed: Any) -> pd.DataFrame:
    """Return the inputs as the stage builds them."""
    declared = events.columns(rows)
    present = [column.name for column in declared if column.known == "before"]
    return build(rows[present], Past(rows), Settings(**PARAMETERS | changed))


def prepared(*fields: tuple[str, str, str]) -> pd.DataFrame:
    raw = pd.DataFrame(fields, columns=["name", "description", "location"])
    raw = raw.assign(id=[f"e{number}" for number in range(len(raw))], tags="art, hip-hop")
    return events.prepare(raw, events.Settings(**PREPARE))[0]


def surface(description: str) -> dict[str, float]:
    found = inputs(prepared(("", description, ""))).drop(columns="text").iloc[0]
    return {str(name): float(value) for name, value in found.items()}


def test_fields_stand_one_after_the_other_each_after_its_mark_and_empty_ones_do_not() -> None:
    rows = prepared(("Jazz!", "Doors at 8", "Oakland"), ("Jazz!", "", "Oakland"))
    assert inputs(rows)["text"].tolist() == [
        "xxname Jazz! xxdescription Doors at 8 xxlocation Oakland",
        "xxname Jazz! xxlocation Oakland",
    ]
    assert inputs(rows, marks=False)["text"].tolist() == ["Jazz! Doors at 8 Oakland", "Jazz! Oakland"]


def test_counts_and_shares_are_those_of_counting_by_hand() -> None:
    found = surface("BART to Jazz at 9! $5 off?")
    assert found["words"] == 7  # BART to Jazz at 9 5 off
    assert found["word_length"] == pytest.approx(15 / 7)
    assert found["capital_share"] == pytest.approx(5 / 15)
    assert found["shouted_share"] == pytest.approx(1 / 7)
    assert found["digit_share"] == pytest.approx(2 / 17)
    assert (found["exclamations"], found["questions"], found["currency"]) == (1, 1, 1)
    assert (found["name_words"], found["location_words"]) == (0, 0)


@pytest.mark.parametrize("text", ["8pm", "8 PM", "at 8:30 p.m. sharp", "19:30h", "from 9 o'clock", "10am-2pm"])
def test_an_hour_is_seen(text: str) -> None:
    assert surface(text)["hour"] == 1


@pytest.mark.parametrize("text", ["8 people", "3 pmx", "room 101", "won 3 to 4", "1990s", "2025"])
def test_a_number_is_no_hour(text: str) -> None:
    assert surface(text)["hour"] == 0


@pytest.mark.parametrize(("text", "seen"), [("$5", 1), ("5 €", 1), ("£ 3", 1), ("cash $ only", 0), ("5 dollars", 0)])
def test_a_price_is_a_sign_beside_a_number(text: str, seen: int) -> None:
    assert surface(text)["currency"] == seen


def test_where_there_is_nothing_to_count_shares_are_zero() -> None:
    found = surface("שלום!")
    assert found["capital_share"] == found["digit_share"] == found["shouted_share"] == 0
    assert surface("!")["word_length"] == 0


def test_where_a_script_has_no_blanks_letters_are_counted_as_words() -> None:
    assert surface("公園の音楽 jazz 第3回")["words"] == 9
    assert surface("हिन्दी में")["words"] == 2


def test_the_marks_are_not_counted_as_words() -> None:
    rows = prepared(("A b", "C d e", "F"))
    assert inputs(rows)["words"].tolist() == inputs(rows, marks=False)["words"].tolist() == [6]


def test_what_a_text_says_is_passed_on_and_the_truth_is_not() -> None:
    found = inputs(prepared(("Party", "hip hop", ""), ("Jazz", "", "")))
    assert found["says:art"].tolist() == [1, 0]
    assert found["says:hip-hop"].tolist() == [1, 0]
    assert not [name for name in found if str(name).startswith("target:")]


def test_an_event_has_the_inputs_that_it_would_have_alone() -> None:
    rows = events.prepare(pd.DataFrame(make_sample()), events.Settings(**PREPARE))[0]
    together = inputs(rows)
    assert len(together) == len(rows)
    assert together.notna().all(axis=None)
    for at in (0, 100, len(rows) - 1):
        alone = inputs(rows.iloc[[at]].reset_index(drop=True))
        pd.testing.assert_frame_equal(alone, together.iloc[[at]].reset_index(drop=True), check_exact=True)


def test_the_leak_audit_of_dated_events_finds_nothing() -> None:
    raw = pd.DataFrame(make_sample()[:60]).assign(date=pd.date_range("2025-01-01", periods=60).astype(str))
    rows = events.prepare(raw, events.Settings(**PREPARE))[0]
    asked = Settings(**PARAMETERS)
    assert audit_features(inputs, rows, inputs(rows), events.columns(rows), asked, 1) == []


def test_own_columns_are_words_before_the_text_in_the_order_of_their_names() -> None:
    own = {
        "ticket_price": OwnColumn(kind="number", known="before"),
        "indoors": OwnColumn(kind="flag", known="before"),
        "host": OwnColumn(kind="category", known="before"),
    }
    raw = pd.DataFrame({"id": ["1", "2", "3"], "name": "Jazz", "tags": [["art"], ["music"], ["art", "music"]]})
    raw["Ticket Price"], raw["indoors"] = ["12.50", "free", None], ["yes", None, "no"]
    raw["Host"] = ["The  <b>Library</b>", None, "Library"]
    settings = events.Settings(**PREPARE, own_columns=own)
    rows, report = events.prepare(raw, settings)
    present = [*(column.name for column in events.columns(rows) if column.known == "before")]
    assert [name for name in rows if str(name).startswith("own:")] == [f"own:{name}" for name in own]
    table = build(rows[[*present, *(f"own:{name}" for name in own)]], Past(rows), Settings(**PARAMETERS))
    assert table["text"].tolist() == [
        "xxhost The Library xxindoors 1 xxticketprice 12.5 xxname Jazz",
        "xxname Jazz",
        "xxhost Library xxindoors 0 xxname Jazz",
    ]
    assert table["words"].tolist() == [1, 1, 1]
    assert "for example 'free' as ticket_price in row 2" in report["intake"]["notes"][-1]
