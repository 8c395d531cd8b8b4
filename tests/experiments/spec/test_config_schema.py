"""Configs: a valid one is read, and an invalid one gives an error of one sentence that names the mistake."""

import contextlib
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import pipeline_copy
from trueline.core.errors import UserError
from trueline.experiments.spec.config_schema import Config, list_keys, parse_config, read_config

PLAIN: dict[str, Any] = {"name": "TEST", "task": "props", "hypothesis": "it is better", "type": "walk_forward"}
DAY = dt.date(2024, 1, 1)
EXAMPLES = sorted((pipeline_copy.ROOT / "experiments/configs").glob("*.yaml"))


def get_error(**changes: Any) -> str:
    with pytest.raises(UserError) as error_info:
        parse_config({**PLAIN, **changes}, {}, "it.yaml")
    assert "\n" not in str(error_info.value)
    return str(error_info.value)


def period(start: int, end: int) -> dict[str, dt.date]:
    return {"start_date": DAY + dt.timedelta(start), "end_date": DAY + dt.timedelta(end)}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_a_config_whose_name_is_its_file(file: Path) -> None:
    assert read_config(file).name == file.stem


def test_the_example_of_the_issue_halves_in_sixty_days() -> None:
    config = read_config(pipeline_copy.ROOT / "experiments/configs/FEB_2026_RECENCY_60.yaml")
    assert config.recency
    assert (config.recency.enabled, config.recency.half_life_days) == (True, 60)


def test_a_key_that_is_not_known_is_rejected_with_the_nearest_that_is() -> None:
    assert get_error(hypotesis="x").startswith(
        "it.yaml: there is no key 'hypotesis'; did you mean 'hypothesis'? Allowed: "
    )
    assert "'recency.half_life_day'; did you mean 'half_life_days'?" in get_error(
        recency={"enabled": True, "half_life_day": 60}
    )
    assert "did you mean 'hyperparameters'?" in get_error(model={"hyperparameter": {}})


@pytest.mark.parametrize("key", ["name", "task", "hypothesis", "type"])
def test_what_every_experiment_must_say_is_asked_for(key: str) -> None:
    with pytest.raises(UserError, match=f"^it.yaml: the key '{key}' is missing; add it.$"):
        parse_config({word: value for word, value in PLAIN.items() if word != key}, {}, "it.yaml")


@pytest.mark.parametrize("name", ["a/b", "a b", "", "a..b", ".a", "a.", "a.lock", "ä", "-a", "a~1", "a\n"])
def test_a_name_that_git_would_not_take_is_rejected(name: str) -> None:
    assert "cannot be a name" in get_error(name=name)


@given(st.text(alphabet="ab.-_/ ~^:lock@{", min_size=1, max_size=8).filter(lambda name: not name.startswith("-")))
def test_every_name_that_is_taken_is_a_ref_that_git_takes(name: str) -> None:
    try:
        parse_config({**PLAIN, "name": name}, {}, "it.yaml")
    except UserError:
        return
    assert subprocess.run(["git", "check-ref-format", f"refs/exps/aa/bb/{name}"], check=False).returncode == 0


def test_a_period_runs_forward_and_training_ends_before_evaluation_starts() -> None:
    assert "is not before end_date" in get_error(training=period(5, 5), evaluation=period(10, 12))
    assert "not before evaluation starts" in get_error(training=period(0, 10), evaluation=period(10, 12))
    assert "go together" in get_error(training=period(0, 10))
    assert (
        parse_config({**PLAIN, "training": period(0, 9), "evaluation": period(10, 12)}, {}, "").evaluation is not None
    )


def test_inputs_are_left_out_by_ablations_only_and_ablations_leave_some_out() -> None:
    assert "features.exclude is only for type ablation" in get_error(features={"exclude": ["rest_days"]})
    assert "needs features.exclude" in get_error(type="ablation")
    parse_config({**PLAIN, "type": "ablation", "features": {"exclude": ["rest_days"]}}, {}, "")


def test_recency_needs_a_half_life_and_no_other_resampler() -> None:
    assert "recency is enabled without half_life_days" in get_error(recency={"enabled": True})
    assert "greater than 0" in get_error(recency={"enabled": True, "half_life_days": 0})
    assert "a task has one resampler" in get_error(
        recency={"enabled": True, "half_life_days": 60}, resample="undersample"
    )


@pytest.mark.parametrize(
    ("kind", "enough"),
    [
        ("tier_based", {"params": {"evaluate.props.edges": [1.0]}}),
        ("hyperparameter", {"model": {"hyperparameters": {"depth": 3}}}),
        ("hyperparameter", {"params": {"train.props.xgboost_trees.depth": 3}}),
        ("feature", {"features": {"include": ["rest_days"]}}),
        ("feature", {"params": {"features.props.market": "past"}}),
    ],
)
def test_a_type_needs_what_it_is_about(kind: str, enough: dict[str, Any]) -> None:
    assert f"type is {kind}, which needs" in get_error(type=kind)
    parse_config({**PLAIN, "type": kind, **enough}, {}, "")


def test_an_ensemble_is_no_other_learner() -> None:
    assert "type is ensemble and model.type is 'forest'" in get_error(type="ensemble", model={"type": "forest"})


def test_a_hypothesis_is_one_line_and_not_empty() -> None:
    assert parse_config({**PLAIN, "hypothesis": " it\n is  better\n"}, {}, "").hypothesis == "it is better"
    assert "hypothesis" in get_error(hypothesis=" \n")


def test_what_the_command_line_sets_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(
        "{name: A, task: props, type: walk_forward, hypothesis: x, recency: {enabled: false}, params: {seed: 1}}"
    )
    changes = {
        "name": "B",
        "recency.enabled": True,
        "recency.half_life_days": 30,
        "seed": 2,
        "model.hyperparameters.depth": 3,
    }
    config = read_config(file, changes)
    assert (config.name, config.params, config.model.hyperparameters) == ("B", {"seed": 2}, {"depth": 3})
    assert config.recency
    assert config.recency.half_life_days == 30


def test_a_misspelt_key_of_a_section_is_not_taken_for_a_parameter() -> None:
    with pytest.raises(
        UserError, match=r"'recency.half_life' is not a key of a config; did you mean 'recency.half_life_days'"
    ):
        parse_config(PLAIN, {"recency.half_life": 30}, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [("name: [", "is not valid YAML"), ("- a", "holds no keys"), ("", "holds no keys"), ("name: 5", "name is 5; ")],
)
def test_a_file_that_is_no_config_is_rejected_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "it.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_config(file)
    with pytest.raises(UserError, match="does not exist"):
        read_config(tmp_path / "other.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "is not valid YAML"),
        ("name: Zoë".encode("latin-1"), "is not valid YAML"),
        (b"[" * 5000, "is nested too deeply"),
        (b"evaluation: {end_date: 2024-02-30}", r"holds an invalid value \(day is out of range for month\)"),
        (b"tags: [!!bool maybe]", "holds an invalid value"),
        (b"1: 2", "it.yaml: "),
    ],
    ids=["a picture", "Latin-1", "brackets", "no such day", "no such truth", "a number as a key"],
)
def test_whatever_bytes_a_file_holds_it_is_rejected_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "it.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=message) as error_info:
        read_config(file)
    assert "\n" not in str(error_info.value)


def test_a_hypothesis_holds_no_control_characters_and_fits_a_command() -> None:
    assert parse_config({**PLAIN, "hypothesis": "a\tb\nc"}, {}, "").hypothesis == "a b c"
    assert "holds the control character '\\x00'; remove it" in get_error(hypothesis="a\0b")
    assert "at most 2000 characters" in get_error(hypothesis="x" * 400_000)


@pytest.mark.parametrize("key", ["tags", "name", "resample", "x" * 100_000])
def test_of_a_long_value_an_error_shows_the_beginning(key: str) -> None:
    changes = {"recency": {"enabled": True, "half_life_days": 9}, key: "y " * 1_000_000}
    assert len(get_error(**changes)) < 600


SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.dates()
WORDS = st.sampled_from([*Config.model_fields, *list_keys(), "x"])


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(WORDS, st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner))),
    st.dictionaries(WORDS, SCALARS),
)
def test_whatever_a_file_and_the_command_line_say_is_a_config_or_rejected(
    document: dict[str, Any], changes: dict[str, Any]
) -> None:
    with contextlib.suppress(UserError):  # and nothing else
        assert parse_config({**PLAIN, **document}, changes, "it.yaml").hypothesis


def test_the_schema_names_every_key_with_a_sentence_and_knows_no_other() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "trueline.experiments", "schema"],
        cwd=pipeline_copy.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    schema = json.loads(process.stdout)
    assert set(schema["properties"]) == set(Config.model_fields)
    sections = [schema, *schema["$defs"].values()]
    assert [section["title"] for section in sections if section["additionalProperties"] is not False] == []
    assert [
        name for section in sections for name, key in section["properties"].items() if "description" not in key
    ] == []
    assert "recency.half_life_days" in list_keys()
