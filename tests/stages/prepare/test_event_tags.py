"""Tags as sources write them: the same tags from every form, or a refusal that shows the value and the setting."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.events.tag_parsing import parse_tags
from stages.prepare.events.tag_tables import collect_tag_columns, join_tag_rows, list_flag_columns
from trueline.core.errors import UserError
from trueline.core.text.tag_labels import clean_tag, normalize_tag

MANY = settings(deadline=None, max_examples=150)
DELIMITERS = ",;|"
Row = list[str]
SAMPLE_TAGS = [
    "live music",
    "C++",
    "R&B",
    "café",
    "日本語",
    "🎉",
    "<html>",
    "AC/DC",
    "node.js",
    "2020s",
    "it's",
    "A-",
    'the "X"',
]
any_label = st.one_of(
    st.sampled_from(SAMPLE_TAGS), st.text(st.sampled_from("aBz é'\"\\<>#,;|[]{}()+9漢🎉"), min_size=1)
)
plain_label = st.text(st.sampled_from("aBzé漢🎉+/"), min_size=1, max_size=6)
spaced_label = st.lists(plain_label, min_size=1, max_size=3).map(" ".join)


def rows_of(label: st.SearchStrategy[str], min_tags: int = 0) -> st.SearchStrategy[list[Row]]:
    sound_label = label.filter(lambda text: bool(normalize_tag(text)))
    return st.lists(st.lists(sound_label, min_size=min_tags, max_size=4), min_size=1, max_size=6)


def read(cells: list[Any], delimiters: str = DELIMITERS, new_names: Any = None, is_set_fixed: bool = True) -> list[Any]:
    return parse_tags(cells, delimiters, new_names or {}, is_set_fixed)


def expect(rows: list[Row]) -> list[tuple[str, ...]]:
    return [tuple(sorted(set(map(clean_tag, row)))) for row in rows]


def print_set(row: Row) -> str:
    return str(set(row))


PRINTED_FORMS: dict[str, Callable[[Row], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "array": lambda row: np.array(row, dtype=object),
    "printed list": str,
    "printed tuple": lambda row: str(tuple(row)),
    "printed set": print_set,
    "printed frozenset": lambda row: str(frozenset(row)),
    "printed array": lambda row: str(np.array(row, dtype=object)),
    "array's repr": lambda row: repr(np.array(row, dtype=object)),
    "printed list of NumPy texts": lambda row: f"[{', '.join(f'np.str_({text!r})' for text in row)}]",
    "JSON": json.dumps,
    "JSON with letters": lambda row: json.dumps(row, ensure_ascii=False),
    "objects": lambda row: [{"id": number, "name": text} for number, text in enumerate(row)],
    "printed objects": lambda row: str([{"urlkey": "x", "name": text, "score": None} for text in row]),
    "JSON objects": lambda row: json.dumps([{"label": text} for text in row]),
}


@pytest.mark.parametrize("form", PRINTED_FORMS)
@MANY
@given(rows_of(any_label))
def test_lists_in_every_form_give_their_tags_as_they_are(form: str, rows: list[Row]) -> None:
    assert read([PRINTED_FORMS[form](row) for row in rows]) == expect(rows)


TEXT_FORMS: dict[str, Callable[[Row], str]] = {
    "commas": ", ".join,
    "semicolons": "; ".join,
    "bars": "|".join,
    "hashes": lambda row: " ".join(f"#{text}" for text in row),
    "glued hashes": lambda row: "".join(f"#{text}" for text in row),
    "hashes and commas": lambda row: ", ".join(f"#{text}" for text in row),
    "angles": lambda row: "".join(f"<{text}>" for text in row),
    "unquoted list": lambda row: f"[{', '.join(row)}]",
    "PostgreSQL's array": lambda row: f"{{{','.join(row)}}}",
    "quotes": lambda row: ", ".join(f'"{text}"' for text in row),
}


@pytest.mark.parametrize("form", TEXT_FORMS)
@MANY
@given(rows_of(spaced_label, min_tags=1))
def test_texts_in_every_form_give_their_tags(form: str, rows: list[Row]) -> None:
    assert read([TEXT_FORMS[form](row) for row in rows]) == expect(rows)


@MANY
@given(rows_of(plain_label, min_tags=1))
def test_blanks_separate_tags_where_they_are_delimiters(rows: list[Row]) -> None:
    assert read([" ".join(row) for row in rows], " ", is_set_fixed=False) == expect(rows)


def test_tags_that_seem_to_be_separated_by_blanks_are_rejected_with_the_setting() -> None:
    cells = ["cs.CV cs.RO", "cs.RO stat.ML", "stat.ML", "cs.CV stat.ML cs.RO", "cs.CV"] * 3
    with pytest.raises(
        UserError, match=r"tags is 'cs\.CV cs\.RO', which looks like 2 tags, not one.*delimiters to \" \""
    ):
        read(cells, is_set_fixed=False)
    assert read(cells[:1], is_set_fixed=True) == [("cs.CV cs.RO",)]
    names = ["live music", "food", "night market", "open air", "chess"] * 3
    assert read(names, is_set_fixed=False) == [(name,) for name in names]


@pytest.mark.parametrize(
    ("cells", "tags"),
    [
        (["#c# #java", "#f#"], [("c#", "java"), ("f#",)]),
        (["c#", "#1"], [("c#",), ("#1",)]),
        (["#jazz #soul", "c#, jazz", "folk #jazz"], [("jazz", "soul"), ("c#", "jazz"), ("folk", "jazz")]),
        (["<c++><html>", "jazz", "<jazz>"], [("c++", "html"), ("jazz",), ("jazz",)]),
        (["<c++>; jazz", "<html>"], [("<c++>", "jazz"), ("<html>",)]),
        ([["<html>"], ["#1"]], [("<html>",), ("#1",)]),
        (["'80s, rock"], [("'80s", "rock")]),
        (["(live) music (new)", "set()"], [("(live) music (new)",), ()]),
        (['{jazz,"live, \\"loud\\" music"}', '[art, "jazz"]'], [("jazz", 'live, "loud" music'), ("art", "jazz")]),
        (['{jazz "live"}', '["art" jazz]'], [None, None]),
        (["['a' 'b' ... 'z']"], [None]),
        ([{"yoga": True, "film": False, "food": 1}], [("food", "yoga")]),
        ([{"name": "yoga", "id": 3}], [("yoga",)]),
        (['{"yoga": true, "film": false}', "{'food': True}"], [("yoga",), ("food",)]),
        (
            [[0, 3], np.array([1, 2]), "[0 4]", [7.0], 5, np.int64(6)],
            [("0", "3"), ("1", "2"), ("0", "4"), ("7",), ("5",), ("6",)],
        ),
        ([[250.5], [2720]], [("250.5",), ("2720",)]),
        (["25000|V290", "038"], [("25000", "V290"), ("038",)]),
    ],
)
def test_single_forms(cells: list[Any], tags: list[Any]) -> None:
    assert read(cells) == tags


def test_numbers_get_names_and_tags_other_names() -> None:
    assert read([[0, 1], "Jazz; 2"], new_names={0: "yoga", "1": "film", "jazz": "JAZZ", 2: "soul"}) == [
        ("film", "yoga"),
        ("JAZZ", "soul"),
    ]


def test_numbers_in_some_rows_and_names_in_others_are_rejected_with_the_lines_to_paste() -> None:
    with pytest.raises(UserError, match=r"\(0\) and a name in others \('yoga'\).*\{tags: \{0: NAME, 3: NAME\}\}\."):
        read([["yoga"], [3, 0]])


def make_rows(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns).astype(object)


@MANY
@given(rows_of(plain_label, min_tags=1), st.randoms(use_true_random=False))
def test_one_row_a_tag_is_one_row_an_event_in_any_order(rows: list[Row], random: Any) -> None:
    pairs = [(f"e{number}", tag) for number, row in enumerate(rows) for tag in sorted(set(row))]
    random.shuffle(pairs)
    table = make_rows(
        id=[pair[0] for pair in pairs], name=[pair[0] for pair in pairs], tags=[(pair[1],) for pair in pairs]
    )
    joined = join_tag_rows(table).set_index("id")["tags"].sort_index()
    assert dict(joined) == {f"e{number}": tuple(sorted(set(row))) for number, row in enumerate(rows)}


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        (["a", "b"], [("x",), ("y",)]),  # not the same event
        (["a", "a"], [("x", "z"), ("y",)]),  # versions, not parts
        (["a", "a"], [("x",), None]),
        (["a", "a"], [("x",), ()]),
        (["a", "a"], [("x",), ("x",)]),  # delivered twice
    ],
)
def test_rows_that_are_no_parts_of_one_event_stay_as_they_are(name: list[str], tags: list[Any]) -> None:
    rows = make_rows(id=["e", "e"], name=name, tags=tags)
    pd.testing.assert_frame_equal(join_tag_rows(rows), rows)
    nameless = rows.assign(id=None)
    pd.testing.assert_frame_equal(join_tag_rows(nameless), nameless)


@pytest.mark.parametrize(
    ("yes", "no"), [(1, 0), (True, False), ("1", ""), ("TRUE", "false"), (1.0, np.nan), ("x", None)]
)
def test_a_column_a_tag_gives_the_tags_that_are_true(yes: Any, no: Any) -> None:
    raw = make_rows(id=["a", "b", "c"], yoga=[yes, no, no], live_music=[yes, yes, no], price=[1, 2, 3])
    assert set(list_flag_columns(raw, {"id"})) == {"yoga", "live_music"}
    rows = collect_tag_columns(raw, ["yoga", "live_music"])
    assert rows["tags"].tolist() == [["yoga", "live_music"], ["live_music"], []]
    assert list(rows) == ["id", "price", "tags"]


def test_a_tag_column_that_is_absent_or_holds_other_values_is_rejected_with_its_value() -> None:
    raw = make_rows(id=["a", "b"], yoga=[1, 2])
    with pytest.raises(UserError, match="the tag column yoga is 2 in row 2; write 1 where"):
        collect_tag_columns(raw, ["yoga"])
    with pytest.raises(
        UserError, match=r"events has no column 'joga' of prepare\.events\.tag_columns; did you mean 'yoga'\?"
    ):
        collect_tag_columns(raw, ["joga"])


@given(
    st.lists(st.lists(st.text(st.sampled_from("aBzé漢"), min_size=1, max_size=6), min_size=1, max_size=3), min_size=2),
    st.sampled_from("|;"),
    st.randoms(use_true_random=False),
)
def test_commas_are_a_part_of_tags_that_other_signs_separate(names: list[Row], sign: str, random: Any) -> None:
    pieces = [f"{piece}{number}" for number, piece in enumerate(piece for name in names for piece in name)]
    tags = [", ".join(pieces.pop() for _ in name) for name in names]
    rows = [[tag] for tag in tags] + [random.sample(tags, 2) for _ in range(4)] + [tags, tags]
    random.shuffle(rows)
    cells = [f" {sign} ".join(row) for row in rows]
    assert parse_tags(cells, DELIMITERS, {}, False) == [tuple(sorted(set(row))) for row in rows]


def test_commas_separate_tags_that_also_stand_alone() -> None:
    cells = ["art, jazz", "art|jazz", "kids; art, jazz", "jazz", "art, jazz|kids"]
    assert parse_tags(cells, DELIMITERS, {}, False)[2] == ("art", "jazz", "kids")
    for cells in ([",;", "a;b"], ["art,;kids", "art,|kids", "art,;kids"]):
        assert not any("," in tag for tags in parse_tags(cells, DELIMITERS, {}, False) for tag in tags or ())


@given(
    st.lists(st.lists(st.sampled_from(["jazz", "live music", "c++", "café", "漢"]), min_size=1, max_size=3), min_size=1)
)
def test_links_of_a_wiki_and_lists_in_html_are_tags(rows: list[Row]) -> None:
    expected = [tuple(sorted(set(row))) for row in rows]
    links = [" ".join(f"[[{tag}]]" for tag in row) for row in rows]
    items = ["<ul>" + "".join(f"<li>{tag}</li>" for tag in row) + "</ul>" for row in rows]
    anchors = [", ".join(f'<a href="/t/1">{tag}</a>' for tag in row) for row in rows]
    for cells in (links, items, anchors):
        assert parse_tags(cells, DELIMITERS, {}, False) == expected


@pytest.mark.parametrize("cell", ["[[1, 2]]", '[["a"], ["b"]]'])
def test_lists_in_lists_are_no_links(cell: str) -> None:
    assert parse_tags([cell], DELIMITERS, {}, False) != [("1, 2",)]
