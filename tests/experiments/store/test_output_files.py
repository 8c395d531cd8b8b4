"""Bytes are found where DVC keeps them: each level of its configuration may say where that is."""

import shutil
from pathlib import Path

import pytest

from tests import promoted_repo
from trueline.experiments.store import output_files, run_tables
from trueline.experiments.store.experiments_index import find_experiment


@pytest.mark.parametrize("level", ["config", "config.local", "global"])
def test_predictions_are_read_from_the_cache_that_dvc_is_configured_to_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    shutil.move(folder / ".dvc/cache", tmp_path / "elsewhere")
    run = run_tables.build_run(find_experiment("HEAD"))
    md5 = run.get_output_hash(promoted_repo.PREDICTIONS)
    assert md5
    file = tmp_path / "global/config" if level == "global" else folder / ".dvc" / level
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as config:
        config.write(f"[cache]\n    dir = {tmp_path / 'elsewhere'}\n")
    table = run_tables.read_predictions(promoted_repo.TASK, run, fetch=False)
    assert len(table) == promoted_repo.RACES * promoted_repo.RUNNERS
    path = Path(output_files.get_cache_path(md5)).resolve()
    assert path.is_relative_to(tmp_path / "elsewhere")
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    assert output_files.read_cached_bytes(md5) is None


def test_a_folder_that_dvc_does_not_manage_has_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert output_files.read_cached_bytes("0" * 32) is None


def test_no_remote_is_opened_while_the_cache_has_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    head = promoted_repo.git(folder, "rev-parse", "HEAD")
    monkeypatch.setattr(output_files, "_Remotes", lambda: None)  # opening it would fail
    assert output_files.find_missing_outputs(head, promoted_repo.TASK) == ([], 4)


def test_a_cached_folder_is_copied_and_nothing_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.chdir(folder)
    files = {"plots/loss.tsv": b"step", "../outside.txt": b"no"}
    md5 = promoted_repo.cached(folder, "models/racing/curves", files)["md5"]
    output_files.copy_cached_folder(md5, tmp_path / "copy")
    assert [file.relative_to(tmp_path).as_posix() for file in (tmp_path / "copy").rglob("*.*")] == [
        "copy/plots/loss.tsv"
    ]
    assert not (tmp_path / "outside.txt").exists()
