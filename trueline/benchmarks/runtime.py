"""Size of the environments in the service's images, compared with the one that everything here runs in."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from trueline.core.errors import UserError

LOCKS_FOLDER = Path("trueline/service/runtime")
BYTES_PER_MEGABYTE = 1e6


def main() -> None:
    """Install the lock files of LOCKS_FOLDER into empty environments and print their sizes; needs a network."""
    current_size = _measure_megabytes(Path(sys.prefix))
    print(f"{'environment':<12} {'MB':>6}   share of this one")
    print(f"{'this one':<12} {current_size:>6.0f}   1.00")
    for lock in sorted(LOCKS_FOLDER.glob("*.lock")):
        with tempfile.TemporaryDirectory() as folder:
            size = _measure_lock(lock, Path(folder))
        print(f"{lock.stem:<12} {size:>6.0f}   {size / current_size:.2f}")


def _measure_lock(lock: Path, folder: Path) -> float:
    """Return the size in MB of an environment with the packages of a lock file."""
    venv.create(folder, with_pip=False, symlinks=True)
    command = ["uv", "pip", "sync", "--quiet", "--native-tls", "--require-hashes", "--link-mode=copy"]
    command += ["--python", str(folder / "bin/python"), str(lock)]
    completed = subprocess.run(command, capture_output=True, text=True)
    if completed.returncode:
        raise UserError(f"{lock} could not be installed: {' '.join(completed.stderr.split())}.")
    return _measure_megabytes(folder)


def _measure_megabytes(folder: Path) -> float:
    """Return the megabytes of a folder's files, without symbolic links."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files) / BYTES_PER_MEGABYTE
