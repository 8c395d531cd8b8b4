"""Only what dvc.lock names is loaded, and only with the hash that it names."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.service import trained_repo
from trueline.core.errors import UserError
from trueline.service.artifacts.verified_files import open_promoted, open_workspace
from trueline.service.model_loading import load_models
from trueline.service.settings import Settings

PIPELINE = {
    "stages": {
        "train": {
            "cmd": "true",
            "params": [{"params.yaml": list(trained_repo.PARAMS)}],
            "outs": [*trained_repo.OUTS[:2], {trained_repo.OUTS[2]: {"cache": False}}],
        }
    }
}


def copied(repository: Path, folder: Path) -> Path:
    """Return a copy of the repository that a test may change."""
    return Path(shutil.copytree(repository, folder / "copy"))


@pytest.fixture(scope="module")
def tagged(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as DVC and git keep it, with a version, a stage, and nothing in the workspace."""
    folder = copied(repository, tmp_path_factory.mktemp("tagged"))
    tree: dict[str, Any] = {}
    for name, value in trained_repo.PARAMS.items():
        *sections, last = name.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(tree))
    (folder / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE))
    (folder / "dvc.lock").unlink()
    dvc = [sys.executable, "-m", "dvc"]
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (
        [*git, "init", "-q", "-b", "main"],
        [*dvc, "init", "-q"],
        [*dvc, "commit", "-q", "-f"],
        [*git, "add", "-A"],
        [*git, "commit", "-q", "-m", "a model"],
        [*git, "tag", "-a", "events-model@v1.9.0", "-m", "."],
        [*git, "tag", "-a", "events-model@v1.10.0", "-m", "."],
        [*git, "tag", "-a", "events-model#prod#9", "-m", "."],
        [*git, "tag", "-a", "events-model#prod#10", "-m", "."],
        [*git, "tag", "-a", "events-model#shadow#11", "-m", "."],
        [*git, "tag", "-a", "events-model#shadow!#12", "-m", "."],
        [*git, "tag", "-a", "events-model#back#1", "-m", "."],
        [*git, "commit", "-q", "--allow-empty", "-m", "another"],
        [*git, "tag", "-a", "events-model#back#2", "-m", "."],
        [*git, "tag", "-a", "events-model#back!#3", "-m", "."],
        [*git, "tag", "events-model#back#4"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    shutil.rmtree(folder / "models")
    shutil.rmtree(folder / "data")
    (folder / "dvc.lock").unlink()
    return folder


def test_outputs_with_their_hash_are_read_from_the_workspace(repository: Path) -> None:
    files = open_workspace(repository)
    assert files.resolve_path("models/events/final/model.json") == repository / "models/events/final/model.json"
    assert "tuned" in files.read_json("models/events/calibrator.json")["folds"]["final"]
    assert files.read_params()["features"]["events"]["marks"] is True
    assert files.get_hash("models/events/final").endswith(".dir")


@pytest.mark.parametrize("out", trained_repo.OUTS)
@pytest.mark.parametrize("harm", ["changed", "gone", "one more"])
def test_an_output_that_is_not_what_dvc_lock_says_is_rejected(
    repository: Path, tmp_path: Path, out: str, harm: str
) -> None:
    folder = copied(repository, tmp_path)
    file = folder / out if (folder / out).is_file() else folder / out / "model.json"
    if harm == "changed":
        file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))
    elif harm == "gone":
        file.unlink()
    elif (folder / out).is_dir():
        (folder / out / "more.json").write_text("{}")
    else:
        file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(UserError, match=f"{out} is not"):
        open_workspace(folder).resolve_path(out)
    if not out.startswith("data"):
        with pytest.raises(UserError, match=f"{out} is not"):
            load_models(Settings(root=str(folder), tasks=("events",)))


@pytest.mark.parametrize("file", ["final/model.json", "final/coefficients.npy", "calibrator.json"])
@pytest.mark.parametrize("left", [0.0, 0.5])
def test_a_broken_file_that_dvc_lock_agrees_with_is_rejected_in_a_sentence(
    repository: Path, tmp_path: Path, file: str, left: float
) -> None:
    folder = copied(repository, tmp_path)
    broken = folder / "models/events" / file
    broken.write_bytes(broken.read_bytes()[: int(left * broken.stat().st_size)])
    trained_repo.seal(folder, trained_repo.PARAMS, trained_repo.OUTS)
    with pytest.raises(UserError, match="workspace: the model of events cannot be read") as raised:
        load_models(Settings(root=str(folder), tasks=("events",)))
    assert "\n" not in str(raised.value)


def test_a_file_that_no_stage_made_is_not_read(repository: Path, tmp_path: Path) -> None:
    folder = copied(repository, tmp_path)
    (folder / "models/events/other.json").write_text("{}")
    for name in ("models/events/other.json", "models/racing/final", "../secret", "/etc/passwd"):
        with pytest.raises(UserError, match="names no output"):
            open_workspace(folder).resolve_path(name)


BROKEN = ("a: [", "3", "stages: 3", "stages: [a]", "stages: {a: 3}", "stages: {a: {outs: [{path: b}]}}", "\x00")


@pytest.mark.parametrize(
    ("text", "message"), [(None, "has no dvc.lock"), *[(text, "cannot be read") for text in BROKEN]]
)
def test_without_a_lock_nothing_is_loaded(repository: Path, tmp_path: Path, text: str | None, message: str) -> None:
    folder = copied(repository, tmp_path)
    (folder / "dvc.lock").unlink()
    if text is not None:
        (folder / "dvc.lock").write_text(text)
    with pytest.raises(UserError, match=message):
        load_models(Settings(root=str(folder)))


@pytest.mark.parametrize(
    ("model", "tag"),
    [
        ("events-model#prod", "events-model#prod#10"),
        ("events-model#prod#9", "events-model#prod#9"),
        ("events-model#back", "events-model#back#1"),
        ("events-model@latest", "events-model@v1.10.0"),
        ("events-model@v1.9.0", "events-model@v1.9.0"),
    ],
)
def test_a_promoted_model_is_loaded_out_of_the_cache_and_answers_as_the_workspace_s_did(
    tagged: Path, repository: Path, model: str, tag: str
) -> None:
    served = load_models(Settings(root=str(tagged), models=(model,)))["events"]
    assert served.version.startswith(f"{tag}:")
    assert served.files.commit is not None
    assert len(served.files.commit) == 40
    here = load_models(Settings(root=str(repository), tasks=("events",)))["events"]
    assert served.model.get_chances("Chess in the park", "", "") == here.model.get_chances("Chess in the park", "", "")
    assert served.files.resolve_path("data/predictions/events.parquet").read_bytes()  # which git keeps, not the cache


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("events-model#dev", "git has no tag for the model 'events-model#dev'; did you mean 'events-model#prod'"),
        ("events-model@v3.0.0", "git has no tag for the model 'events-model@v3.0.0'; did you mean"),
        ("events-model#shadow", "events-model#shadow has no model now: all were removed"),
        ("event-model#prod", "no task has a model 'event-model#prod'; did you mean 'events-model'"),
        ("prod", "no task has a model 'prod'"),
    ],
)
def test_a_model_that_no_tag_names_is_rejected(tagged: Path, model: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_models(Settings(root=str(tagged), models=(model,)))


def test_a_file_of_the_cache_that_was_changed_or_lost_is_rejected(tagged: Path, tmp_path: Path) -> None:
    folder = copied(tagged, tmp_path)
    md5 = open_promoted(folder, "events-model#prod").get_hash("models/events/calibrator.json")
    file = folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(UserError, match="does not match its name"):
        load_models(Settings(root=str(folder), models=("events-model#prod",)))
    shutil.rmtree(folder / ".dvc/cache")
    with pytest.raises(UserError, match="is not in DVC's cache; run `dvc fetch"):
        load_models(Settings(root=str(folder), models=("events-model#prod",)))


def test_a_model_named_for_a_task_that_is_left_out_is_rejected(tagged: Path) -> None:
    with pytest.raises(UserError, match="--tasks leaves events out"):
        load_models(Settings(root=str(tagged), tasks=("racing",), models=("events-model#prod",)))
