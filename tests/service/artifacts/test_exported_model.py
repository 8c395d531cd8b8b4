"""An exported model is what was promoted, or it is refused in a sentence."""

import json
import shutil
from pathlib import Path

import pytest

from tests.service import promoted_repo, trained_repo
from trueline.core.errors import UserError
from trueline.service.artifacts.exported_model import export_model, list_exported_tasks, open_exported, read_drift
from trueline.service.artifacts.verified_files import open_promoted, open_workspace
from trueline.service.model_loading import load_models, pin_models
from trueline.service.settings import Settings

TAG = "events-model#prod#1"


@pytest.fixture(scope="module")
def promoted(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = promoted_repo.create(repository, tmp_path_factory.mktemp("promoted") / "repository")
    promoted_repo.promote(folder, TAG)
    return folder


@pytest.fixture
def served(promoted: Path, tmp_path: Path) -> Path:
    """A folder with the exported model."""
    export_model(open_promoted(promoted, TAG), "events", tmp_path / "served")
    return tmp_path / "served"


def test_it_has_the_version_the_commit_and_the_drift_of_the_promoted_one(promoted: Path, served: Path) -> None:
    exported, files = open_exported(served, "events"), open_promoted(promoted, TAG)
    assert (exported.name, exported.commit) == (TAG, files.commit)
    assert exported.output_hashes == files.output_hashes
    drift = read_drift(exported)
    assert drift is not None
    assert sum(drift.describe_reference()["shares"]) == pytest.approx(1)
    assert [path.name for path in served.iterdir()] == ["events"]


def test_a_changed_file_is_not_served(served: Path) -> None:
    calibrator = served / "events" / trained_repo.OUTS[1]
    content = json.loads(calibrator.read_text())
    calibrator.write_text(json.dumps(content) + "\n")
    with pytest.raises(UserError, match="its hash differs"):
        load_models(Settings(exported=str(served)))


def test_another_model_has_another_pin_and_replaces_the_first(promoted: Path, served: Path, tmp_path: Path) -> None:
    settings = Settings(exported=str(served))
    first_pins = pin_models(settings).pins
    assert pin_models(settings).pins == first_pins
    shutil.copytree(promoted, tmp_path / "other")
    promoted_repo.promote(tmp_path / "other", "events-model#prod#2", threshold=0.0)
    export_model(open_promoted(tmp_path / "other", "events-model#prod"), "events", served)
    assert pin_models(settings).pins != first_pins
    assert load_models(settings)["events"].version.startswith("events-model#prod#2:")
    assert [path.name for path in served.iterdir()] == ["events"]


def test_the_workspace_s_model_has_no_commit(promoted: Path, tmp_path: Path) -> None:
    export_model(open_workspace(promoted), "events", tmp_path)
    exported = open_exported(tmp_path, "events")
    assert (exported.name, exported.commit) == ("workspace", None)


def test_an_incomplete_model_is_not_exported_and_nothing_is_left(promoted: Path, tmp_path: Path) -> None:
    shutil.copytree(promoted, tmp_path / "other")
    promoted_repo.remove_from_cache(tmp_path / "other", trained_repo.OUTS[1])
    with pytest.raises(UserError, match="is neither in DVC's cache nor in git"):
        export_model(open_promoted(tmp_path / "other", TAG), "events", tmp_path / "served")
    assert list((tmp_path / "served").iterdir()) == []


def test_folders_without_a_model_and_contradictions_are_refused(served: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no model; write one there"):
        list_exported_tasks(tmp_path / "nothing")
    with pytest.raises(UserError, match="holds no exported model"):
        open_exported(served, "racing")
    with pytest.raises(UserError, match="exclude each other"):
        load_models(Settings(exported=str(served), models=(TAG,)))
