"""Small projects: private copies of the repository in which every stage of a task takes about a second."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from trueline.benchmarks.lie_lab.scratch_project import CODE_FOLDERS, ROOT, set_values
from trueline.core.runtime.params import expand_params

COPIED_FILES = ("params.yaml", "dvc.yaml", ".gitignore", ".dvcignore", "requirements.lock")
RACING_DAYS, RACES_A_DAY = 50, 4  # the newest days, and races of each, that every fold can live on
SHORT_FITS = {"iterations": 20, "epochs": 3}
FEW_DRAWS = 20  # of the bootstraps


@dataclass(frozen=True)
class SmallProject:
    """A private copy of the repository in `folder`, with a task whose stages are run in it."""

    folder: Path
    task: str

    def list_outputs(self, stage: str) -> list[Path]:
        """Return the files and folders that dvc.yaml says a stage writes."""
        definition = self._read_definition(stage)
        outputs = [*definition.get("outs", []), *definition.get("metrics", [])]
        return [self.folder / self._name_path(output) for output in outputs]

    def list_inputs(self, stage: str) -> list[Path]:
        """Return the files with data that dvc.yaml says a stage reads."""
        if stage == "prepare":
            return sorted((self.folder / f"data/sample/{self.task}").iterdir())
        names = [self._name_path(name) for name in self._read_definition(stage)["deps"]]
        paths = [self.folder / name for name in names if name.startswith(("data/", "models/", "metrics/"))]
        files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
        return [file for file in files if file.suffix in (".parquet", ".json") and file.is_file()]

    def remove_outputs(self, stage: str) -> None:
        """Delete what a stage wrote, as DVC does before it runs the stage."""
        for output in self.list_outputs(stage):
            if output.is_dir():
                shutil.rmtree(output)
            else:
                output.unlink(missing_ok=True)

    def remove_memory(self) -> None:
        """Delete what earlier runs kept for later ones."""
        for name in (".memory", ".tune"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def copy_to(self, folder: Path) -> "SmallProject":
        """Return a copy of the project, with all that its stages wrote, in a folder that does not exist yet."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return SmallProject(folder, self.task)

    def _read_definition(self, stage: str) -> dict[str, Any]:
        definition: dict[str, Any] = yaml.safe_load((self.folder / "dvc.yaml").read_text())["stages"][stage]["do"]
        return definition

    def _name_path(self, output: str | dict[str, Any]) -> str:
        name = output if isinstance(output, str) else next(iter(output))
        return name.replace("${key}", self.task)


def make_small_project(folder: Path, task: str) -> SmallProject:
    """Return a copy of the repository with a part of a task's sample and short fits, in which no stage ran yet."""
    for name in CODE_FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED_FILES:
        shutil.copy2(ROOT / name, folder)
    shutil.copytree(ROOT / f"data/sample/{task}", folder / f"data/sample/{task}")
    _shorten_settings(folder / "params.yaml", task)
    _trim_sample(folder / f"data/sample/{task}", task)
    return SmallProject(folder, task)


def _shorten_settings(path: Path, task: str) -> None:
    params = yaml.safe_load(path.read_text())
    expanded = expand_params(params)
    changes: dict[str, Any] = {"workers": 1, f"tune.{task}.search.trials": 2, f"features.{task}.audits": 1}
    for learner, settings in expanded["train"][task].items():
        changes |= {f"train.{task}.{learner}.{name}": few for name, few in SHORT_FITS.items() if name in settings}
    for check, settings in expanded["diagnose"][task].items():
        if "draws" in settings:
            changes[f"diagnose.{task}.{check}.draws"] = FEW_DRAWS
    if task == "events":
        changes |= {"folds.events.repeats": 1, "folds.events.folds": 3}
    path.write_text(yaml.safe_dump(set_values(params, changes), sort_keys=False))


def _trim_sample(sample: Path, task: str) -> None:
    """Leave of a task's sample the newest days, or the newest season, and of one without days all."""
    if task == "racing":
        path = sample / "runners.parquet"
        runners = pd.read_parquet(path)
        day = runners["start_time"].dt.normalize()
        races = runners.groupby(day)["race_id"].transform(lambda ids: pd.factorize(ids)[0])
        runners[(races < RACES_A_DAY) & (day > day.max() - pd.Timedelta(days=RACING_DAYS))].to_parquet(path)
    elif task == "props":
        games = pd.read_parquet(sample / "games.parquet")
        first_day = games.loc[games["season"] == games["season"].max(), "date"].min()
        for path in sample.glob("*.parquet"):
            table = pd.read_parquet(path)
            table[table["date"] >= first_day].to_parquet(path)
