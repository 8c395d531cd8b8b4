"""Stage outputs: what the pipeline wrote about a task, read once, and why some of it is missing."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from trueline.core.charts.curve_files import read_curves
from trueline.core.errors import UserError
from trueline.core.runtime.params import expand_params
from trueline.service.artifacts.git_tags import read_committed_file

TextRows = list[dict[str, str]]
MAX_DAYS = 180  # newest days that are kept: as many as a chart has room for


class OutputFiles(Protocol):
    """Verified files of a commit or of the workspace, such as artifacts/verified_files.py's VerifiedFiles."""

    @property
    def root(self) -> Path:
        """The repository's folder."""

    @property
    def name(self) -> str:
        """The version's name."""

    @property
    def commit(self) -> str | None:
        """The commit, None for the workspace."""

    @property
    def is_in_root(self) -> bool:
        """Whether the outputs are in the root folder, not in git and DVC's cache."""

    @property
    def output_hashes(self) -> Mapping[str, str]:
        """The hash of every output by its path."""

    def resolve_path(self, relative: str) -> Path:
        """Return the path of an output. Raises UserError if it is missing or changed."""

    def read_params(self) -> dict[str, Any]:
        """Return params.yaml as it was when the outputs were made."""


@dataclass(frozen=True)
class TaskOutputs:
    """A task's outputs as they were when the model was loaded.

    What could not be read is empty, and `missing_reasons` says why, by path.
    """

    task: str
    version: str
    commit: str | None
    task_config: Mapping[str, Any]
    search_settings: Mapping[str, Any]
    report: Mapping[str, Any]
    diagnosis: Mapping[str, Any]
    tuned: Mapping[str, Any]
    model: Mapping[str, Any]
    importance: TextRows
    trials: TextRows
    days: TextRows
    reliability: TextRows
    curves: Mapping[str, Mapping[int, float]]
    hashes: Mapping[str, str]
    folds: Path | None
    missing_reasons: Mapping[str, str] = field(default_factory=dict)
    answer_version: str | None = None  # the version in answers, where a loaded model gives it
    confusions: TextRows = field(default_factory=list)  # which tags were given in place of which, of a tag task
    part_hashes: Mapping[str, str] = field(default_factory=dict)  # hashes that the answer's version is made of


def read_outputs(task: str, files: OutputFiles) -> TaskOutputs:
    """Return a task's outputs as far as they can be read; missing, changed or torn ones are no error."""
    reader = _OutputReader(files)
    params, metrics, models = expand_params(files.read_params()), f"metrics/{task}", f"models/{task}"
    task_names = {task, f"{task}.parquet"}
    return TaskOutputs(
        task,
        files.name,
        files.commit,
        params.get("tasks", {}).get(task, {}),
        params.get("tune", {}).get(task, {}).get("search", {}),
        report=reader.read_json(f"{metrics}/report.json"),
        diagnosis=reader.read_json(f"{metrics}/diagnosis.json"),
        tuned=reader.read_json(f"{models}/tuned.json"),
        model=reader.read_json(f"{models}/final/model.json"),
        importance=reader.read_table(f"{metrics}/importance.csv"),
        trials=reader.read_table(f"{metrics}/trials.csv"),
        days=reader.read_table(f"{metrics}/daily.csv")[-MAX_DAYS:],
        reliability=reader.read_table(f"{metrics}/plots/reliability.csv"),
        curves=reader.read_curves(f"{models}/curves"),
        hashes={path: md5 for path, md5 in sorted(files.output_hashes.items()) if task_names & set(path.split("/"))},
        folds=reader.find_path(f"data/folds/{task}.parquet"),
        missing_reasons=reader.missing_reasons,
        confusions=reader.read_table(f"{metrics}/plots/confusion.csv", optional=True),
    )


class _OutputReader:
    """Reads outputs and records why one could not be read."""

    def __init__(self, files: OutputFiles) -> None:
        self.files = files
        self.missing_reasons: dict[str, str] = {}

    def find_path(self, relative: str) -> Path | None:
        try:
            return self.files.resolve_path(relative)
        except (UserError, OSError) as error:
            self.missing_reasons[relative] = str(error)
            return None

    def read_json(self, relative: str) -> dict[str, Any]:
        try:
            content = json.loads(self._read_text(relative) or "{}")
        except ValueError:
            self.missing_reasons[relative] = f"{relative} is not JSON"
            return {}
        return content if isinstance(content, dict) else {}

    def read_table(self, relative: str, optional: bool = False) -> TextRows:
        rows = self._read_rows(relative)
        if optional:
            self.missing_reasons.pop(relative, None)  # most tasks have no such table
        return rows

    def _read_rows(self, relative: str) -> TextRows:
        return list(csv.DictReader((self._read_text(relative) or "").splitlines()))

    def read_curves(self, relative: str) -> dict[str, dict[int, float]]:
        folder = self.find_path(relative)
        return read_curves(folder) if folder else {}

    def _read_text(self, relative: str) -> str | None:
        path = self.find_path(relative)
        if path:
            return path.read_text(encoding="utf-8", errors="replace")
        if self.files.is_in_root or self.files.commit is None:
            return None
        content = read_committed_file(self.files.root, self.files.commit, relative)
        if content is None:
            return None
        del self.missing_reasons[relative]  # a promoted version's metrics are in git, folders of them in no cache
        return content.decode("utf-8", errors="replace")
