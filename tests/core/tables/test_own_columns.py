"""Own columns: declared in params, read like ours, made into inputs, and refused in one sentence if they cannot be."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages.features import props as props_features
from stages.features import racing as racing_features
from stages.prepare import events, props, racing, runners
from tests.own_fixtures import OWN, add_own_columns
from tests.pipeline_copy import ROOT
from trueline.core.errors import UserError
from trueline.core.history.own_inputs import build_inputs
from trueline.core.history.past import Past
from trueline.core.runtime.params import expand_params, parse_settings
from trueline.core.tables.own_columns import list_own_columns, list_source_columns, read_own_columns
from trueline.core.tables.table_schema import validate_table
from trueline.samples.racing import make_sample

PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def parse(cleaner: Any, own: Any, **changed: Any) -> Any:
    """Return the settings of a cleaner with own columns, as the stage parses them."""
    task = cleaner.__name__.rpartition(".")[2]
    prepare = PARAMS["prepare"] | {task: PARAMS["prepare"][task] | changed | {"own_columns": own}}
    return parse_settings(PARAMS | {"prepare": prepare}, cleaner.Settings, "prepare", task)


def build_racing_inputs(raw: pd.DataFrame, own: Any, **changed: Any) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    """Return the prepared rows, the inputs before the race, and the quality report."""
    settings = parse(racing, own, **changed)
    rows, report = racing.prepare(raw, settings)
    columns = [column for column in (*racing.COLUMNS, *list_own_columns(settings)) if column.name in rows]
    validate_table(rows, columns, "racing")
    options = racing_features.Settings(**expand_params(PARAMS)["features"]["racing"])
    usable = [column for column in columns if not column.evaluation_only]
    current = rows[[column.name for column in usable if column.known == "before"]]
    past = Past(rows[[column.name for column in usable]])
    own_columns = [column for column in usable if column.is_own]
    return rows, build_inputs(racing_features, current, past, options, own_columns).set_axis(rows["row_id"]), report


def test_the_example_of_the_documentation_is_read_and_becomes_inputs(tmp_path: Path) -> None:
    section = (ROOT / "docs/data.md").read_text().partition("## Own columns")[2].partition("\n## ")[0]
    csv, declared = re.findall(r"```(?:csv|yaml)\n(.*?)```", section, re.S)
    (tmp_path / "runners.csv").write_text(csv)
    own = yaml.safe_load(declared)["own_columns"]
    rows, inputs, report = build_racing_inputs(runners.read(str(tmp_path)), own, most_set_aside=1.0)
    assert list(rows.filter(like="own:")) == [f"own:{name}" for name in own]
    assert report["made_missing"] == {"official_rating": 1}
    example = "racing: values of official_rating that are not a number: 1, for example 'about 90' as official_rating"
    assert f"{example} in row 10" in report["intake"]["notes"]
    assert not set(own) & {*report["ignored_columns"]}
    by_row: Any = inputs.to_dict("index")
    last = by_row["r5:1"]
    assert last["own:jockey"] == "A. REED"
    assert (last["own:jockey:count"], last["own:jockey:target"]) == (4, 0.25)
    assert (last["own:jockey:entity_count"], last["own:jockey:changed"]) == (3, 0)
    assert (by_row["r4:1"]["own:official_rating:change"], by_row["r4:1"]["own:official_rating:lead"]) == (3, 3)
    assert (last["own:finish_speed:last"], last["own:finish_speed:mean"]) == (96.4, pytest.approx(98.7))
    assert "own:finish_speed" not in inputs
    suffixes = {name.removeprefix("own:").partition(":")[2] for name in last if name.startswith("own:")} - {""}
    for suffix in suffixes:
        assert f"`:{suffix}`" in section or suffix in ("entity_target", "entity_surprise"), suffix


def test_own_columns_of_props_are_those_of_the_games() -> None:
    days = [pd.Timestamp("2024-01-01") + pd.Timedelta(days=2 * number) for number in range(8)]
    games = pd.DataFrame(
        {"player_id": f"{team}1", "date": day, "game_id": f"{day:%d}", "season": "2024", "team": team,
         "opponent": "B" if team == "A" else "A", "home": int(team == "A"), "minutes": 30, "points": 10 + number}
        for number, day in enumerate(days) for team in "AB"
    ).assign(Referee=["X", "Y"] * 8, travel_km=range(16), injury=["", "yes"] * 8)  # fmt: skip
    own = {"referee": {"kind": "category", "known": "before"}, "injury": {"kind": "flag", "known": "before"}}
    own |= {"travel_km": {"kind": "number", "unit": "km", "known": "before"}}
    settings = parse(props, own)
    rows, report = props.prepare({"games": games}, settings)
    assert report["missing_share"]["own:injury"] == 0.5
    columns = [*props.columns(rows), *list_own_columns(settings)]
    assert {column.name for column in columns} == set(rows)
    options = props_features.Settings(**expand_params(PARAMS)["features"]["props"])
    present = [column.name for column in columns if column.known == "before"]
    own_columns = [column for column in columns if column.is_own]
    inputs = build_inputs(props_features, rows[present], Past(rows), options, own_columns)
    of_a = inputs[(rows["entity"] == "A1").to_numpy()]
    assert of_a["own:referee:target"].tolist()[1:4] == [10, 10.5, 11]
    assert of_a["own:travel_km:change"].tolist()[1:] == [2.0] * 7
    assert "own:referee:surplus" in inputs
    assert "own:travel_km:lead" not in inputs, "players of one day do not run against each other"


BAD_DECLARATIONS = {
    "an unknown kind": ({"going": {"kind": "word", "known": "before"}}, "going.kind is 'word'; input should be"),
    "no time": ({"jockey": {"kind": "category"}}, "lacks the setting 'known'; add it"),
    "an unknown time": ({"jockey": {"kind": "category", "known": "soon"}}, "known is 'soon'; input should be 'before'"),
    "a unit of a flag": ({"hood": {"kind": "flag", "unit": "lb", "known": "before"}}, "a flag has no unit"),
    "a category of the end": ({"remark": {"kind": "category", "known": "after"}}, "declare a flag or a number"),
    "a name with marks": ({"a [b]": {"kind": "flag", "known": "before"}}, "'a \\[b\\]' is no name of letters"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_DECLARATIONS)
@pytest.mark.parametrize("cleaner", [racing, props, events], ids=["racing", "props", "events"])
def test_a_bad_declaration_is_refused_in_a_sentence(cleaner: Any, name: str) -> None:
    own, sentence = BAD_DECLARATIONS[name]
    with pytest.raises(UserError, match=sentence):
        parse(cleaner, own)


def test_a_name_of_ours_and_a_column_that_the_source_lacks_are_refused_in_a_sentence() -> None:
    raw = make_sample().head(16)
    settings = parse(racing, {"weight_Kg": {"kind": "number", "known": "before"}})
    with pytest.raises(UserError, match=r"names 'weight_Kg', but weight_kg is a column of ours, which is read anyway"):
        racing.prepare(raw, settings)
    lacking = parse(racing, {"jockey": {"kind": "category", "known": "before"}})
    with pytest.raises(UserError, match=r"racing has no column 'jockey'.*columns: \{THEIR NAME: jockey\}"):
        racing.prepare(raw, lacking)


def test_an_own_column_is_found_by_the_mapping_and_its_values_are_translated() -> None:
    raw = make_sample().head(400).assign(Reiter="R", Kopf="mit")
    own = {"jockey": {"kind": "category", "known": "before"}, "hood": {"kind": "flag", "known": "before"}}
    settings = parse(racing, own, columns={"Reiter": "jockey", "Kopf": "hood"}, values={"hood": {"mit": 1}})
    rows, _ = racing.prepare(raw, settings)
    assert rows["own:jockey"].eq("R").all()
    assert rows["own:hood"].eq(1).all()


def test_a_column_without_any_readable_value_is_refused_with_an_example() -> None:
    settings = parse(racing, {"rating": {"kind": "number", "known": "before"}})
    own = list_source_columns(settings, racing.RAW_COLUMNS, "racing")
    raw = pd.DataFrame({"rating": ["good", "fair"]})
    with pytest.raises(UserError, match=r"rating has no value that is a number, for example 'good' as rating in row 1"):
        read_own_columns(raw, raw, own, "racing")


def test_flags_are_yes_or_no_and_anything_else_is_counted() -> None:
    settings = parse(racing, {"hood": {"kind": "flag", "known": "before"}})
    own = list_source_columns(settings, racing.RAW_COLUMNS, "racing")
    raw = pd.DataFrame({"hood": [1.0, 0.0, 2.0, None]})
    values = read_own_columns(raw, raw, own, "racing")
    assert values.rows["own:hood"].fillna(-1).tolist() == [1, 0, -1, -1]
    assert values.lost == {"hood": 1}
    assert "for example '2.0' as hood in row 3" in values.notes[0]


def test_without_declarations_nothing_of_such_columns_is_prepared_and_with_them_ours_stay_as_they_are() -> None:
    raw = make_sample().head(400)
    plain, plain_inputs, _ = build_racing_inputs(add_own_columns(raw), {})
    rich, rich_inputs, _ = build_racing_inputs(add_own_columns(raw), OWN)
    pd.testing.assert_frame_equal(rich[list(plain)], plain)
    pd.testing.assert_frame_equal(rich_inputs[list(plain_inputs)], plain_inputs)
    assert {*rich} - {*plain} == {f"own:{name}" for name in OWN}
    assert sorted(rich["own:jockey"].dropna().unique()) == ["A. REED", "B. O'HARA", "C. STONE"]
    assert "own:effort" not in rich_inputs, "what is known only after the race is never an input of it"
    assert {"own:effort:mean", "own:crowd:last"} <= set(rich_inputs)


def test_a_source_without_our_optional_columns_gives_no_empty_and_no_constant_inputs() -> None:
    needed = [column.name for column in racing.RAW_COLUMNS if column.required]
    raw = make_sample().head(4000)[needed].assign(grade="Maiden")
    rows, inputs, _ = build_racing_inputs(raw, {})
    assert not rows.columns[rows.isna().all()].difference(["benchmark_price"]).tolist()
    assert not inputs.columns[inputs.isna().all()].tolist()
    constant = [name for name in inputs if name != "grade" and inputs[name].nunique(dropna=False) == 1]
    assert not constant
    assert not inputs.filter(regex="^(early_speed|race_no|placed|place_p|grade_level)").columns.tolist()
