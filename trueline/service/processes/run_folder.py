"""Run folder: a temporary folder of one running service, removed when it stops, or when the next one starts."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PREFIX = "trueline-service-"
LOCK_FILE = "lock"


@contextmanager
def create_run_folder() -> Iterator[Path]:
    """Yield a folder for the files of this service and its workers; remove those of services that were killed."""
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name, _lock_folder(Path(name)):
        yield Path(name)


def _lock_folder(folder: Path) -> TextIO:
    """Return the lock file of a folder, locked until it is closed or this process ends, however it ends."""
    lock = (folder / LOCK_FILE).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _remove_abandoned() -> None:
    """Remove the folders whose service is gone: nobody holds their lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK_FILE).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # in use, another user's, or without a lock yet
            continue
