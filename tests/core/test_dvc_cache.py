"""DVC says where its cache is; without DVC it is the default folder; no byte is taken whose hash is another."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests import promoted_repo
from trueline.core.dvc_cache import ChangedFileError, find_cache, find_intact_file, get_cached_path
from trueline.core.errors import UserError

CONTENT = b"rows"
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.mark.parametrize("level", ["default", "config", "config.local", "global"])
def test_every_level_of_dvcs_configuration_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    if level != "default":
        file = tmp_path / "global/config" if level == "global" else folder / ".dvc" / level
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as config:
            config.write(f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    expected = folder / ".dvc/cache" if level == "default" else tmp_path / "shared"
    assert find_cache(folder).resolve() == expected / "files/md5"


def test_without_dvc_and_outside_a_repository_it_is_the_default_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_cache(tmp_path) == tmp_path / ".dvc/cache/files/md5"
    without_dvc = subprocess.CompletedProcess([], 1, "", "ModuleNotFoundError: No module named 'dvc'")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: without_dvc)
    assert find_cache(tmp_path) == tmp_path / ".dvc/cache/files/md5"


def test_a_configuration_that_dvc_cannot_read_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    folder = promoted_repo.make_repository(tmp_path / "repository")
    (folder / ".dvc/config").write_text("broken [")
    with pytest.raises(UserError, match=r"^DVC cannot read its configuration \(.*Invalid line.*\); correct "):
        find_cache(folder)


def test_a_file_is_taken_only_with_the_hash_that_is_its_name(tmp_path: Path) -> None:
    assert find_intact_file(tmp_path, MD5) is None
    for name in (MD5, f"{MD5}.dir"):
        path = get_cached_path(tmp_path, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(CONTENT)
        assert find_intact_file(tmp_path, name) == path
        path.write_bytes(CONTENT + b"!")
        with pytest.raises(ChangedFileError):
            find_intact_file(tmp_path, name)
