"""params.yaml has the form that DVC writes, so that an experiment changes one line and two people's changes merge."""

import difflib
import shutil
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from tests.pipeline_copy import ROOT
from tests.promoted_repo import git


@pytest.fixture
def params_copy(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml"))


def list_changes(changed: Path) -> list[str]:
    """Return the lines that go (-) and come (+), in order, and check that they keep their comments."""
    before, after = ((file.read_text().splitlines()) for file in (ROOT / "params.yaml", changed))
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert len({line.split("  #")[1] for line in lines if "  #" in line}) <= 1
    return [line[0] + line[1:].split("  #")[0].strip() for line in lines]


def test_dvc_reads_the_file_and_writes_the_same_bytes(params_copy: Path) -> None:
    apply_overrides(params_copy, [])
    assert params_copy.read_bytes() == (ROOT / "params.yaml").read_bytes(), "run `make params`, and commit the result"


@pytest.mark.parametrize(
    ("assignment", "changes"),
    [
        ("folds.racing.test_days=9", ["-test_days: 7", "+test_days: 9"]),
        ("tasks.racing.learner=forest", ["-learner: catboost_trees", "+learner: forest"]),
        ("folds.defaults.window_days=60", ["-window_days:", "+window_days: 60"]),
        ("tasks.props.members=[forest,logistic]", ["-- xgboost_trees", "+- forest"]),
        ("+folds.props.test_days=7", ["-props: {}", "+props:", "+test_days: 7"]),
    ],
)
def test_setting_a_parameter_changes_its_line_only(params_copy: Path, assignment: str, changes: list[str]) -> None:
    apply_overrides(params_copy, [assignment])
    assert list_changes(params_copy) == changes


def test_a_checkout_that_would_convert_line_ends_keeps_them(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    (tmp_path / "params.yaml").write_bytes(b"seed: 7\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "core.autocrlf", "true")
    git(tmp_path, "add", "--all")
    (tmp_path / "params.yaml").unlink()
    git(tmp_path, "checkout-index", "--all", "--force")
    assert (tmp_path / "params.yaml").read_bytes() == b"seed: 7\n"


def test_dvc_parses_parameters_in_c() -> None:
    parser = YAML(typ="safe").Parser
    assert parser.__name__ == "CParser", "in Python it takes five times as long, for each stage of each command"
