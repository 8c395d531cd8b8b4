"""Memory: results of earlier runs, kept by the hash of all that they were made from, so that equal work is done once.

It lies outside the outputs, in a folder that git and DVC ignore, and holds nothing that cannot be computed again.
"""

import contextlib
import hashlib
import json
import os
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

CODE_ROOT = Path(__file__).parents[3]
OWN_PACKAGES = ("stages", "trueline")
MEMORY_FOLDER = ".memory"
OFF_VARIABLE = "TRUELINE_NO_MEMORY"  # if set to anything, nothing is recalled and nothing is kept
OFF_FLAG = "--no-memory"
MAX_BYTES = 512 * 2**20  # of a folder of kept results; beyond it the entries that were used least recently go
DIGEST_BYTES = hashlib.sha256().digest_size

Value = TypeVar("Value")


@dataclass(frozen=True)
class Memory:
    """Results by key, one file each, in a folder; without a folder it is off: it knows nothing and keeps nothing.

    An entry begins with the hash of its key and of the rest, so one that a crash or a full disk cut off, that decayed,
    or that was copied from another key, is unknown.
    """

    folder: Path | None

    @property
    def is_on(self) -> bool:
        """Whether results are kept."""
        return self.folder is not None

    def holds(self, key: str) -> bool:
        """Whether there is an entry under a key; `load` finds out whether it is whole."""
        with contextlib.suppress(OSError):  # the folder may not be entered
            return self.folder is not None and (self.folder / key).exists()
        return False

    def recall_or_compute(
        self,
        key: str,
        compute: Callable[[], Value],
        pack: Callable[[Value], bytes | None],
        unpack: Callable[[bytes], Value],
    ) -> Value:
        """Return what was kept under a key, or else what `compute` returns, and keep that.

        A value of which `pack` makes None is not kept. With the memory off nothing is packed.
        """
        content = self.load(key)
        if content is not None:
            return unpack(content)
        value = compute()
        content = pack(value) if self.is_on else None
        if content is not None:
            self.store(key, content)
        return value

    def load(self, key: str) -> bytes | None:
        """Return what was kept under a key, or None."""
        if self.folder is None:
            return None
        path = self.folder / key
        try:
            entry = path.read_bytes()
            os.utime(path)  # it was used now
        except OSError:
            return None
        digest, value = entry[:DIGEST_BYTES], entry[DIGEST_BYTES:]
        return value if _hash_entry(key, value) == digest else None

    def store(self, key: str, value: bytes) -> None:
        """Keep a value under a key, whole or not at all; what was used least recently makes room for it.

        A value that is larger than all the room is not kept, and neither is one that the disk has no room for or that
        may not be written: it can be computed again.
        """
        if self.folder is None or len(value) > MAX_BYTES - DIGEST_BYTES:
            return
        draft = self.folder / f".{key}.draft"  # one name a key: the next run that keeps it clears up after a kill
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(_hash_entry(key, value) + value)
            os.replace(draft, self.folder / key)  # of two that keep the same value, the second may find no draft
            drop_oldest_files(self.folder, MAX_BYTES)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def _hash_entry(key: str, value: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + value).digest()


def open_memory() -> Memory:
    """Return the memory of this repository; a switched-off one if TRUELINE_NO_MEMORY is set."""
    return Memory(None if os.environ.get(OFF_VARIABLE) else find_repository() / MEMORY_FOLDER)


def find_repository() -> Path:
    """Return the working folder, or for a queued or temporary run, in a folder below .dvc, the repository above it."""
    root = Path.cwd()
    return next((parent.parent for parent in root.parents if parent.name == ".dvc"), root)


def drop_oldest_files(folder: Path, max_bytes: int) -> None:
    """Delete the files of a folder that were used least recently, until the rest take at most `max_bytes`."""
    total = 0
    for _, size, path in sorted(_list_file_stats(folder), reverse=True):
        total += size
        if total > max_bytes:
            Path(path).unlink(missing_ok=True)


def _list_file_stats(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Yield the time of last use, the size and the path of each file; another process may delete some meanwhile."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                stat = entry.stat()
                yield stat.st_mtime, stat.st_size, entry.path


def build_key(*values: Any) -> str:
    """Return the hash of some values that JSON can write."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def hash_code(*stages: str) -> str:
    """Return the hash of the code that some stages may run, and of what it runs on: Python and its libraries.

    This is all of trueline/core and of the stages' own folders, whether loaded yet or not, and what is loaded from
    other places than those of Python and of this repository's packages, such as a module that a plugin brings along.
    """
    return _hash_code(stages, tuple(sorted(_list_foreign_files())))


def hash_own_code(*stages: str) -> str:
    """Return `hash_code` without the files that other places brought along: what a worker must have in common."""
    return _hash_code(stages, ())


@lru_cache
def _hash_code(stages: tuple[str, ...], foreign_files: tuple[str, ...]) -> str:
    folders = [CODE_ROOT / "trueline/core", *(CODE_ROOT / "stages" / stage for stage in stages)]
    own_files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    digest = hashlib.sha256(json.dumps([platform.machine(), sys.version, list_libraries()]).encode())
    for file in [*own_files, *map(Path, foreign_files)]:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(CODE_ROOT) if file.is_relative_to(CODE_ROOT) else file.name}".encode())
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def list_libraries() -> list[str]:
    """Return the installed libraries with their versions, as the names of their folders of metadata give them."""
    folders = {sysconfig.get_paths()[name] for name in ("purelib", "platlib")}
    return sorted(path.name for folder in folders for path in Path(folder).glob("*.dist-info"))


def _list_foreign_files() -> Iterable[str]:
    packages = [str(CODE_ROOT / name) for name in OWN_PACKAGES]
    known_folders = tuple(
        f"{folder}{os.sep}" for folder in (*packages, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())
    )
    file_names = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return (name for name in file_names if name and not name.startswith(known_folders))
