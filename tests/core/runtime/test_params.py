"""Params: knobs are checked before anything is read or written, and a slip is answered with one sentence."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings, load_seed, load_settings, load_task_config, load_worker_count

GOOD = """
seed: 7
workers: 2
tasks:
  racing: {source: data, reader: runners, resampler: none, learner: trees, floor: uniform, members: [],
           calibrator: platt, scorer: race}
train:
  racing: {depth: 6, rate: 0.1, mode: ordered}
  empty:
"""


class Trees(StageSettings):
    """Knobs of a made-up learner."""

    depth: int = Field(ge=1, le=16)
    rate: float = Field(gt=0)
    mode: Literal["ordered", "plain"]


class Nested(StageSettings):
    """A section inside a section."""

    racing: Trees


class Nothing(StageSettings):
    """No knobs."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def say(text: str) -> None:
    Path("params.yaml").write_text(text)


def test_knobs_are_what_the_file_says() -> None:
    say(GOOD)
    assert load_settings(Trees, "train", "racing") == Trees(depth=6, rate=0.1, mode="ordered")
    assert (load_seed(), load_worker_count()) == (7, 2)
    assert load_task_config("racing").calibrator == "platt"


def test_a_whole_number_may_stand_where_a_number_is_meant() -> None:
    say(GOOD.replace("rate: 0.1", "rate: 1"))
    assert load_settings(Trees, "train", "racing").rate == 1


def test_a_section_left_empty_has_no_knobs() -> None:
    say(GOOD)
    assert load_settings(Nothing, "train", "empty") == Nothing()


def test_knobs_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Trees(depth=6, rate=0.1, mode="plain").depth = 7


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "depth",
            "dept",
            r"params.yaml: train.racing has no knob 'dept'; did you mean 'depth'\? Allowed: depth, mode, rate.",
        ),
        ("depth: 6, ", "", "params.yaml: train.racing lacks the knob 'depth'; add it."),
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
def test_a_slip_is_named_with_its_place_and_what_is_allowed(old: str, new: str, sentence: str) -> None:
    say(GOOD.replace(old, new))
    with pytest.raises(UserError, match=f"^{sentence}"):
        load_settings(Trees, "train", "racing")


def test_a_slip_in_a_section_of_a_section_is_named_with_its_whole_path() -> None:
    say("train: {racing: {depth: 6, rat: 0.1, rate: 0.1, mode: plain}}")
    with pytest.raises(UserError, match=r"train\.racing\.rat is 0\.1"):
        load_settings(Nested, "train")
    say("train: {racing: {depth: 6, mode: plain}}")
    with pytest.raises(UserError, match=r"train\.racing lacks the knob 'rate'"):
        load_settings(Nested, "train")


def test_a_task_that_is_not_planned_is_refused_with_those_that_are() -> None:
    say(GOOD)
    with pytest.raises(UserError, match=r"tasks has no 'racin'; did you mean 'racing'\? Allowed: racing\."):
        load_task_config("racin")


@pytest.mark.parametrize("value", ["", "seven", "1.5", "[1]", "-1", "true"])
@pytest.mark.parametrize("knob", ["seed", "workers"])
def test_a_seed_or_a_number_of_workers_that_is_none_is_refused(knob: str, value: str) -> None:
    say(f"{knob}: {value}")
    with pytest.raises(UserError, match=f"params.yaml: {knob} is .*; "):
        {"seed": load_seed, "workers": load_worker_count}[knob]()


def test_no_workers_cannot_work() -> None:
    say("workers: 0")
    with pytest.raises(UserError, match="workers is 0"):
        load_worker_count()


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
def test_a_file_that_is_no_plan_is_refused(text: str, sentence: str) -> None:
    say(text)
    with pytest.raises(UserError, match=sentence) as refused:
        load_task_config("racing")
    assert "\n" not in str(refused.value)


def test_a_stage_run_from_another_folder_is_told_where_to_run() -> None:
    with pytest.raises(UserError, match="not in this folder; run the stage from the root"):
        load_seed()
