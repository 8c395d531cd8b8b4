"""Check that the folder in which a queued experiment runs, a copy of what git and DVC track, lacks nothing it needs."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from trueline.core.dvc_cache import find_cache
from trueline.core.errors import UserError
from trueline.experiments.store import dvc_queue, git
from trueline.experiments.store.dvc_lock import CODE_FOLDERS
from trueline.experiments.store.file_cache import IGNORE_FILE

MAX_FILES_NAMED = 3
SUBMODULE_MODE = "160000"  # git's mode of a repository within the repository
LINK_MODE = "120000"


def require_complete_code(name: str) -> None:
    """Raise UserError if a file of code is not tracked, because a queued run would work without it."""
    code_folders = [folder for folder in CODE_FOLDERS if Path(folder).is_dir()]
    output = (
        git.run_git("ls-files", "--others", "--exclude-standard", "-z", "--", *code_folders) if code_folders else b""
    )
    if files := _split_paths(output):
        raise UserError(
            f"{name}: a queued run works in a copy of what git tracks, and would lack {_join_files(files)}; `git add` "
            f"what belongs to the code, or run in the workspace (--now)."
        )


def require_writable_cache_path() -> None:
    """Raise UserError if DVC could not tell a queued run where the cache is: it writes the path as ASCII (DVC 3.67)."""
    cache = str(find_cache(Path.cwd()))
    if not cache.isascii():
        raise UserError(
            f"DVC cannot run its queue with a cache whose path has letters beyond ASCII ({cache}); move the "
            f"repository, set another cache with `dvc cache dir --local`, or run in the workspace (--now)."
        )


def require_complete_source(name: str, source: Path) -> None:
    """Raise UserError if a queued run would not see the source as it is in the workspace.

    Its copy has what git tracks, edited files included, and what DVC has added, in the version that was added.
    """
    if source.is_absolute():
        return
    if ".." in source.parts or not (git.run_git("ls-files", "--", str(source)) or find_dvc_file(source)):
        raise UserError(
            f"{name}: a queued run works in a folder of its own, which does not contain the source {source}; give "
            f"its absolute path, track it (`git add`, `dvc add`), or run in the workspace (--now)."
        )
    if dvc_file := find_dvc_file(source):
        _require_added_version(name, source, dvc_file)
    elif missing := [*_list_untracked(source), *_list_lost_links(source)]:
        raise UserError(
            f"{name}: a queued run works in a folder of its own, which would lack {_join_files(missing)} of the "
            f"source {source}; track them (`git add`, `dvc add`), move them away, give the absolute path of the "
            f"source, or run in the workspace (--now)."
        )


def find_dvc_file(path: Path) -> Path | None:
    """Return the .dvc file by which DVC tracks a path or a folder above it, or None."""
    candidates = (candidate.with_name(f"{candidate.name}.dvc") for candidate in (path, *path.parents) if candidate.name)
    return next((candidate for candidate in candidates if candidate.exists()), None)


def _require_added_version(name: str, source: Path, dvc_file: Path) -> None:
    status = subprocess.run(
        dvc_queue.build_dvc_command("status", "--quiet", str(dvc_file)),
        env=dvc_queue.build_environment(),
        capture_output=True,
        check=False,
    )
    if status.returncode:
        raise UserError(
            f"{name}: the source {source} is not as {dvc_file} says, and a queued run would see the version that was "
            f"added; run `dvc add {dvc_file.with_suffix('')}`, or `dvc checkout {dvc_file}` to return to that version."
        )


def _list_untracked(source: Path) -> list[str]:
    """Return what git does not track below a path, ignored files and nested repositories included.

    Left out is what DVC tracks or ignores.
    """
    ignored = GitIgnoreSpec.from_lines(
        Path(IGNORE_FILE).read_text("utf-8").splitlines() if Path(IGNORE_FILE).exists() else ()
    )
    untracked = _split_paths(git.run_git("ls-files", "--others", "-z", "--", str(source)))
    submodules = [path for mode, path in _iterate_entries(source) if mode == SUBMODULE_MODE]
    return [
        path for path in (*untracked, *submodules) if not ignored.match_file(path) and find_dvc_file(Path(path)) is None
    ]


def _list_lost_links(source: Path) -> list[str]:
    """Return the relative links below a path whose targets are outside of the repository or not tracked."""
    root = Path.cwd().resolve()
    lost = []
    for mode, path in _iterate_entries(source):
        if mode != LINK_MODE or os.path.isabs(os.readlink(path)):
            continue
        target = Path(path).resolve()
        is_inside = target.is_relative_to(root)
        if not is_inside or not git.run_git("ls-files", "--", str(target.relative_to(root))):
            lost.append(f"{path} (a link to {os.readlink(path)})")
    return lost


def _iterate_entries(source: Path) -> Iterator[tuple[str, str]]:
    """Yield the mode and the path of everything that git tracks below a path."""
    for entry in _split_paths(git.run_git("ls-files", "--stage", "-z", "--", str(source))):
        attributes, _, path = entry.partition("\t")
        yield attributes.split()[0], path


def _split_paths(output: bytes) -> list[str]:
    return [os.fsdecode(path) for path in output.split(b"\0") if path]


def _join_files(files: Iterable[str]) -> str:
    names = sorted(files)
    more = f" and {len(names) - MAX_FILES_NAMED} more" if len(names) > MAX_FILES_NAMED else ""
    return ", ".join(names[:MAX_FILES_NAMED]) + more
