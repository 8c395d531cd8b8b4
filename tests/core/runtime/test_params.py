"""Params: settings are validated before any data are read or written, and a mistake is reported in one sentence."""

import copy
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime import params
from trueline.core.runtime.params import (
    EngineSettings,
    StageSettings,
    TaskConfig,
    expand_params,
    list_section_names,
    load_engine,
    load_seed,
    load_settings,
    load_task_config,
    load_worker_count,
)

GOOD = """
seed: 7
workers: 2
tasks:
  racing: {domain: racing, inputs: tabular, source: data, settings: racing, reader: runners, resampler: none,
           learner: trees, baseline: uniform, members: [], calibrator: platt, scorer: race}
train:
  racing: {depth: 6, rate: 0.1, mode: ordered}
  empty:
"""


class Trees(StageSettings):
    """The settings of a made-up learner."""

    depth: int = Field(ge=1, le=16)
    rate: float = Field(gt=0)
    mode: Literal["ordered", "plain"]


class Nested(StageSettings):
    """A section inside a section."""

    racing: Trees


class Nothing(StageSettings):
    """No settings."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_params(text: str) -> None:
    Path("params.yaml").write_text(text)


def test_settings_are_those_in_the_file() -> None:
    write_params(GOOD)
    assert load_settings(Trees, "train", "racing") == Trees(depth=6, rate=0.1, mode="ordered")
    assert (load_seed(), load_worker_count()) == (7, 2)
    assert load_task_config("racing").calibrator == "platt"


@pytest.mark.parametrize(
    ("setting", "value", "allowed", "folder"),
    [
        ("domain", "racing", "'betting', 'racing' or 'text'", "."),
        ("inputs", "tabular", "'tabular' or 'text'", "models"),
    ],
)
def test_a_word_without_a_folder_of_code_is_rejected_and_every_allowed_word_has_one(
    setting: str, value: str, allowed: str, folder: str
) -> None:
    write_params(GOOD.replace(f"{setting}: {value}", f"{setting}: chess"))
    message = f"params.yaml: tasks.racing.{setting} is 'chess'; input should be {allowed}"
    with pytest.raises(UserError, match=message):
        load_task_config("racing")
    core = Path(params.__file__).parents[1]
    words = get_args(TaskConfig.model_fields[setting].annotation)
    assert all((core / folder / word / "__init__.py").exists() for word in words)


def test_an_integer_is_allowed_for_a_number() -> None:
    write_params(GOOD.replace("rate: 0.1", "rate: 1"))
    assert load_settings(Trees, "train", "racing").rate == 1


def test_a_section_left_empty_has_no_settings() -> None:
    write_params(GOOD)
    assert load_settings(Nothing, "train", "empty") == Nothing()


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Trees(depth=6, rate=0.1, mode="plain").depth = 7


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "depth",
            "dept",
            r"params.yaml: train.racing has no setting 'dept'; did you mean 'depth'\? Allowed: depth, mode, rate.",
        ),
        ("depth: 6, ", "", "params.yaml: train.racing lacks the setting 'depth'; add it."),
        ("6", "99", "params.yaml: train.racing.depth is 99; input should be less than or equal to 16."),
        ("6", "six", "params.yaml: train.racing.depth is 'six'; input should be a valid integer."),
        ("6", "6.5", "params.yaml: train.racing.depth is 6.5; input should be a valid integer"),
        ("6", "'6'", "params.yaml: train.racing.depth is '6'; input should be a valid integer."),
        ("6", "true", "params.yaml: train.racing.depth is True; input should be a valid integer."),
        ("6", "", "params.yaml: train.racing.depth is None; input should be a valid integer."),
        ("0.1", ".nan", "params.yaml: train.racing.rate is nan; input should be greater than 0."),
        ("ordered", "odered", "params.yaml: train.racing.mode is 'odered'; input should be 'ordered' or 'plain'."),
        (
            "{depth: 6, rate: 0.1, mode: ordered}",
            "[1]",
            r"params.yaml: train.racing is \[1\]; input should be a valid dict",
        ),
        ("train:", "trian:", r"params.yaml: no section is called 'trian'; did you mean 'train'\? Allowed: calibrate"),
        ("  racing: {depth", "  raicng: {depth", r"params.yaml: train has no 'racing'; did you mean 'raicng'\?"),
    ],
)
def test_a_mistake_is_reported_with_its_path_and_what_is_allowed(old: str, new: str, sentence: str) -> None:
    write_params(GOOD.replace(old, new))
    with pytest.raises(UserError, match=f"^{sentence}"):
        load_settings(Trees, "train", "racing")


def test_a_mistake_in_a_nested_section_is_reported_with_its_whole_path() -> None:
    write_params("train: {racing: {depth: 6, rat: 0.1, rate: 0.1, mode: plain}}")
    with pytest.raises(UserError, match=r"train\.racing\.rat is 0\.1"):
        load_settings(Nested, "train")
    write_params("train: {racing: {depth: 6, mode: plain}}")
    with pytest.raises(UserError, match=r"train\.racing lacks the setting 'rate'"):
        load_settings(Nested, "train")


def test_an_unknown_task_is_rejected_with_the_known_ones() -> None:
    write_params(GOOD)
    with pytest.raises(UserError, match=r"tasks has no 'racin'; did you mean 'racing'\? Allowed: racing\."):
        load_task_config("racin")


@pytest.mark.parametrize("value", ["", "seven", "1.5", "[1]", "-1", "true"])
@pytest.mark.parametrize("setting", ["seed", "workers"])
def test_an_invalid_seed_or_number_of_workers_is_rejected(setting: str, value: str) -> None:
    write_params(f"{setting}: {value}")
    with pytest.raises(UserError, match=f"params.yaml: {setting} is .*; "):
        {"seed": load_seed, "workers": load_worker_count}[setting]()


def test_no_workers_cannot_work() -> None:
    write_params("workers: 0")
    with pytest.raises(UserError, match="workers is 0"):
        load_worker_count()


def test_the_engine_is_this_machine_unless_params_name_another() -> None:
    write_params(GOOD)
    assert load_engine() == EngineSettings(kind="local", scheduler=None)
    write_params(GOOD + "engine: {kind: dask, scheduler: 'tcp://10.0.0.5:8786'}")
    assert load_engine() == EngineSettings(kind="dask", scheduler="tcp://10.0.0.5:8786")


@pytest.mark.parametrize("engine", ["{kind: spark}", "{scheduler: 10.0.0.5}", "{kind: dask, scheduler: 'http://a:1'}"])
def test_an_unknown_engine_or_a_scheduler_without_an_address_is_rejected(engine: str) -> None:
    write_params(f"engine: {engine}")
    with pytest.raises(UserError, match=r"params.yaml: engine\.(kind|scheduler) is "):
        load_engine()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tasks: {racing: [}", "params.yaml is not valid YAML: "),
        ("- tasks", "params.yaml holds no sections; expected "),
        ("", "params.yaml holds no sections; expected "),
        ("seed: 1", "the file has no 'tasks'"),
        ("tasks: 3", "tasks has no 'racing'"),
    ],
)
def test_a_file_without_task_configs_is_rejected(text: str, sentence: str) -> None:
    write_params(text)
    with pytest.raises(UserError, match=sentence) as raised:
        load_task_config("racing")
    assert "\n" not in str(raised.value)


def test_a_stage_run_from_another_folder_says_where_to_run_it() -> None:
    with pytest.raises(UserError, match="not in this folder; run the stage from the root"):
        load_seed()


SHARED = """
tasks: {racing: {settings: racing}, trots: {settings: racing}, old: {}}
train:
  defaults: {trees: {depth: 4, rate: 0.1, mode: plain, gears: 3}, forest: {trees: 9}}
  racing: {trees: {rate: 0.2}}
  old: {trees: {depth: 9}}
tune:
  defaults: {search: {trials: 6}, space: {trees: {ranges: {depth: {low: 1, high: 3}}}, forest: {}}}
  racing: {search: {}, space: {trees: {ranges: {rate: {choices: [1, 2]}}}}}
"""


def test_a_section_says_only_what_differs_from_the_defaults_that_its_model_knows() -> None:
    write_params(SHARED)
    assert load_settings(Trees, "train", "racing", "trees") == Trees(depth=4, rate=0.2, mode="plain")
    assert load_settings(Trees, "train", "old", "trees") == Trees(depth=9, rate=0.1, mode="plain")
    with pytest.raises(UserError, match=r"train.racing has no 'forest'; Allowed: trees"):
        load_settings(Trees, "train", "racing", "forest")


def test_tasks_of_one_kind_share_sections_and_a_mistake_is_reported_where_it_is() -> None:
    write_params(SHARED)
    assert load_settings(Trees, "train", "trots", "trees") == load_settings(Trees, "train", "racing", "trees")
    assert list_section_names("train", "trots") == ["trees"]
    write_params(SHARED.replace("rate: 0.2", "rat: 0.2"))
    with pytest.raises(UserError, match=r"train.racing.trees has no setting 'rat'; did you mean 'rate'"):
        load_settings(Trees, "train", "trots", "trees")
    write_params(SHARED.replace("trots: {settings: racing}", "trots: {settings: racin}"))
    with pytest.raises(UserError, match=r"train has no 'racin'; did you mean 'racing'"):
        load_settings(Trees, "train", "trots", "trees")


def test_expanded_params_hold_every_tasks_sections_and_only_the_plugins_that_it_lists() -> None:
    expanded = expand_params(yaml.safe_load(SHARED))
    assert expanded["train"]["trots"] == {"trees": {"depth": 4, "rate": 0.2, "mode": "plain", "gears": 3}}
    ranges = {"depth": {"low": 1, "high": 3}, "rate": {"choices": [1, 2]}}
    assert expanded["tune"]["racing"] == {"search": {"trials": 6}, "space": {"trees": {"ranges": ranges}}}
    assert expand_params(expanded) == expanded


SETTINGS_TREES = st.recursive(
    st.integers() | st.none() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from("abcd"), SETTINGS_TREES), st.dictionaries(st.sampled_from("abcd"), SETTINGS_TREES)
)
def test_what_a_section_says_wins_and_what_it_leaves_out_has_its_default(
    defaults: dict[str, Any], section: dict[str, Any]
) -> None:
    params = {"tasks": {"x": {}}, "features": {"defaults": defaults, "x": section}}
    merged, before = expand_params(params)["features"]["x"], copy.deepcopy(params)
    assert merged.keys() == defaults.keys() | section.keys()
    for key in merged:
        if key not in section:
            assert merged[key] == defaults[key]
        elif not (isinstance(section[key], dict) and isinstance(defaults.get(key), dict)):
            assert merged[key] == section[key]
    assert params == before


@pytest.mark.parametrize("task", ["props", "trots"])
def test_a_sentence_names_the_task_and_its_section(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("tasks:\n  trots:\n    settings: racing\n")
    monkeypatch.setattr(params, "PARAMS_FILE", file)
    section = {"trots": "racing"}.get(task, task)
    sentence = "set prepare.<task>.date_format, or point tasks.<task>.source at it."
    assert params.name_task(sentence, task) == f"set prepare.{section}.date_format, or point tasks.{task}.source at it."
    file.unlink()
    assert params.name_task("raise folds.<task>.final.", task) == f"raise folds.{task}.final."
