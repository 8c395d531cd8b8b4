"""DVC's cache on this machine: where it is, and the files in it, which are named by their hash."""

import os
import subprocess
import sys
from pathlib import Path

from trueline.core.runtime.dvc_stores import build_config_error, replace_home
from trueline.core.runtime.output_hashes import FOLDER_HASH_SUFFIX, hash_file

# `dvc cache dir` says the same, and takes twice as long to import
PRINT_CACHE = "import sys; from dvc.config import Config; print(Config(sys.argv[1])['cache'].get('dir', ''))"
NO_DVC = "No module named 'dvc'"


class ChangedFileError(Exception):
    """A file of the cache does not have the hash that is its name."""


def find_cache(root: Path) -> Path:
    """Return the folder of the files in a repository's cache, as DVC says by all levels of its configuration.

    DVC runs in a child process, so that it costs the caller no memory. Where it is not installed, as in the service's
    image, or where the folder is no repository of DVC, the folder is DVC's default. Raises UserError if DVC cannot read
    its configuration.
    """
    command = [sys.executable, "-c", PRINT_CACHE, ".dvc"]
    variables = os.environ | replace_home(root)
    process = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, check=False)
    if process.returncode and NO_DVC not in process.stderr:
        reason = (process.stderr.strip().splitlines() or ["it gives no reason"])[-1]
        raise build_config_error(reason)
    answer = process.stdout.strip().splitlines()[-1:]
    return root.joinpath(*(answer or [".dvc/cache"]), "files", "md5")


def get_cached_path(cache: Path, md5: str) -> Path:
    """Return where the file with a hash is in the cache, if it is there."""
    return cache / md5[:2] / md5[2:]


def find_intact_file(cache: Path, md5: str) -> Path | None:
    """Return the file with a hash, or None if it is not there; raises ChangedFileError if its bytes have another."""
    path = get_cached_path(cache, md5)
    if not path.is_file():
        return None
    if hash_file(path) != md5.removesuffix(FOLDER_HASH_SUFFIX):
        raise ChangedFileError(f"{path} does not have the hash that is its name")
    return path
