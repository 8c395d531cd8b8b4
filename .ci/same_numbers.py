"""Compare every output in dvc.lock, and every byte of metrics/, with those of another revision.

Run it after a change of code that should change no number: `make same-numbers`, or `make same-numbers REV=main`. Hashes
of code and parameters are not compared, since those are what changed. The exit code is 1 if anything differs.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def read_revision(revision: str, path: str) -> bytes:
    """Return the content of a file in a revision."""
    return subprocess.run(["git", "show", f"{revision}:{path}"], check=True, capture_output=True).stdout


def list_metrics(revision: str) -> list[str]:
    """Return the paths of the files below metrics/ in a revision."""
    command = ["git", "ls-tree", "-r", "--name-only", revision, "--", "metrics"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def read_output_hashes(lock: bytes) -> dict[str, str]:
    """Return the hash of every output in a dvc.lock, by path."""
    stages: dict[str, Any] = yaml.safe_load(lock)["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", ())}


def find_differences(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, str]:
    """Return by path whether it differs, is new or is gone."""
    return {
        path: "gone" if path not in after else "new" if path not in before else "differs"
        for path in {**before, **after}
        if before.get(path) != after.get(path)
    }


def compare_outputs(revision: str) -> list[str]:
    """Return one line for each output and metrics file that differs from the revision, is new or is gone."""
    outputs = [
        read_output_hashes(lock) for lock in (read_revision(revision, "dvc.lock"), Path("dvc.lock").read_bytes())
    ]
    metrics_before = {path: read_revision(revision, path) for path in list_metrics(revision)}
    metrics_after = {str(path): path.read_bytes() for path in Path("metrics").rglob("*") if path.is_file()}
    differences = find_differences(*outputs) | find_differences(metrics_before, metrics_after)
    return [f"{state:>8}  {path}" for path, state in sorted(differences.items())]


def main() -> None:
    """Print what differs from the revision given on the command line (default HEAD)."""
    revision = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    try:
        lines = compare_outputs(revision)
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{revision} could not be read: {failed.stderr.decode().strip()}")
    print("\n".join(lines) or f"all outputs and metrics are those of {revision}")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
