"""Small variations that a person's files have: read as what they mean, or refused with the value and the remedy."""

import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stages.prepare import events, props, racing
from stages.prepare.events.tag_parsing import parse_tags
from stages.prepare.events.tag_tables import collect_tag_columns
from stages.prepare.props.quote_sides import QUOTE_KEY, join_quote_sides
from stages.prepare.props.unified_names import unify_names
from stages.prepare.racing.box_numbers import drop_box_numbers
from stages.prepare.racing.strange_sizes import describe_strange_sizes
from stages.prepare.runners.race_results import read_results
from tests.pipeline_copy import ROOT
from tests.stages.prepare.test_racing_sources import SETTINGS as RACING
from tests.stages.prepare.test_racing_sources import world
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params, parse_settings
from trueline.core.tables.copied_groups import find_copied_groups
from trueline.core.tables.date_parsing import read_times
from trueline.core.tables.name_forms import normalize_name, unify_spellings
from trueline.core.tables.number_parsing import read_numbers
from trueline.core.tables.raw_tables import read_raw_table
from trueline.core.tables.source_settings import PLAIN_SOURCE
from trueline.core.tables.table_schema import Column

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
PREPARE = expand_params(PARAMS)["prepare"]
PROPS = props.Settings(**PREPARE["props"] | {"sport": "basketball", "quantity": "points", "most_set_aside": 1.0})
EVENTS = parse_settings(PARAMS, events.Settings, "prepare", "events")
WORDS = ["Amber Lane", "Bold Crow", "Éclair", "O'Neill Bay", "Señor Dusk"]
INVISIBLE = "\u200b\u00ad\ufeff"


def read_cells(cells: list[Any], column: Column) -> pd.Series:
    return read_raw_table(pd.DataFrame({"x": cells}), [column], PLAIN_SOURCE, "table", {}).rows["x"]


@given(st.sampled_from(WORDS), st.integers(0, 3), st.sampled_from(["NFC", "NFD"]), st.sampled_from("'’´`′"))
def test_what_nobody_sees_and_entities_are_only_form(name: str, position: int, form: Any, apostrophe: str) -> None:
    spelt = unicodedata.normalize(form, name).replace("'", apostrophe).replace("&", "&amp;")
    hidden = spelt[:position] + INVISIBLE + spelt[position:].lower()
    assert normalize_name(hidden) == normalize_name(name)
    assert normalize_name(name.replace("'", "&#39;").replace("ñ", "&ntilde;")) == normalize_name(name)


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([str, str.upper, str.lower])), min_size=1))
def test_the_commonest_spelling_of_a_name_counts(cells: list[tuple[str, Any]]) -> None:
    names = pd.Series([spell(name) for name, spell in cells], dtype=object)
    unified = unify_spellings(names)
    assert unified.map(normalize_name).tolist() == names.map(normalize_name).tolist()
    assert unified.nunique() == names.map(normalize_name).nunique()
    for _, spellings in names.groupby(unified):
        counts = spellings.value_counts()
        assert counts[unified[spellings.index[0]]] == counts.max()


@pytest.mark.parametrize(
    "form", ["#{} {}", "{} {}", "{}. {}", "No. {} {}", "T{} {}", "{}) {}", "({}) {}", "[{}] {}", "{} - {}"]
)
def test_a_box_number_in_every_name_is_none_of_the_names(form: str) -> None:
    raw = world()
    assert drop_box_numbers(raw["runner"], raw["race_id"]).tolist() == raw["runner"].tolist()
    numbered = [form.format(box, name) for box, name in zip(raw["box"], raw["runner"], strict=True)]
    rows, _ = racing.prepare(raw.assign(runner=numbered), RACING)
    behind = [f"{name} ({box})" for box, name in zip(raw["box"], raw["runner"], strict=True)]
    other_rows, _ = racing.prepare(raw.assign(runner=behind), RACING)
    expected, _ = racing.prepare(raw, RACING)
    assert rows["entity"].tolist() == other_rows["entity"].tolist() == expected["entity"].tolist()


def test_a_number_that_few_names_have_belongs_to_them() -> None:
    names = pd.Series(["7 Seas", "Bold Crow", "Grey Heron", "Iron Bark"])
    assert drop_box_numbers(names, pd.Series(["r"] * 4)).tolist() == names.tolist()


def test_courses_grades_and_trainers_of_races_have_one_spelling_each() -> None:
    raw = world()
    spelt = raw.assign(venue=[name.upper() if at % 12 < 6 else name for at, name in enumerate(raw["venue"])])
    rows, report = racing.prepare(spelt, RACING)
    assert rows["venue"].map(normalize_name).nunique() == rows["venue"].nunique()
    assert not report["set_aside"]


def test_words_for_runners_that_did_not_start_or_finish_are_read() -> None:
    raw = pd.DataFrame({"place": [1, 2, "DNS", "Pulled Up", "3/8", "4 of 8"], "won": [1, 0, 0, 0, 0, 0]})
    rows = read_results(raw.astype(object))
    assert rows["scratched"].tolist() == [0, 0, 1, 0, 0, 0]
    assert rows["place"].fillna(0).tolist() == [1, 2, 0, 0, 3, 4]


def describe_sizes(distance_m: float, run_time_s: float | None = None, weights: tuple[float, ...] = ()) -> list[str]:
    rows = {"distance_m": distance_m, "run_time_s": run_time_s, "weight_kg": weights or (None,), "entity": "ANN"}
    return describe_strange_sizes(pd.DataFrame(rows).astype({"run_time_s": float, "weight_kg": float}))


def test_a_lost_value_is_shown_and_a_speed_of_nobody_is_named() -> None:
    raw = world().assign(weight_kg="30.5(-2)")
    notes = racing.prepare(raw, RACING)[1]["intake"]["notes"]
    assert (
        f"unreadable or impossible values of weight_kg: {len(raw)}, for example '30.5(-2)' as weight_kg in row 1"
        in notes
    )
    assert describe_sizes(480.0, 29.5) == []
    (sentence,) = describe_sizes(480.0, 29500.0)
    assert "0.0163 metres a second" in sentence


@pytest.mark.parametrize(("distance_m", "kilograms"), [(480.0, 32.0), (1600.0, 57.5), (2400.0, 490.0)])
def test_weights_in_pounds_are_named_and_those_in_kilograms_are_not(distance_m: float, kilograms: float) -> None:
    pounds = kilograms / 0.45359237
    assert describe_sizes(distance_m, weights=(kilograms, kilograms + 1)) == []
    (all_pounds,) = describe_sizes(distance_m, weights=(pounds, pounds + 1))
    assert "weight_kg may be in pounds; if so, name the column weight_lb" in all_pounds
    (some_pounds,) = describe_sizes(distance_m, weights=(kilograms, kilograms, pounds))
    assert "for example of 'ANN' from" in some_pounds
    assert "write lb behind those" in some_pounds


def test_a_distance_in_furlongs_without_unit_is_refused() -> None:
    with pytest.raises(UserError, match="'impossible distance', for example '6' as distance_m"):
        racing.prepare(world().assign(distance_m=6), RACING)


def test_gaps_tell_no_race_from_another() -> None:
    margins = np.tile([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], 60)
    signature = pd.DataFrame({"run_time_s": np.arange(360) / 7, "margin_lengths": margins})
    signature.loc[:11, "run_time_s"] = np.nan  # of two races
    group = pd.Series(np.repeat([f"r{number:02}" for number in range(60)], 6))
    assert find_copied_groups(signature, group, pd.Series(pd.Timestamp("2024-03-01"), group.index)).empty


LABELS = ["R{}", "Race {}", "trap {}", "No. {}"]


@given(st.lists(st.integers(1, 99), min_size=1, max_size=8), st.sampled_from(LABELS))
def test_a_label_before_every_number_is_no_part_of_it(numbers: list[int], label: str) -> None:
    column = Column("x", "whole", "before", "a number")
    assert read_cells([label.format(number) for number in numbers], column).astype(float).tolist() == numbers
    assert read_cells(["T", "F", None], column).fillna(-1).tolist() == [1, 0, -1]
    assert read_cells(["F", "1", "T2"], column).tolist() == ["F", 1, "T2"]


ODDS = {"5/2J": 3.5, "5/2C": 3.5, "7.5/1": 8.5, "5 to 2": 3.5, "EvensJF": 2.0, "2.50 €": 2.5, "11⁄8": 2.375}
CLOCKS = {"1'12.30\"": 72.3, "1 min 12.30 sec": 72.3, "1m 12.30s": 72.3}


def test_prices_and_times_in_further_forms_are_read() -> None:
    assert read_numbers(pd.Series(list(ODDS)), "decimal odds").tolist() == pytest.approx(list(ODDS.values()))
    assert read_numbers(pd.Series(["SP", "No price", "TBA"]), "decimal odds").isna().all()
    assert read_numbers(pd.Series(list(CLOCKS)), "s").tolist() == pytest.approx(list(CLOCKS.values()))
    assert read_numbers(pd.Series(["$1.91", "2.10 €"]), "American odds").tolist() == pytest.approx([-100 / 0.91, 110.0])


@given(st.lists(st.tuples(st.integers(0, 47), st.integers(0, 59)), min_size=1))
def test_minutes_that_a_spreadsheet_took_for_hours_are_minutes(times: list[tuple[int, int]]) -> None:
    times.append((34, 12))
    cells = pd.Series([f"{minutes}:{seconds:02}:00" for minutes, seconds in times])
    assert read_numbers(cells, "minutes").tolist() == pytest.approx([minutes + s / 60 for minutes, s in times])
    assert read_numbers(pd.Series(["0:34:12"]), "minutes").tolist() == pytest.approx([34.2])


@given(st.dates(min_value=pd.Timestamp("1990-01-01").date(), max_value=pd.Timestamp("2030-01-01").date()))
def test_24_00_is_midnight_of_the_next_day_and_no_day_is_of_the_first_century(day: Any) -> None:
    cells = pd.Series([f"{day:%Y-%m-%d} 24:00", f"{day:%Y-%m-%d}T24:00:00Z"])
    assert read_times(cells, "x").tolist() == [pd.Timestamp(day) + pd.Timedelta(days=1)] * 2
    early = pd.Series([f"00{day:%y-%m-%d}"])
    assert read_times(early, "x").tolist() == early.tolist()


def test_a_year_of_two_digits_in_front_is_refused_and_serials_are_whole_minutes() -> None:
    days = pd.Series([f"25/01/{day:02}" for day in range(1, 20)])
    with pytest.raises(UserError, match=r"seems to have the year first.*'%y/%m/%d'"):
        read_times(days, "x")
    assert read_times(days, "x", "%y/%m/%d")[18] == pd.Timestamp("2025-01-19")
    minutes = pd.date_range("2024-01-01", periods=1440, freq="min")
    serials = pd.Series((minutes - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)).astype(str)
    assert read_times(serials, "x", "excel").tolist() == minutes.tolist()


def test_an_object_around_a_time_is_opened_and_another_one_is_no_time() -> None:
    column = Column("x", "time", "before", "a time")
    cells = [{"local": "2024-03-01T19:00:00", "timezone": "Europe/Paris"}, {"dateTime": "2024-03-02"}, {"a": 1}]
    read = read_cells(cells, column)
    assert list(read)[:2] == [pd.Timestamp("2024-03-01T19:00"), pd.Timestamp("2024-03-02")]
    assert read[2] == "{'a': 1}"


def games(**changed: Any) -> pd.DataFrame:
    rows = [
        {"player_id": f"{100 + player}", "date": f"2024-03-{day:02}", "game_id": f"g{day}", "season": "2023-24"}
        | {"team": f"Team {player % 2}", "opponent": f"Team {1 - player % 2}", "home": player % 2}
        | {"minutes": 20 + player, "points": 5 + player + day % 3}
        for day in range(1, 29)
        for player in range(6)
    ]
    return pd.DataFrame(rows).assign(**changed)


def lines(**changed: Any) -> pd.DataFrame:
    table = games()[["player_id", "date"]]
    return table.assign(line=9.5, over_price=-115, under_price=-105, book="b").assign(**changed)


@pytest.mark.parametrize("seed", range(3))
def test_teams_seasons_and_named_players_in_several_spellings_are_one(seed: int) -> None:
    random, raw = np.random.default_rng(seed), games()
    raw["player_id"] = raw["player_id"].map(dict(zip(raw["player_id"].unique(), [*WORDS, "Ann Lee"], strict=True)))
    is_other = random.random(len(raw)) < 0.4
    decomposed = raw["player_id"].map(lambda name: unicodedata.normalize("NFD", name).lower())
    spelt = raw.assign(
        team=raw["team"].where(~is_other, raw["team"].str.upper()),
        season=raw["season"].where(~is_other, "2023/24").where(random.random(len(raw)) < 0.9, "2023-2024"),
        player_id=raw["player_id"].where(~is_other, decomposed),
    )
    unified, notes = unify_names(spelt)
    for name, count in (("team", 2), ("opponent", 2), ("season", 1), ("player_id", 6)):
        assert unified[name].nunique() == count
    assert notes
    unchanged, no_notes = unify_names(games())
    assert unchanged.to_numpy().tolist() == games().to_numpy().tolist()
    assert not no_notes


def test_ids_whose_case_may_mean_something_stay() -> None:
    ids = pd.DataFrame({"player_id": ["aB3", "ab3"]})
    assert unify_names(ids)[0]["player_id"].tolist() == ["aB3", "ab3"]
    with_gap = pd.DataFrame({"player_id": ["7", None, "Ann", "ANN", "Ann"]})
    assert unify_names(with_gap)[0]["player_id"].tolist() == ["7", None, "Ann", "Ann", "Ann"]


def test_ids_that_are_whole_numbers_lose_the_decimals_of_a_part() -> None:
    column = Column("x", "text", "before", "an id")
    assert read_cells(["1015.0", "1016", None], column).fillna("").tolist() == ["1015", "1016", ""]
    assert read_cells(["1.260", "1.0"], column).tolist() == ["1.260", "1.0"]
    assert read_cells(["007", "1.0x"], column).tolist() == ["007", "1.0x"]


@pytest.mark.parametrize("words", [("Home", "Away"), ("H", "A"), ("vs.", "@"), ("T", "F"), ("yes", "no")])
def test_home_and_away_are_words_too(words: tuple[str, str]) -> None:
    expected, _ = props.prepare({"games": games()}, PROPS)
    spelt = games(home=[words[0] if home else words[1] for home in games()["home"]])
    pd.testing.assert_frame_equal(props.prepare({"games": spelt}, PROPS)[0], expected)


def test_games_without_a_result_before_the_last_day_are_lost_and_later_ones_are_to_come() -> None:
    raw = games()
    early = raw.assign(
        points=raw["points"].where(raw["date"] > "2024-03-14"), minutes=raw["minutes"].where(raw["date"] > "2024-03-14")
    )
    assert props.prepare({"games": early}, PROPS)[1]["intake"]["rows"] == {"in": len(raw), "kept": len(raw) // 2}
    late = raw.assign(
        points=raw["points"].where(raw["date"] < "2024-03-15"), minutes=raw["minutes"].where(raw["date"] < "2024-03-15")
    )
    assert props.prepare({"games": late}, PROPS)[1]["intake"]["rows"] == {"in": len(raw) // 2, "kept": len(raw) // 2}


def test_probabilities_are_no_american_odds_and_an_example_is_shown() -> None:
    rows, quality = props.prepare({"games": games(), "lines": lines(over_price=0.5238)}, PROPS)
    assert rows["over_price"].isna().all()
    assert quality["unreadable_prices"] == len(games())
    assert any("for example '0.5238' as over_price in row 1" in hint for hint in quality["intake"]["hints"])


def test_quotes_of_the_running_game_are_set_aside_by_their_flag() -> None:
    live = lines(line=30.5, is_live=True, quoted_at="2024-02-01T10:00Z")
    table = pd.concat([lines(is_live=False, quoted_at="2024-02-01T09:00Z"), live])
    rows, quality = props.prepare({"games": games(), "lines": table}, PROPS)
    assert rows["line"].eq(9.5).all()
    assert quality["set_aside"]["lines"]["quoted after the start"] == len(live)


def test_a_column_of_quantities_under_an_unknown_name_is_refused_and_under_a_known_one_read() -> None:
    table = pd.concat([lines(wager="Points"), lines(wager="Rebounds", line=4.5)])
    with pytest.raises(UserError, match=r"wager names several quantities \(Points, Rebounds\).*\{wager: stat\}"):
        props.prepare({"games": games(), "lines": table}, PROPS)
    rows, _ = props.prepare({"games": games(), "lines": table.rename(columns={"wager": "prop_category"})}, PROPS)
    assert rows["line"].eq(9.5).all()


def test_an_unreadable_line_is_shown_by_the_cell_that_is_so() -> None:
    table = lines(quoted_at=["just now" if at % 9 == 0 else "2024-02-01T09:00Z" for at in range(len(lines()))])
    hints = props.prepare({"games": games(), "lines": table}, PROPS)[1]["intake"]["hints"]
    assert "lines: unreadable or missing value, for example 'just now' as quoted_at in row 1" in hints


@given(st.lists(st.integers(1, 59), min_size=1, max_size=6), st.booleans())
def test_the_sides_of_a_quote_may_be_seconds_apart(gaps: list[int], over_first: bool) -> None:
    start = pd.Timestamp("2024-03-01 10:00")
    sides = ["Over 9.5", "under"] if over_first else ["under", "Over 9.5"]
    rows = [
        {"side": direction, "price": -115.0, "quoted_at": start + pd.Timedelta(minutes=10 * at, seconds=gap * number)}
        for at, gap in enumerate(gaps)
        for number, direction in enumerate(sides)
    ]
    empty = dict.fromkeys([*QUOTE_KEY, "over_price", "under_price"], np.nan) | {"player_id": "1", "line": 9.5}
    quotes = pd.DataFrame([empty | row for row in rows])
    joined, count = join_quote_sides(quotes)
    assert count == len(gaps)
    assert joined[["over_price", "under_price"]].notna().all(axis=None)
    assert joined["quoted_at"].tolist() == [rows[2 * at + 1]["quoted_at"] for at in range(len(gaps))]


TAGS = [
    ("art",),
    ("jazz",),
    ("art", "jazz"),
    ("live music",),
    ("art", "live music"),
    ("jazz", "live music"),
    ("chess",),
]
TAGS += [("chess", "art"), ("chess", "jazz")]


@pytest.mark.parametrize("separator", ["，", "、", "، ", "\n", "；", "｜", "\r\n"])
def test_a_delimiter_in_another_script_and_a_line_break_part_tags(separator: str) -> None:
    cells = [separator.join(tags) for tags in TAGS]
    assert parse_tags(cells, ",;|", {}, False) == [tuple(sorted(tags)) for tags in TAGS]


@pytest.mark.parametrize("separator", ["/", " > ", " • ", " and ", " & ", " - "])
def test_tags_that_consist_of_others_are_refused_with_the_sign_between_them(separator: str) -> None:
    cells = [separator.join(tags) for tags in TAGS]
    remedy = "delimiters" if len(separator.strip()) == 1 else "replace"
    with pytest.raises(UserError, match=rf"looks like 2 tags, not one; if so, .*{remedy}"):
        parse_tags(cells, ",;|", {}, False)
    assert len(parse_tags(cells, ",;|", {}, True)) == len(cells)


def test_lists_in_other_quotation_marks_bullets_and_words_for_no_tag_are_read() -> None:
    wanted = [("art", "live music"), ()]
    for cell in (
        "[“art”, “live music”]",
        '"[\\"art\\", \\"live music\\"]"',
        "- art\n- live music",
        "art, live&nbsp;music",
    ):
        assert parse_tags([cell, ""], ",;|", {}, False) == wanted
    assert parse_tags(["none", "-", "Untagged", "N/A", "art"], ",;|", {}, False) == [(), (), (), (), ("art",)]
    assert parse_tags(["none"], ",;|", {}, True) == [("none",)]


def test_numbered_columns_are_the_tags() -> None:
    table = pd.DataFrame(
        {"id": ["a", "b", "c"], "name": ["One night", "Two songs", "Three games"], "tag1": ["art", "jazz", ""]}
    ).assign(tag_2=["jazz", "", "chess"])
    rows, report = events.prepare(table, EVENTS)
    found = {tag: rows[f"target:{tag}"].tolist() for tag in ("art", "chess", "jazz")}
    assert found == {"art": [1, 0, 0], "chess": [0, 0, 1], "jazz": [1, 1, 0]}
    assert "events: tags are read from tag1, tag_2" in report["intake"]["notes"]


def test_rows_of_one_tag_each_are_joined_though_each_has_a_time_of_its_own() -> None:
    table = pd.DataFrame({"id": ["a", "a", "b"], "name": ["One night", "One night", "Two songs"]})
    table = table.assign(tags=["art", "jazz", "jazz"], updated_at=["2024-01-01", "2024-01-02", "2024-01-03"])
    rows, _ = events.prepare(table, EVENTS)
    assert rows[["target:art", "target:jazz"]].to_numpy().tolist() == [[1, 1], [0, 1]]


ANNOTATIONS = ["{} (0.9)", "{} [3]", "{}: 0.85", "{}=1", "{} (90%)", "1. {}", "2) {}"]


@given(st.sampled_from(ANNOTATIONS), st.booleans())
def test_a_number_beside_every_tag_is_no_part_of_it(form: str, as_list: bool) -> None:
    tag_lists = [[form.format(tag) for tag in tags] for tags in TAGS]
    cells = tag_lists if as_list else ["; ".join(tags) for tags in tag_lists]
    assert parse_tags(cells, ",;|", {}, False) == [tuple(sorted(tags)) for tags in TAGS]
    assert parse_tags(tag_lists, ",;|", {}, True) == [tuple(sorted(tags)) for tags in tag_lists]


def test_a_number_beside_tags_that_other_rows_have_without_it_is_no_part_of_them() -> None:
    cells = ["art", "jazz", "chess", "art (0.9)", "jazz (0.8); art", "chess (0.7)", "under 18 (u18)", "formula 1"]
    tags = parse_tags(cells, ",;|", {}, False)
    assert tags[3:] == [("art",), ("art", "jazz"), ("chess",), ("under 18 (u18)",), ("formula 1",)]


@pytest.mark.parametrize(
    "cells", [["formula 1", "area 51", "u2"], ["art (1)", "jazz", "live", "a", "b"], ["9:30", "8:15"]]
)
def test_names_with_a_number_stay(cells: list[str]) -> None:
    assert parse_tags(cells, ",;|", {}, False) == [(cell,) for cell in cells]


def test_scores_so_low_that_the_tag_may_not_be_meant_are_refused() -> None:
    with pytest.raises(UserError, match=r"tags is 'jazz \(0.1\)', a tag with a score that may be too low"):
        parse_tags(["art (0.9); jazz (0.1)", "art (0.8)"], ",;|", {}, False)


@pytest.mark.parametrize(
    "cell", [[{"genre": "art"}, {"genre": "jazz"}], {"items": [{"name": "art"}, {"name": "jazz"}]}]
)
def test_objects_with_one_text_and_an_object_around_a_list_are_opened(cell: Any) -> None:
    assert parse_tags([cell, repr(cell)], ",;|", {}, False) == [("art", "jazz")] * 2


@pytest.mark.parametrize("prefix", ["tag_", "Topic: ", "is_", "category."])
def test_what_all_tag_columns_begin_with_is_no_part_of_the_tags(prefix: str) -> None:
    prefix = prefix.strip()
    raw = pd.DataFrame({"id": ["a", "b"], f"{prefix}art": [1, 0], f"{prefix}tag_team": [1, 1]})
    tags = collect_tag_columns(raw, [f"{prefix}art", f"{prefix}tag_team"])["tags"].tolist()
    assert tags == [["art", "tag_team"], ["tag_team"]]
    mixed = collect_tag_columns(raw.rename(columns={f"{prefix}art": "art"}), ["art", f"{prefix}tag_team"])["tags"]
    assert mixed.tolist() == [["art", f"{prefix}tag_team"], [f"{prefix}tag_team"]]
