"""Promoted copy: the workspace's models in a repository of their own, promoted with tags as git and DVC keep them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from trueline.core.errors import UserError
from trueline.core.runtime.output_hashes import hash_path
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.model_loading import parse_task_name

CACHE = Path(".dvc/cache/files/md5")
CALIBRATOR = "models/{}/calibrator.json"
OUTPUTS = (  # as far as dvc.lock names them
    *("models/{}/final", CALIBRATOR, "data/prepared/{}.parquet"),
    *("metrics/{}/quality.json", "metrics/{}/report.json"),
)
THRESHOLD_FACTOR = 0.5  # of the second version's thresholds, so that its answers differ


class PromotedCopy:
    """A git repository in `folder` with copies of a workspace's models, which `promote` tags."""

    def __init__(self, workspace: Path, folder: Path, tasks: tuple[str, ...]) -> None:
        self.folder, self.models = folder, [f"{task}-model#prod" for task in tasks]
        files = open_workspace(workspace)
        folder.mkdir(parents=True)
        self._run_git("init", "-q")
        shutil.copy(workspace / "dvc.lock", folder / "dvc.lock")
        for task in tasks:
            for output in (pattern.format(task) for pattern in OUTPUTS):
                if files.has_output(output):
                    self._store(files.resolve_path(output), folder / output)

    def promote(self, number: int) -> None:
        """Commit dvc.lock and assign the models to the stage prod, in the order of `number`."""
        self._run_git("add", "-f", "dvc.lock")
        self._run_git("commit", "-qm", f"version {number}")
        for model in self.models:
            self._run_git("tag", "-am.", f"{model}#{number}")

    def change_calibrators(self) -> None:
        """Change every task's calibrator, so that dvc.lock names others."""
        for model in self.models:
            calibrator = self.folder / CALIBRATOR.format(parse_task_name(model))
            content, former_hash = json.loads(calibrator.read_text()), hash_path(calibrator)
            _lower_thresholds(content)
            calibrator.write_text(json.dumps(content, indent=1))
            self._add_to_cache(calibrator)
            lock = self.folder / "dvc.lock"
            lock.write_text(lock.read_text().replace(former_hash, hash_path(calibrator)))

    def _store(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        self._add_to_cache(target)

    def _add_to_cache(self, path: Path) -> None:
        """Put a file, or a folder with its files, into DVC's cache."""
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            entries = [{"md5": hash_path(file), "relpath": file.relative_to(path).as_posix()} for file in files]
            entries.sort(key=lambda entry: entry["relpath"])
            for file in files:
                self._add_to_cache(file)
        content = json.dumps(entries, sort_keys=True).encode() if path.is_dir() else path.read_bytes()
        md5 = hash_path(path)
        blob = self.folder / CACHE / md5[:2] / md5[2:]
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)

    def _run_git(self, *arguments: str) -> None:
        """Run git with an author of its own. Raises UserError if it fails."""
        author = ("-c", "user.name=load", "-c", "user.email=load@localhost")
        completed = subprocess.run(["git", *author, *arguments], cwd=self.folder, capture_output=True, text=True)
        if completed.returncode:
            raise UserError(f"git {arguments[0]} failed: {completed.stderr.strip()}")


def _lower_thresholds(content: dict[str, Any]) -> None:
    state = content["folds"].get("final", {}).get("tuned", {})
    if "threshold" in state:
        state["threshold"] = [THRESHOLD_FACTOR * threshold for threshold in state["threshold"]]
