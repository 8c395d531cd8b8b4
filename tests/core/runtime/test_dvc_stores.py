"""DVC's stores: folders with copies of the data are found by every level of DVC's configuration."""

from pathlib import Path

import pytest

from trueline.core.errors import UserError
from trueline.core.runtime.dvc_stores import list_dvc_stores


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of DVC, on a machine where nothing is set for all repositories."""
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    (tmp_path / "global").mkdir()
    (tmp_path / "repository/.dvc").mkdir(parents=True)
    return tmp_path / "repository"


def test_a_folder_that_any_level_of_the_configuration_names_is_a_store(repository: Path) -> None:
    (repository.parent / "global/config").write_text("[cache]\n    dir = /shared/cache\n")
    (repository / ".dvc/config").write_text("['remote \"near\"']\n    url = ../../store\n")
    (repository / ".dvc/config.local").write_text("['remote \"far\"']\n    url = s3://bucket/store\n")
    assert list_dvc_stores(repository) == ["/shared/cache", str(repository.parent / "store")]


def test_a_nearer_level_of_the_configuration_wins(repository: Path) -> None:
    (repository.parent / "global/config").write_text("[cache]\n    dir = /shared/cache\n")
    (repository / ".dvc/config.local").write_text("[cache]\n    dir = /own/cache\n")
    assert list_dvc_stores(repository) == ["/own/cache"]


def test_a_folder_without_configuration_has_no_stores(tmp_path: Path, repository: Path) -> None:
    assert list_dvc_stores(tmp_path / "elsewhere") == []


def test_a_broken_configuration_is_one_sentence(repository: Path) -> None:
    (repository / ".dvc/config").write_text("[cache\n")
    with pytest.raises(UserError, match=r"DVC cannot read its configuration .*; correct \.dvc/config"):
        list_dvc_stores(repository)


def test_without_a_home_the_configuration_of_the_repository_counts(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_GLOBAL_CONFIG_DIR")
    monkeypatch.setenv("HOME", "/nonexistent")
    (repository / ".dvc/config").write_text("[cache]\n    dir = /own/cache\n")
    assert list_dvc_stores(repository) == ["/own/cache"]
