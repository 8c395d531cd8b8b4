"""What prepare keeps of events, what it sets aside and why, and what it finds in their tags."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.prepare.events import COLUMNS, OLDER_VERSION, RULES, Settings, clean_event_texts, columns, prepare
from stages.prepare.listings import read
from trueline.core.errors import UserError
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.tables import table_schema

PARAMETERS: dict[str, Any] = {
    "tags": None,
    "tag_columns": None,
    "dates": "use",
    "delimiters": ",;|",
    "untagged": "keep",
    "least_examples": 2,
    "near_duplicate_similarity": 0.4,
    "near_duplicate_words": 2,
    "cut_share": 0.05,
}
NAMES = ["Brass Night", "Open Kiln", "Long Ride", "Night Reel", "Two Choirs", "Seed Swap"]
TAGS: list[Any] = [["music", "dance"], ["art"], ["sport", "art"], [], ["music"], ["art"]]


def settings(**changed: Any) -> Settings:
    return Settings(**{**PARAMETERS, **changed})


def events(**changed: Any) -> pd.DataFrame:
    """Six sound events, no two alike; `changed` replace or add whole columns."""
    columns_by_name = {
        "id": [f"e{number}" for number in range(6)],
        "name": NAMES,
        "description": [f"About {name.lower()} and nothing besides, number {at}." for at, name in enumerate(NAMES)],
        "location": "Mill Lane",
        "tags": TAGS,
    }
    return pd.DataFrame(columns_by_name | changed)


def changed(column: str, value: Any, at: int = 0) -> pd.DataFrame:
    """Sound events of which one cell is another."""
    raw = events().astype(object)
    raw.at[at, column] = value
    return raw


def again(**other: Any) -> pd.DataFrame:
    """Sound events, the first of them twice, the second time with other values."""
    raw = events()
    return pd.concat([raw, raw.iloc[:1].assign(**other)], ignore_index=True)


DATED = {"date": [f"2025-03-0{day}" for day in range(1, 7)]}
NOTHING: dict[str, Any] = {"name": "🎉", "description": "<br>", "location": None}
FAULTS: dict[str, tuple[pd.DataFrame, int]] = {
    "missing id": (changed("id", " "), 1),
    "unreadable tags": (changed("tags", True), 1),
    "unreadable date": (events(date=[*DATED["date"][:5], "soon"]), 1),
    "missing date": (events(date=[*DATED["date"][:5], None]), 1),
    OLDER_VERSION: (again(updated_at="2025-03-01", tags=["art"]), 1),
    "empty text": (pd.concat([events(), pd.DataFrame([{"id": "x", "tags": ["art"], **NOTHING}])]), 1),
    "untagged": (events(), 1),
    "several events of one id": (again(name="Another one"), 2),
    "delivered twice": (again(), 1),
}


@pytest.mark.parametrize("reason", RULES)
def test_an_event_with_a_fault_is_set_aside_and_counted_under_its_reason(reason: str) -> None:
    raw, count = FAULTS[reason]
    prepared, report = prepare(raw, settings(untagged="set_aside" if reason == "untagged" else "keep"))
    assert report["set_aside"] == {reason: count}
    assert (report["rows_in"], report["rows_out"]) == (len(raw), len(raw) - count)
    assert len(prepared) == len(raw) - count


def test_prepared_rows_obey_their_declarations_in_declared_order() -> None:
    prepared, _ = prepare(events(), settings())
    declared = columns(prepared)
    table_schema.validate_table(prepared, declared, "prepared")
    assert [column.name for column in declared] == list(prepared)
    assert list(prepared)[: len(COLUMNS)] == [column.name for column in COLUMNS]
    tags = ["art", "dance", "music", "sport"]
    assert list(prepared)[len(COLUMNS) :] == [*(f"says:{tag}" for tag in tags), *(f"target:{tag}" for tag in tags)]
    assert prepared["row_id"].tolist() == [f"e{number}" for number in range(6)]


def test_only_the_tags_given_are_declared_known_afterwards() -> None:
    declared = columns(prepare(events(), settings())[0])
    assert {c.name for c in declared if c.known == "after"} == {
        f"target:{t}" for t in ("art", "dance", "music", "sport")
    }
    assert {c.known for c in declared} == {"before", "after"}


def test_a_tag_is_a_target_of_its_own_and_an_event_may_have_none() -> None:
    prepared, report = prepare(events(), settings())
    assert prepared["target:art"].tolist() == [0, 1, 1, 0, 0, 1]
    assert prepared["target:music"].tolist() == [1, 0, 0, 0, 1, 0]
    assert prepared.filter(like="target:").sum(axis=1).tolist() == [2, 1, 2, 0, 1, 1]
    assert report["events_without_tags"] == 1
    assert report["tags_per_event"] == {"mean": pytest.approx(7 / 6), "most": 2}
    assert report["distinct_tag_sets"] == 5


@pytest.mark.parametrize(
    "cell",
    [
        *(["Jazz", " art ", "jazz"], ("art", "jazz"), np.array(["art", "jazz"]), ["art", None, "jazz", ""]),
        *("art,jazz", "Art ; jazz", "jazz|art|", '["art", "jazz"]', "['art', 'jazz']", "ａｒｔ, j\u200bazz"),
    ],
)
def test_tags_come_as_lists_or_as_text_and_mean_the_same(cell: Any) -> None:
    prepared, _ = prepare(changed("tags", cell), settings())
    first = prepared.iloc[0].filter(like="target:")
    assert first[first == 1].index.tolist() == ["target:art", "target:jazz"]


@pytest.mark.parametrize("cell", [None, np.nan, "", " ", [], "[]", ["", None], ",;"])
def test_an_empty_cell_is_no_tags(cell: Any) -> None:
    prepared, report = prepare(changed("tags", cell), settings())
    assert report["events_without_tags"] == 2
    assert len(prepared) == 6


@pytest.mark.parametrize("cell", [5, ["art", 5], '["art", 5]', [2.0]])
def test_numbers_among_names_of_tags_are_rejected_until_they_have_a_name(cell: Any) -> None:
    with pytest.raises(UserError, match=r"tags is a number in some rows .*values: \{tags: \{[25]: NAME\}\}\.$"):
        prepare(changed("tags", cell), settings())
    prepared, _ = prepare(changed("tags", cell), settings(values={"tags": {5: "jazz", "2": "jazz"}}))
    assert prepared["target:jazz"].tolist() == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("cell", [{"art": "no"}, [{"id": 5}], [["art"]], "[art", "['art' jazz]", "[" * 5000, True])
def test_a_cell_that_holds_no_tags_is_unreadable(cell: Any) -> None:
    assert prepare(changed("tags", cell), settings())[1]["set_aside"] == {"unreadable tags": 1}


def test_delimiters_are_a_choice_and_a_tag_may_have_blanks() -> None:
    prepared, _ = prepare(changed("tags", "live  music; a,b"), settings(delimiters=";"))
    assert {"target:live music", "target:a,b"} <= set(prepared)


def test_what_cannot_be_learned_is_named_and_stays_in_the_truth() -> None:
    raw = events(tags=[["all", "few"], ["all", "some"], ["all", "some"], ["all"], ["all"], ["all"]])
    prepared, report = prepare(raw, settings(tags=["all", "few", "none", "some"]))
    reasons = {"all": "on every event", "few": "in fewer than 2 clusters", "none": "on no event"}
    assert report["not_learnable"] == reasons
    assert prepared.filter(like="target:").sum().tolist() == [6, 1, 0, 2]
    assert report["tags"]["some"] == {"events": 2, "share": pytest.approx(1 / 3), "clusters": 2}


def test_a_recurring_event_is_one_example_however_often_it_recurs() -> None:
    series = {
        "name": "Brass Night",
        "description": [f"Horns and drums till late, all ages, part {n}" for n in range(6)],
    }
    prepared, report = prepare(events(tags=[["late"]] * 3 + [["other"]] * 3, **series), settings())
    assert prepared["group"].tolist() == ["e0"] * 6
    assert report["clusters"] == {"all": 1, "of_several": 1, "events_in_them": 6, "largest": 6}
    assert report["not_learnable"] == {"late": "in fewer than 2 clusters", "other": "in fewer than 2 clusters"}


def test_events_that_share_only_their_place_are_no_near_duplicates() -> None:
    place = (
        "The Great Hall of the Corn Exchange, 12 Station Parade, Northwick, United Kingdom, near the old bus station"
    )
    assert prepare(events(location=place), settings())[0]["group"].is_unique


def test_a_tag_outside_the_fixed_set_is_rejected_with_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"2 rows have the tag 'music', which .* did you mean 'musik'\? .*accept every tag"
    ):
        prepare(events(), settings(tags=["art", "dance", "musik", "sport"]))


def test_a_fixed_set_gives_tags_their_spelling() -> None:
    prepared, _ = prepare(events(), settings(tags=[" Art", "DANCE", "music", "sport", "Zoo"]))
    assert prepared.filter(like="target:").sum().to_dict() == {
        "target:Art": 3,
        "target:DANCE": 1,
        "target:Zoo": 0,
        "target:music": 2,
        "target:sport": 1,
    }


def test_a_table_without_a_tag_is_rejected() -> None:
    with pytest.raises(UserError, match="none of 6 rows has a tag"):
        prepare(events(tags=""), settings())


@pytest.mark.parametrize("column", ["id", "name", "tags"])
def test_an_absent_column_is_rejected_with_the_nearest(column: str) -> None:
    with pytest.raises(UserError, match=f"events has no column '{column}'; did you mean '{column}s'"):
        prepare(events().rename(columns={column: f"{column}s"}), settings())


def test_an_empty_table_and_one_of_which_nothing_survives_are_rejected() -> None:
    with pytest.raises(UserError, match="events has no rows"):
        prepare(events().head(0), settings())
    with pytest.raises(
        UserError, match=r"none of 6 rows survives; most \(6 rows\) for 'empty text', for example '🎉' as name in row 1"
    ):
        prepare(events(**NOTHING), settings())


def test_an_event_with_one_field_is_an_event() -> None:
    raw = events().drop(columns=["description", "location"])
    prepared, report = prepare(raw, settings())
    assert len(prepared) == 6
    assert report["missing_share"] == {"name": 0.0, "description": 1.0, "location": 1.0}
    assert prepared["description"].eq("").all()


def test_texts_are_cleaned_and_a_missing_one_is_empty() -> None:
    raw = pd.DataFrame({"name": ["<b>Ｊazz</b> &amp; soul", None, 7], "location": [np.nan, "here", "🎈"]})
    assert clean_event_texts(raw).to_dict("list") == {
        "name": ["Jazz & soul", "", "7"],
        "description": ["", "", ""],
        "location": ["", "here", ""],
    }


def test_a_text_says_a_tag_where_its_name_stands_in_any_field() -> None:
    raw = events(name=["A party", *NAMES[1:]], location=["Mill Lane", "Sport-Halle", *["Mill Lane"] * 4])
    prepared, _ = prepare(raw, settings())
    assert prepared["says:art"].tolist() == [1, 0, 0, 0, 0, 0]
    assert prepared["says:sport"].tolist() == [0, 1, 0, 0, 0, 0]


def test_without_dates_all_events_are_simultaneous() -> None:
    for raw in (events(), events(date=None)):
        prepared, report = prepare(raw, settings())
        assert (prepared["time"] == NO_CLOCK).all()
        assert prepared["time"].dtype == "datetime64[us]"
        assert report["clock"] is False


def test_with_dates_events_stand_in_the_order_of_time() -> None:
    prepared, report = prepare(events(date=DATED["date"][::-1]), settings())
    assert prepared["row_id"].tolist() == [f"e{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert prepared["time"].is_monotonic_increasing
    assert (report["clock"], report["first_day"], report["last_day"]) == (True, "2025-03-01", "2025-03-06")


def test_the_order_of_the_raw_rows_leaves_no_trace() -> None:
    raw = pd.concat([events(), again().iloc[6:], changed("id", None).iloc[:1]], ignore_index=True)
    straight, report = prepare(raw, settings())
    shuffled, other = prepare(raw.sample(frac=1, random_state=3), settings())
    pd.testing.assert_frame_equal(straight, shuffled, check_exact=True)
    for loss in (*report["intake"]["set_aside"].values(), *other["intake"]["set_aside"].values()):
        assert 1 <= loss["example"].pop("row") <= 8  # the row in the source, which was shuffled
    assert report == other
    assert report["set_aside"] == {"missing id": 1, "delivered twice": 1}


def test_texts_cut_at_one_length_are_counted() -> None:
    whole = [("word and more " * 9)[: 90 + number] for number in range(3)]
    raw = events(description=[*(f"{name:.<24}a" for name in NAMES[:3]), *whole])
    report = prepare(raw, settings())[1]["cut_texts"]
    assert report == {"length": 25, "texts": 3, "mid_word": 3, "share": 0.5}
    raw.loc[0, "description"] = f"{NAMES[0]:.<25}"
    assert prepare(raw, settings())[1]["cut_texts"] == {"length": 25, "texts": 3, "mid_word": 2, "share": 2 / 6}
    assert prepare(raw, settings(cut_share=0.6))[1]["cut_texts"]["length"] is None


def test_columns_that_nobody_reads_are_reported() -> None:
    assert prepare(events(price=3, mood="calm"), settings())[1]["ignored_columns"] == ["mood", "price"]


def test_ids_that_came_as_numbers_are_names_all_the_same() -> None:
    whole, gappy = [1, 2, 3, 4, 5, 6], [1.0, 2.0, 3.0, 4.0, 5.0, np.nan]
    assert prepare(events(id=whole), settings())[0]["row_id"].tolist() == list("123456")
    assert prepare(events(id=gappy), settings())[0]["row_id"].tolist() == list("12345")


def test_a_megabyte_and_a_text_from_right_to_left_are_texts_like_others() -> None:
    raw = events(description=["jazz by night " * 75_000, "שיעור יוגה בגן", *["a b c d", "e f g h", "i j k", "l m"]])
    prepared, _ = prepare(raw, settings())
    assert len(prepared["description"][0]) > 1_000_000
    assert prepared["description"][1] == "שיעור יוגה בגן"


def put(folder: Path, form: str) -> Path:
    """Write the events in one of the forms that a source may have, and return the source."""
    raw = events()
    text = raw.assign(tags=raw["tags"].map(";".join))
    if form == "sqlite":
        with closing(sqlite3.connect(folder / "events.db")) as connection:
            text.to_sql("events", connection, index=False)
        return folder / "events.db"
    records = [json.dumps(record) for record in raw.to_dict("records")]
    contents = {"json": f"[{','.join(records)}]", "jsonl": "\n".join(records), "csv": text.to_csv(index=False)}
    if form in contents:
        (folder / f"events.{form}").write_text(contents[form])
    else:
        raw.to_parquet(folder / "events.parquet")
    return folder


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "parquet", "sqlite"])
def test_every_form_of_source_gives_the_same_rows(tmp_path: Path, form: str) -> None:
    prepared, report = prepare(read(str(put(tmp_path, form))), settings())
    expected, expected_report = prepare(events(), settings())
    pd.testing.assert_frame_equal(prepared, expected)
    assert report == expected_report


@pytest.mark.parametrize("reason", RULES)
def test_a_fault_is_shown_with_column_value_and_row(reason: str) -> None:
    raw, count = FAULTS[reason]
    intake = prepare(raw, settings(untagged="set_aside" if reason == "untagged" else "keep"))[1]["intake"]
    count_in = len(raw) - count if reason == OLDER_VERSION else len(raw)  # nothing is lost with it
    assert intake["rows"] == {"in": count_in, "kept": len(raw) - count}
    example = intake["set_aside"][reason]["example"]
    assert example["column"] in raw
    assert example["value"] is None or example["value"] in str(raw[example["column"]].iloc[example["row"] - 1])


def long_form() -> pd.DataFrame:
    return events().explode("tags", ignore_index=True)


def flags() -> pd.DataFrame:
    tags = ["art", "dance", "music", "sport"]
    return events(**{tag: [int(tag in row) for row in TAGS] for tag in tags}).drop(columns="tags")


OTHER_SHAPES: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
    "one row a tag": (long_form(), {}),
    "one column a tag": (flags(), {"tag_columns": ["music", "art", "sport", "dance"]}),
    "other names": (events().rename(columns={"id": "ID", "name": "Title", "tags": "Labels"}), {}),
    "names from params": (
        events().rename(columns={"name": "what", "tags": "kind"}),
        {"columns": {"what": "name", "kind": "tags"}},
    ),
    "objects": (
        events(name=[{"text": name} for name in NAMES], tags=[[{"name": tag} for tag in row] for row in TAGS]),
        {},
    ),
    "dates ignored": (events(date=DATED["date"]), {"dates": "ignore"}),
    "codes": (
        events(tags=[[["art", "dance", "music", "sport"].index(tag) for tag in row] for row in TAGS]),
        {"values": {"tags": {0: "art", 1: "dance", 2: "music", 3: "sport"}}},
    ),
    "form variants": (events(tags=[["Music", "dance"], ["ART "], ["sport", "art"], [], ["music"], ["art"]]), {}),
}


@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_other_shapes_of_the_same_events_give_the_same_rows(shape: str) -> None:
    raw, changed_settings = OTHER_SHAPES[shape]
    prepared, report = prepare(raw, settings(**changed_settings))
    pd.testing.assert_frame_equal(prepared, prepare(events(), settings())[0])
    assert report["set_aside"] == {}


def test_what_was_joined_is_named() -> None:
    _, report = prepare(long_form(), settings())
    assert "events: 8 rows are 6 events, with one row for each of their tags" in report["intake"]["notes"]
    _, report = prepare(OTHER_SHAPES["form variants"][0], settings())
    assert report["joined_tags"] == {"art": {"ART": 1, "art": 2}, "music": {"Music": 1, "music": 1}}
    assert any("'music' (rows with 'Music': 1, 'music': 1)" in note for note in report["intake"]["notes"])


def test_a_table_with_a_column_a_tag_is_rejected_with_the_setting_to_paste() -> None:
    with pytest.raises(UserError, match=r"no column 'tags'.*tag_columns: \[art, dance, music, sport\]\.$"):
        prepare(flags(), settings())


def test_an_object_without_a_text_is_rejected_by_column_value_and_row() -> None:
    with pytest.raises(UserError, match=r"location is an object without a text or name, .*'lat': 1.* in row 3; write"):
        prepare(changed("location", {"lat": 1}, at=2), settings())


def test_a_source_without_a_table_of_events_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "event.csv").write_text("id\n1\n")
    with pytest.raises(UserError, match=r"holds no table 'events' .*did you mean 'event'"):
        read(str(tmp_path))


@pytest.mark.parametrize(
    "odd",
    [{"tags": []}, {"delimiters": ""}, {"least_examples": 0}, {"near_duplicate_similarity": 0.0}, {"untagged": "drop"}],
)
def test_parameters_out_of_range_are_rejected(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(odd))):
        settings(**odd)
