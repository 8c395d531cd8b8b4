"""Experiments do not pile up: what an earlier one left in params.yaml is named, and refused unless it is meant."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.experiments import git_fixtures, toy_model
from trueline.core.errors import UserError
from trueline.experiments.running.inherited_params import require_own_params
from trueline.experiments.running.launch import Launch, build_launches


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git_fixtures.start(tmp_path, {"params.yaml": yaml.safe_dump(toy_model.PARAMS)})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit_depth(folder: Path, depth: int) -> None:
    params = yaml.safe_load(yaml.safe_dump(toy_model.PARAMS))
    params["train"]["props"]["xgboost_trees"]["depth"] = depth
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def build(task: str = "props", **params: object) -> list[Launch]:
    config = {"name": "b", "task": task, "type": "walk_forward", "hypothesis": "none"}
    return build_launches([], {**config, **{key.replace("__", "."): value for key, value in params.items()}}, [])


def test_what_an_earlier_run_left_is_refused_by_name(world: Path) -> None:
    require_own_params(build())
    edit_depth(world, 9)
    with pytest.raises(UserError, match=r"^b would also have train\.props\.xgboost_trees\.depth 9 \(was 5\), which it"):
        require_own_params(build())


@pytest.mark.parametrize("depth", [5, 7, 9], ids=["the committed value", "another", "the value it has"])
def test_a_parameter_that_the_experiment_sets_itself_is_not_inherited(world: Path, depth: int) -> None:
    edit_depth(world, 9)
    require_own_params(build(train__props__xgboost_trees__depth=depth))


def test_parameters_of_another_task_and_the_last_experiments_name_are_not_inherited(world: Path) -> None:
    edit_depth(world, 9)
    params = yaml.safe_load((world / "params.yaml").read_text())
    params["experiment"] |= {"name": "a", "tags": ["x"]}
    (world / "params.yaml").write_text(yaml.safe_dump(params))
    require_own_params(build("events"))


def test_the_command_refuses_also_when_dry_and_carries_what_it_is_told_to(world: Path) -> None:
    edit_depth(world, 9)
    words = ["run", "--task", "props", "--name", "b", "--hypothesis", "none", "--dry-run"]
    command, environment = [sys.executable, "-m", "trueline.experiments", *words], toy_model.environment(world)
    refused = subprocess.run(command, cwd=world, env=environment, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.startswith("experiments: b would also have train.props.xgboost_trees.depth 9 (was 5)")
    carried = subprocess.run([*command, "--carry"], cwd=world, env=environment, capture_output=True, text=True)
    assert (carried.returncode, carried.stdout[:26]) == (0, "dvc exp run --queue -n b -")
