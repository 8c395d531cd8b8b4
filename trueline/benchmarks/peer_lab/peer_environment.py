"""Peer environments: each peer is installed, at the version that is named here, in an environment of its own."""

import subprocess
import sys
import venv
from pathlib import Path

from trueline.core.errors import UserError

# FLAML and AutoGluon need other versions of pandas and XGBoost than Trueline, so neither can be in its lock.
PEERS: dict[str, tuple[str, ...]] = {
    "flaml": ("flaml[automl]==2.8.0", "pyarrow==24.0.0"),
    "autogluon": ("autogluon.tabular[catboost,lightgbm,xgboost]==1.6.3", "pyarrow==24.0.0"),
}


def install_peer(peer: str, folder: Path) -> Path:
    """Return the Python of a peer's environment in a folder, which is made if it is not there; raise UserError if not.

    The packages come from the registry that pip is configured for, so this needs a network.
    """
    home = folder / peer
    python = home / "bin" / "python"
    if (home / ".ready").exists():
        return python
    venv.create(home, clear=True)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), *PEERS[peer]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last_line = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"{peer} cannot be installed: {last_line}; leave it out with --peers.")
    (home / ".ready").touch()
    return python


def describe_version(peer: str, python: Path) -> str:
    """Return the name and the installed version of a peer."""
    package = {"flaml": "flaml", "autogluon": "autogluon.tabular"}[peer]
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return f"{peer} {done.stdout.strip()}"
