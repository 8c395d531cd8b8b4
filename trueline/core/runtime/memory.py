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

from numpy._core import _multiarray_umath  # type: ignore[attr-defined]

from trueline.core.runtime.file_state import FileState, get_file_state
from trueline.core.runtime.imported_files import (
    OWN_PACKAGES,
    find_imported_files,
    list_code_files,
    list_library_folders,
)
from trueline.core.runtime.numeric_pins import X86_PINS

CODE_ROOT = Path(__file__).parents[3]
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
    or that was copied from another key, is unknown. Nothing is kept once the code of `stages` is no longer that of
    `code`, the hash of it when the memory was opened: who knows which of both a worker has loaded.
    """

    folder: Path | None
    stages: tuple[str, ...] = ()
    code: str = ""

    @property
    def is_on(self) -> bool:
        """Whether results are kept."""
        return self.folder is not None

    @property
    def is_current(self) -> bool:
        """Whether the code on the disk is still that of the moment when the memory was opened."""
        with contextlib.suppress(OSError):  # a file of the code was deleted
            return not self.stages or _hash_code_on_disk(self.stages) == self.code
        return False

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
        if self.folder is None or len(value) > MAX_BYTES - DIGEST_BYTES or not self.is_current:
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


NO_MEMORY = Memory(None)


def _hash_entry(key: str, value: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + value).digest()


def open_memory(*stages: str) -> Memory:
    """Return the repository's memory for results of some stages' code; an off one if TRUELINE_NO_MEMORY is set."""
    if os.environ.get(OFF_VARIABLE):
        return NO_MEMORY
    return Memory(find_repository() / MEMORY_FOLDER, stages, _hash_code_on_disk(stages))


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

    This is all of trueline/core and of the stages' own folders, whether loaded yet or not, and what these folders
    import, or this process has loaded, from other places than those of Python, such as a module that a plugin brings
    along.
    """
    return _hash_cached_code(stages, tuple(sorted(_list_foreign_files())))


def hash_own_code(*stages: str) -> str:
    """Return `hash_code` without what this process alone has loaded: what a worker must have in common."""
    return _hash_cached_code(stages, ())


@lru_cache
def _hash_cached_code(stages: tuple[str, ...], loaded_files: tuple[str, ...]) -> str:
    return _hash_code(stages, loaded_files)


def _hash_code_on_disk(stages: tuple[str, ...]) -> str:
    """Return the hash of the code as it is now; files are only read again where one was written since."""
    files = _list_stage_files(CODE_ROOT, stages)
    return _hash_code_in_state(stages, tuple(get_file_state(file) for file in files), tuple(list_libraries()))


@lru_cache(maxsize=1)
def _hash_code_in_state(stages: tuple[str, ...], files: tuple[FileState, ...], libraries: tuple[str, ...]) -> str:
    return _hash_code(stages)


def _hash_code(stages: tuple[str, ...], loaded_files: tuple[str, ...] = ()) -> str:
    surroundings = [platform.machine(), sys.version, list_libraries(), list_numeric_kernels()]
    digest = hashlib.sha256(json.dumps(surroundings).encode())
    for file in [*_list_stage_files(CODE_ROOT, stages), *map(Path, loaded_files)]:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(CODE_ROOT) if file.is_relative_to(CODE_ROOT) else file.name}".encode())
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


@lru_cache
def _list_stage_files(root: Path, stages: tuple[str, ...]) -> list[Path]:
    """Return the files of trueline/core and of some stages, and those that the stages import from elsewhere."""
    core, *stage_folders = folders = [root / "trueline/core", *(root / "stages" / stage for stage in stages)]
    stage_files = [file for folder in stage_folders for file in list_code_files(folder)]
    imported_files = find_imported_files(stage_files, root, folders)
    return [*list_code_files(core), *stage_files, *imported_files]


def list_libraries() -> list[str]:
    """Return the installed libraries with their versions, as the names of their folders of metadata give them."""
    folders = {*sys.path, *(sysconfig.get_paths()[name] for name in ("purelib", "platlib"))} - {""}
    return sorted({path.name for folder in folders for path in Path(folder).glob("*.*-info")})


def list_numeric_kernels() -> list[str]:
    """Return which of the processor's features that are pinned off NumPy uses, as it does if it was loaded first."""
    features = _multiarray_umath.__cpu_features__
    return [name for name in X86_PINS["NPY_DISABLE_CPU_FEATURES"].split() if features.get(name)]


def _list_foreign_files() -> Iterable[str]:
    """Yield the files of loaded modules that are neither those of Python nor in this repository's packages."""
    known_folders = (*(f"{CODE_ROOT / name}{os.sep}" for name in OWN_PACKAGES), *list_library_folders())
    file_names = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return (name for name in file_names if name and not name.startswith(known_folders))
