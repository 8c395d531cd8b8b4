"""Atomic outputs: they appear whole or not at all, and one run at a time writes them."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from trueline.core.errors import UserError

LOCK_FOLDER = Path(".locks")


@contextmanager
def open_atomic_outputs(name: str, targets: dict[str, Path]) -> Iterator[dict[str, Path]]:
    """Yield a temporary path for every target, and rename all of them to their targets if the block succeeds.

    A killed run leaves only temporary files, which the next run of the same name removes. A second run of the same
    name waits for the first to end: this happens when DVC is killed and restarted while its stage is still running.
    Raises UserError, and publishes nothing, if the block ends without writing one of the targets.
    """
    with lock_outputs(name):
        drafts = {key: target.with_name(f".{target.name}.draft") for key, target in targets.items()}
        formers = {key: target.with_name(f".{target.name}.former.draft") for key, target in targets.items()}
        _remove_files([*drafts.values(), *formers.values()])
        for draft in drafts.values():
            draft.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield drafts
            _publish_drafts(drafts, targets, formers)
        finally:
            _remove_files([*drafts.values(), *formers.values()])


def publish_alone(draft: Path, target: Path) -> None:
    """Rename one temporary output to its target although the run fails: for a report that says why."""
    os.replace(draft, target)


def write_json(value: Any, path: Path, digits: int = 6) -> None:
    """Write JSON with sorted keys, rounded floats and null for NaN or infinity: equal values give equal bytes."""
    path.write_text(json.dumps(convert_to_json(value, digits), indent=2, allow_nan=False) + "\n")


def convert_to_json(value: Any, digits: int = 6) -> Any:
    """Return a value as `write_json` writes it: sorted keys, lists, rounded floats, and None for NaN or infinity."""
    if isinstance(value, dict):
        return dict(sorted({str(key): convert_to_json(item, digits) for key, item in value.items()}.items()))
    if isinstance(value, list | tuple):
        return [convert_to_json(item, digits) for item in value]
    if hasattr(value, "tolist"):
        return convert_to_json(value.tolist(), digits)
    if isinstance(value, float):
        # JSON has no NaN and no infinities; adding 0.0 turns −0.0 into 0.0
        return round(value, digits) + 0.0 if value - value == 0 else None
    return value


@contextmanager
def lock_outputs(name: str) -> Iterator[None]:
    """Hold a lock on outputs while the block runs; another run of the same name waits, and says so."""
    LOCK_FOLDER.mkdir(exist_ok=True)
    lock = FileLock(LOCK_FOLDER / name)
    try:
        held_lock = lock.acquire(blocking=False)
    except Timeout:
        print(f"{name}: another run is writing the same outputs; waiting for it to end", file=sys.stderr)
        held_lock = lock.acquire()
    with held_lock:
        yield


def _publish_drafts(drafts: dict[str, Path], targets: dict[str, Path], formers: dict[str, Path]) -> None:
    """Rename drafts to targets; folders of the run before are renamed first, as a kill would leave half of one."""
    for key, draft in drafts.items():
        if not draft.exists():
            raise UserError(f"the stage ended without writing {targets[key]}; fix the plugin that should write it.")
    for key, draft in drafts.items():
        if targets[key].is_dir():
            os.replace(targets[key], formers[key])
        try:
            os.replace(draft, targets[key])
        except OSError:
            if formers[key].exists():
                os.replace(formers[key], targets[key])
            raise


def _remove_files(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            _remove_folder(path)
        else:
            path.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    """Remove a folder and all in it, with one file open at a time: shutil.rmtree opens two, and may have one left."""
    with os.scandir(folder) as entries:
        members = list(entries)
    for member in members:
        if member.is_dir(follow_symlinks=False):
            _remove_folder(Path(member.path))
        else:
            os.unlink(member.path)
    folder.rmdir()
