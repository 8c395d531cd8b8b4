"""Outputs: what the corridor wrote about a task, read once, and why some of it is not at hand."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from core.refusals import Refusal
from service import repository

Rows = list[dict[str, str]]
CURVES = "plots/metrics"  # where dvclive writes one table a curve
WORD = "step"  # of a curve's round
KEPT = 180  # newest days: as many as a drawing has room for


class Files(Protocol):
    """Verified files of a commit or of the workspace (service.artifacts.Files)."""

    @property
    def root(self) -> Path:
        """The repository."""

    @property
    def name(self) -> str:
        """The version's name."""

    @property
    def commit(self) -> str | None:
        """The commit, None for the workspace."""

    @property
    def outs(self) -> Mapping[str, str]:
        """Every output with its hash."""

    def path(self, relative: str) -> Path:
        """Return where an output can be read; refuse one that is not what it should be."""

    def params(self) -> dict[str, Any]:
        """Return the parameters that the outputs were made with."""


@dataclass(frozen=True)
class Outputs:
    """A task's outputs as they were when the model was loaded; what could not be read is empty: `absent` says why."""

    task: str
    version: str
    commit: str | None
    plan: Mapping[str, Any]
    search: Mapping[str, Any]
    report: Mapping[str, Any]
    diagnosis: Mapping[str, Any]
    tuned: Mapping[str, Any]
    model: Mapping[str, Any]
    importance: Rows
    trials: Rows
    days: Rows
    reliability: Rows
    curves: Mapping[str, Mapping[int, float]]
    hashes: Mapping[str, str]
    folds: Path | None
    absent: Mapping[str, str] = field(default_factory=dict)


def gather(task: str, files: Files) -> Outputs:
    """Return what is at hand of a task's outputs; nothing that is missing, changed or torn is an error."""
    read = _Reader(files)
    params, metrics, models = files.params(), f"metrics/{task}", f"models/{task}"
    parts = {task, f"{task}.parquet"}
    return Outputs(
        task,
        files.name,
        files.commit,
        params.get("tasks", {}).get(task, {}),
        params.get("tune", {}).get(task, {}).get("search", {}),
        report=read.json(f"{metrics}/report.json"),
        diagnosis=read.json(f"{metrics}/diagnosis.json"),
        tuned=read.json(f"{models}/tuned.json"),
        model=read.json(f"{models}/final/model.json"),
        importance=read.table(f"{metrics}/importance.csv"),
        trials=read.table(f"{metrics}/trials.csv"),
        days=read.table(f"{metrics}/daily.csv")[-KEPT:],
        reliability=read.table(f"{metrics}/plots/reliability.csv"),
        curves=read.curves(f"{models}/curves"),
        hashes={path: md5 for path, md5 in sorted(files.outs.items()) if parts & set(path.split("/"))},
        folds=read.path(f"data/folds/{task}.parquet"),
        absent=read.absent,
    )


class _Reader:
    """Reads outputs, and keeps why one could not be read."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.absent: dict[str, str] = {}

    def path(self, relative: str) -> Path | None:
        try:
            return self.files.path(relative)
        except (Refusal, OSError) as error:
            self.absent[relative] = str(error)
            return None

    def json(self, relative: str) -> dict[str, Any]:
        try:
            found = json.loads(self._text(relative) or "{}")
        except ValueError:
            self.absent[relative] = f"{relative} is not JSON"
            return {}
        return found if isinstance(found, dict) else {}

    def table(self, relative: str) -> Rows:
        return list(csv.DictReader((self._text(relative) or "").splitlines()))

    def curves(self, relative: str) -> dict[str, dict[int, float]]:
        """Return every curve by its name, `loss/fit`, and by round; of a rival, its own name stands first."""
        folder = self.path(relative)
        found = sorted(folder.rglob("*.tsv")) if folder else []
        return {_curve(file.relative_to(folder)): _rounds(file) for file in found} if folder else {}

    def _text(self, relative: str) -> str | None:
        place = self.path(relative)
        if place:
            return place.read_text(encoding="utf-8", errors="replace")
        kept = repository.read(self.files.root, self.files.commit, relative) if self.files.commit else None
        if kept is None:
            return None
        del self.absent[relative]  # metrics of a promoted version are in git, a folder of them in no cache
        return kept.decode("utf-8", errors="replace")


def _curve(file: Path) -> str:
    """Return `text_network/loss/fit` of text_network/plots/metrics/loss/fit.tsv."""
    return "/".join(part for part in file.with_suffix("").parts if part not in CURVES.split("/"))


def _rounds(file: Path) -> dict[int, float]:
    rows = csv.DictReader(file.read_text().splitlines(), delimiter="\t")
    column = next((name for name in rows.fieldnames or () if name != WORD), "")
    return {int(float(row[WORD])): float(row[column]) for row in rows if row.get(WORD) and row.get(column)}
