"""Failures of the machine: a full disk, a folder that cannot be written, too few open files, each as one sentence."""

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

CAUSES = {  # error number: what is wrong, and what to do
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("this user's share of the disk is used up", "free some space"),
    errno.EFBIG: ("a file grew to the largest size that is allowed here", "raise that size (ulimit -f)"),
    errno.EROFS: ("the file system is read-only", "make it writable"),
    errno.EACCES: ("this user may not write or read there", "change the permissions"),
    errno.EPERM: ("this user may not write or read there", "change the permissions"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.ENFILE: ("too many files are open on this machine", "close other programs"),
    errno.EIO: ("the disk reports an error of its own", "check the disk"),
    errno.ENOMEM: ("memory ran out", "set a lower number of workers in params.yaml"),
    errno.EAGAIN: ("no further process or thread could be started", "raise the limit (ulimit -u)"),
}
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")  # what NumPy says of a disk that became full
LOST_WORKERS = {"TerminatedWorkerError", "BrokenProcessPool", "BrokenExecutor"}  # names, to load no library for them
LOST_WORKER = (
    "a worker process was killed, by the system if memory ran out",
    "set a lower number of workers in params.yaml",
)


def explain_failure(error: BaseException) -> str | None:
    """Return a sentence on the failure of the machine that an error comes from, or None if it comes from none.

    Libraries written in C and C++ raise errors of their own, which name the cause in the words of the system.

    >>> explain_failure(OSError(errno.ENOSPC, "No space left on device", "data/rows.parquet"))
    'the disk is full (data/rows.parquet); free some space, and run the command again: no output was changed.'
    >>> explain_failure(OSError("84585 requested and 32240 written"))
    'the disk is full; free some space, and run the command again: no output was changed.'
    >>> explain_failure(KeyError("rows")) is None
    True
    """
    for link in _walk_causes(error):
        cause = _find_cause(link)
        if cause is not None:
            fault, remedy = cause
            path = getattr(link, "filename", None)
            location = f" ({_shorten_path(path)})" if isinstance(path, str | bytes | os.PathLike) else ""
            return f"{fault}{location}; {remedy}, and run the command again: no output was changed."
    return None


def find_damaged_file(paths: Iterable[Path]) -> Path | None:
    """Return the first Parquet or JSON file, among some files and folders, that cannot be read, or None."""
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and _is_damaged(file):
                return file
    return None


def _find_cause(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, MemoryError):
        return CAUSES[errno.ENOMEM]
    if type(error).__name__ in LOST_WORKERS:
        return LOST_WORKER
    if isinstance(error, OSError) and error.errno in CAUSES:
        return CAUSES[error.errno]
    message = str(error)
    if isinstance(error, OSError) and SHORT_WRITE.fullmatch(message):
        return CAUSES[errno.ENOSPC]
    return next((cause for number, cause in CAUSES.items() if os.strerror(number) in message), None)


def _walk_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that led to it."""
    link: BaseException | None = error
    walked_ids: set[int] = set()
    while link is not None and id(link) not in walked_ids:
        walked_ids.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _shorten_path(path: str | bytes | os.PathLike[str]) -> str:
    text = os.fsdecode(path)
    return os.path.relpath(text) if Path(text).is_relative_to(Path.cwd()) else text


def _is_damaged(file: Path) -> bool:
    try:
        if file.suffix == ".parquet":
            import pyarrow.parquet as pq  # only where a stage has failed already

            pq.read_table(file)
        elif file.suffix == ".json":
            json.loads(file.read_bytes())
    except (ValueError, OSError) as error:
        return explain_failure(error) is None
    return False
