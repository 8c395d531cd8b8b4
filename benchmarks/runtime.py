"""How large the environments of the service's images are, against the one that everything here runs in."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from core.refusals import Refusal

LOCKS = Path("service/runtime")
MEGABYTE = 1e6


def main() -> None:
    """Install the locks of service/runtime into empty environments and print their sizes; this takes a network."""
    here = _size(Path(sys.prefix))
    print(f"{'environment':<12} {'MB':>6}   share of this one")
    print(f"{'this one':<12} {here:>6.0f}   1.00")
    for lock in sorted(LOCKS.glob("*.lock")):
        with tempfile.TemporaryDirectory() as folder:
            size = _installed(lock, Path(folder))
        print(f"{lock.stem:<12} {size:>6.0f}   {size / here:.2f}")


def _installed(lock: Path, folder: Path) -> float:
    """Return the size of an environment that holds what a lock names."""
    venv.create(folder, with_pip=False, symlinks=True)
    command = ["uv", "pip", "sync", "--quiet", "--native-tls", "--require-hashes", "--link-mode=copy"]
    done = subprocess.run([*command, "--python", str(folder / "bin/python"), str(lock)], capture_output=True, text=True)
    if done.returncode:
        raise Refusal(f"{lock} could not be installed: {' '.join(done.stderr.split())}.")
    return _size(folder)


def _size(folder: Path) -> float:
    """Return the megabytes of a folder's files; a file that is linked elsewhere counts where it lies."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files) / MEGABYTE
