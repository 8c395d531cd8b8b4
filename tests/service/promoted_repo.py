"""A repository whose events model is promoted with tags, as git and DVC's cache keep it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.service import trained_repo


def create(repository: Path, folder: Path) -> Path:
    """Return a copy of a repository, in git, with its events model in DVC's cache; nothing is promoted yet."""
    shutil.copytree(repository, folder)
    run_git(folder, "init", "-q")
    store(folder)
    return folder


def store(folder: Path) -> None:
    """Put the outputs into DVC's cache and commit the dvc.lock that names them."""
    trained_repo.seal(folder, trained_repo.PARAMS, trained_repo.OUTS)
    for out in trained_repo.OUTS:
        put_into_cache(folder, folder / out)
    run_git(folder, "add", "dvc.lock")
    run_git(folder, "commit", "--allow-empty", "-qm", "a model")


def set_threshold(folder: Path, threshold: float) -> None:
    """Change the calibrator alone: another threshold for every tag."""
    calibrator = folder / trained_repo.OUTS[1]
    content: Any = json.loads(calibrator.read_text())
    state = content["folds"]["final"]["tuned"]
    state["threshold"] = [threshold] * len(state["threshold"])
    calibrator.write_text(json.dumps(content))


def promote(folder: Path, tag: str, threshold: float | None = None) -> None:
    """Tag the repository's model, after changing its thresholds if another is given."""
    if threshold is not None:
        set_threshold(folder, threshold)
    store(folder)
    run_git(folder, "tag", "-am.", tag)


def remove_from_cache(folder: Path, out: str) -> None:
    """Lose an output that is in DVC's cache."""
    md5 = trained_repo.md5(folder / out)
    (folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()


def run_git(folder: Path, *words: str) -> None:
    """Run git with a made-up author."""
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True)


def put_into_cache(folder: Path, place: Path) -> None:
    """Put a file, or a folder with its files, into DVC's cache."""
    md5 = trained_repo.md5(place)
    if place.is_dir():
        files = sorted(file for file in place.rglob("*") if file.is_file())
        entries = [{"md5": trained_repo.md5(file), "relpath": file.relative_to(place).as_posix()} for file in files]
        for file in files:
            put_into_cache(folder, file)
    content = json.dumps(entries, sort_keys=True).encode() if place.is_dir() else place.read_bytes()
    kept = folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
