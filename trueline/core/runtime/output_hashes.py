"""The hashes that DVC gives to files and folders."""

import hashlib
import json
from pathlib import Path

FOLDER_HASH_SUFFIX = ".dir"  # ends a folder's hash, which is the MD5 of the list of its files


def hash_path(path: Path) -> str:
    """Return the hash that DVC gives to a file or a folder."""
    if path.is_file():
        return hash_file(path)
    files = [file for file in path.rglob("*") if file.is_file()]
    entries = [{"md5": hash_file(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    entries.sort(key=lambda entry: entry["relpath"])
    listing = json.dumps(entries, sort_keys=True).encode()
    return hashlib.md5(listing, usedforsecurity=False).hexdigest() + FOLDER_HASH_SUFFIX


def hash_file(path: Path) -> str:
    """Return the MD5 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
