"""Run folder: a temporary folder of one running service, removed when it stops, or when the next one starts."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

PREFIX = "trueline-service-"
LOCK_FILE = "lock"


@contextmanager
def create_run_folder() -> Iterator[Path]:
    """Yield a folder for the files of this service and its workers; remove those of services that were killed."""
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with FileLock(folder / LOCK_FILE):  # held until this process ends, however it ends
            yield folder


def _remove_abandoned() -> None:
    """Remove the folders whose service is gone: nobody holds their lock."""
    for lock_file in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK_FILE}"):
        try:
            with FileLock(lock_file, blocking=False):
                shutil.rmtree(lock_file.parent, ignore_errors=True)
        except OSError:  # in use, or another user's
            continue
