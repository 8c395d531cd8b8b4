"""Packed files: several files as one value, which a memory can keep."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def read_files(folder: Path, names: Iterable[str] = (".",)) -> dict[str, bytes]:
    """Return the files of a folder by relative path, or only those of some files and folders in it, if they exist."""
    paths = [path for name in names for path in (folder / name, *sorted((folder / name).rglob("*")))]
    files = [path for path in paths if path.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by their relative paths into a folder, which is made if it does not exist."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """Return files by name as one value."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unpack_files(value: bytes) -> dict[str, bytes]:
    """Return the files of `pack_files` by name.

    >>> unpack_files(pack_files({"a/b": b"1"}))
    {'a/b': b'1'}
    """
    with zipfile.ZipFile(io.BytesIO(value)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
