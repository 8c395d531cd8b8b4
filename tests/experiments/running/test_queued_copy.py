"""A queued run sees the data of the workspace: whatever its copy would lack is refused by name before queueing."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.experiments import git_fixtures
from trueline.core.errors import UserError
from trueline.experiments.running import queued_copy

SOURCE = Path("data/games")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose source is a folder of one tracked file."""
    folder = tmp_path / "repository"
    ignored = {".gitignore": "*.secret\n/big.csv\n", ".dvcignore": "__pycache__/\n"}
    git_fixtures.start(folder, {**ignored, "data/games/games.csv": "row_id\n1\n", "stages/train/trees.py": ""})
    monkeypatch.chdir(folder)
    return folder


def add_untracked(folder: Path) -> None:
    (folder / SOURCE / "lines.csv").write_text("line\n")


def add_ignored(folder: Path) -> None:
    (folder / SOURCE / "lines.secret").write_text("line\n")


def add_nested_repository(folder: Path) -> None:
    git_fixtures.start(folder / SOURCE / "nested", {"lines.csv": "line\n"})


def add_submodule(folder: Path) -> None:
    add_nested_repository(folder)
    git_fixtures.git(folder, "add", "--force", str(SOURCE / "nested"))


def add_link_outside(folder: Path) -> None:
    (folder.parent / "lines.csv").write_text("line\n")
    (folder / SOURCE / "linked.csv").symlink_to("../../../lines.csv")
    git_fixtures.git(folder, "add", "--all")


def add_link_to_untracked(folder: Path) -> None:
    (folder / SOURCE / "linked.csv").symlink_to("../../big.csv")
    (folder / "big.csv").write_text("line\n")
    git_fixtures.git(folder, "add", "--all")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (add_untracked, "data/games/lines.csv"),
        (add_ignored, "data/games/lines.secret"),
        (add_nested_repository, "data/games/nested/"),
        (add_submodule, "data/games/nested"),
        (add_link_outside, "data/games/linked.csv (a link to ../../../lines.csv)"),
        (add_link_to_untracked, "data/games/linked.csv (a link to ../../big.csv)"),
    ],
)
def test_what_the_copy_would_lack_of_the_source_is_refused_by_name(world: Path, change: object, named: str) -> None:
    queued_copy.require_complete_source("a-name", SOURCE)
    change(world)  # type: ignore[operator]
    with pytest.raises(UserError) as caught:
        queued_copy.require_complete_source("a-name", SOURCE)
    assert str(caught.value).startswith(
        f"a-name: a queued run works in a folder of its own, which would lack {named} of"
    )


def test_edited_and_staged_files_caches_and_absolute_links_go_along(world: Path) -> None:
    (world / SOURCE / "games.csv").write_text("row_id\n2\n")
    add_untracked(world)
    git_fixtures.git(world, "add", "--all")
    (world / SOURCE / "__pycache__").mkdir()
    (world / SOURCE / "__pycache__/reader.pyc").write_text("")
    (world.parent / "far.csv").write_text("")
    os.symlink(world.parent / "far.csv", world / SOURCE / "far.csv")
    git_fixtures.git(world, "add", "data/games/far.csv")
    queued_copy.require_complete_source("a-name", SOURCE)


def test_of_many_missing_files_a_few_are_named(world: Path) -> None:
    for number in range(9):
        (world / SOURCE / f"lines-{number}.csv").write_text("")
    with pytest.raises(
        UserError, match=r"lines-0\.csv, data/games/lines-1\.csv, data/games/lines-2\.csv and 6 more of"
    ):
        queued_copy.require_complete_source("a-name", SOURCE)


def test_code_that_git_does_not_track_is_refused_by_name(world: Path) -> None:
    (world / "notes.py").write_text("")
    queued_copy.require_complete_code("a-name")
    (world / "stages/train/mine.py").write_text("")
    with pytest.raises(UserError, match=r"^a-name: .* would lack stages/train/mine\.py; `git add`"):
        queued_copy.require_complete_code("a-name")
    git_fixtures.git(world, "add", "stages/train/mine.py")
    queued_copy.require_complete_code("a-name")


def test_a_cache_whose_path_dvc_could_not_write_down_is_refused(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queued_copy.require_writable_cache_path()
    renamed = world.rename(world.with_name("größer"))
    monkeypatch.chdir(renamed)
    with pytest.raises(UserError, match=r"letters beyond ASCII \(.*größer/.dvc/cache/files/md5\); move the repository"):
        queued_copy.require_writable_cache_path()


def test_data_that_dvc_tracks_go_along_only_in_the_version_that_was_added(world: Path) -> None:
    (world / ".dvc").mkdir()
    (world / ".dvc/config").write_text("[core]\n    analytics = false\n")
    md5 = hashlib.md5(b"line\n").hexdigest()
    (world / "data/lines.csv").write_text("line\n")
    (world / "data/lines.csv.dvc").write_text(f"outs:\n- md5: {md5}\n  hash: md5\n  path: lines.csv\n")
    cached = world / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    cached.write_text("line\n")
    queued_copy.require_complete_source("a-name", Path("data/lines.csv"))
    (world / "data/lines.csv").write_text("edited\n")
    with pytest.raises(UserError, match=r"^a-name: the source data/lines\.csv is not as data/lines\.csv\.dvc says"):
        queued_copy.require_complete_source("a-name", Path("data/lines.csv"))
