"""A version changes with anything that makes the answers, and with nothing else."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.service import promoted_repo, trained_repo
from trueline.service.artifacts.answer_version import build_version, hash_parts
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.model_loading import load_models
from trueline.service.settings import Settings


@pytest.fixture
def folder(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repository, tmp_path / "copy"))


def change_params(folder: Path, **params: Any) -> None:
    trained_repo.seal(folder, trained_repo.PARAMS | params, trained_repo.OUTS)


def test_the_answer_the_log_and_health_name_one_version(folder: Path) -> None:
    loaded = load_models(Settings(root=str(folder)))["events"]
    assert loaded.model.version == loaded.version == build_version(open_workspace(folder), "events")


def test_a_swapped_calibrator_changes_the_version_though_the_model_is_the_same(folder: Path) -> None:
    before, parts = build_version(open_workspace(folder), "events"), hash_parts(open_workspace(folder), "events")
    promoted_repo.set_threshold(folder, 0.3)
    change_params(folder)
    after = hash_parts(open_workspace(folder), "events")
    assert build_version(open_workspace(folder), "events") != before
    assert {part for part in parts if parts[part] != after[part]} == {"calibrator"}


def test_a_setting_of_the_features_changes_the_version_and_one_of_the_tests_of_it_does_not(folder: Path) -> None:
    before = build_version(open_workspace(folder), "events")
    change_params(folder, **{"diagnose.events": {"resamples": 7}})
    assert build_version(open_workspace(folder), "events") == before
    change_params(folder, **{"features.events": trained_repo.PARAMS["features.events"] | {"marks": False}})
    assert build_version(open_workspace(folder), "events") != before


def test_the_history_and_the_learner_s_code_are_parts(folder: Path) -> None:
    parts = hash_parts(open_workspace(folder), "events")
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    stage = lock["stages"]["train@events"]
    stage["outs"].append({"path": "data/prepared/events.parquet", "md5": "0" * 32})
    stage["params"]["params.yaml"]["tasks.events.learner"] = "text_network"
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock))
    after = hash_parts(open_workspace(folder), "events")
    assert after["history"] == "0" * 32
    assert after["code"] != parts["code"]
