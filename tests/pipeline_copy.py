"""The pipeline as DVC resolves it, and small copies of the repository to run it in."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from dvc.repo import Repo

from tests.stage_process import run_stages
from trueline.core.runtime.params import STAGES as STAGES
from trueline.core.runtime.params import YAML_LOADER, expand_params
from trueline.experiments.decisions.sealed_opening import RUN_STAGES

ROOT = Path(__file__).parent.parent
KEPT = ("trueline", "stages", "experiments", "params.yaml", "dvc.yaml", ".dvc", ".dvcignore", ".gitignore")
SAMPLE = "data/sample"
YAML_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # written in C, it takes a quarter of the time
PARALLEL_STAGES = {"tune", "train"}  # those that spread their work over `workers` processes
PLUGIN_PACKAGES = {f"stages/{folder}" for folder in ("evaluate", "prepare")}  # their subpackages are plugins


def tasks() -> list[str]:
    """Return the tasks of the plan."""
    return list(_read_params(ROOT)["tasks"])


@cache
def instances() -> list[Any]:
    """Return every stage instance as DVC resolves it."""
    with Repo(str(ROOT)) as repo:
        return [stage for stage in repo.index.stages if "@" in stage.addressing]


def copy(folder: Path) -> Path:
    """Copy what the pipeline needs into a folder and return it, with compiled code, which spares compiling it anew."""
    for name in (*KEPT, SAMPLE):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns("tmp", "cache", "*.pyc.*")
            )  # some being written
        else:
            shutil.copy2(source, target)
    return folder


def params(folder: Path) -> Any:
    """Return what params.yaml of a copy says, each task's sections completed by their defaults."""
    return expand_params(_read_params(folder))


def change(folder: Path, **values: Any) -> None:
    """Set parameters in params.yaml; a dot in a name is written as two underscores."""
    changed = _read_params(folder)
    for name, value in values.items():
        *sections, last = name.split("__")
        place = changed
        for section in sections:
            place = place[section]
        place[last] = value
    (folder / "params.yaml").write_text(yaml.dump(changed, Dumper=YAML_DUMPER, sort_keys=False))


def _read_params(folder: Path) -> Any:
    return yaml.load((folder / "params.yaml").read_text(), YAML_LOADER)


def quicken(folder: Path, task: str) -> None:
    """Make the pipeline of a task as short as it can be without leaving anything out."""
    expanded = params(folder)
    changes: dict[str, Any] = {"workers": 1, f"tune__{task}__search__trials": 2}
    for learner, settings in expanded["train"][task].items():
        rounds = {"iterations": 20, "epochs": 3}
        changes |= {f"train__{task}__{learner}__{name}": few for name, few in rounds.items() if name in settings}
    for check, settings in expanded["diagnose"][task].items():
        if "draws" in settings:
            changes[f"diagnose__{task}__{check}__draws"] = 20
    if task == "events":
        changes |= {"folds__events__repeats": 1, "folds__events__folds": 3}
    change(folder, **changes)


def shrink(folder: Path, task: str) -> None:
    """Leave a task as little of its sample as every fold can live on; a task not named here keeps all of it."""
    if task == "racing":
        path = folder / "data/sample/racing/runners.parquet"
        table = pd.read_parquet(path)
        day = table["start_time"].dt.normalize()
        first_races = table.groupby(day)["race_id"].transform(lambda races: pd.factorize(races)[0]) < 4
        table[first_races & (day > day.max() - pd.Timedelta(days=50))].to_parquet(path)
    if task == "props":
        sample = folder / "data/sample/props"
        games = pd.read_parquet(sample / "games.parquet")
        since = games.loc[games["season"] == games["season"].max(), "date"].min()
        for path in sample.glob("*.parquet"):
            table = pd.read_parquet(path)
            table[table["date"] >= since].to_parquet(path)


def run(folder: Path, stage: str, task: str) -> subprocess.CompletedProcess[str]:
    """Run one stage without DVC."""
    return _run_in_one_process(folder, [stage], task, timeout=300)


def run_pipeline(folder: Path, task: str, until: str = "diagnose", since: str = "prepare") -> Path:
    """Run the stages of a task in order from one to another, in one process; return the folder."""
    stages = STAGES[STAGES.index(since) : STAGES.index(until) + 1]
    done = _run_in_one_process(folder, stages, task, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


def _run_in_one_process(
    folder: Path, stages: Sequence[str], task: str, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run stages in a forked process or, if they start workers, which a forked one cannot do safely, in a new one."""
    if PARALLEL_STAGES.isdisjoint(stages) or _read_params(folder)["workers"] == 1:
        return run_stages(folder, stages, task, timeout)
    command = [sys.executable, "-c", RUN_STAGES, task, *stages]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)


def list_code(dependency: str) -> set[str]:
    """Return the Python files of the repository that a dependency names: itself, or all of a folder."""
    path = ROOT / dependency
    files = [path] if path.suffix == ".py" else path.rglob("*.py")
    return {str(file.relative_to(ROOT)) for file in files} if path.is_relative_to(ROOT) else set()


def is_contract(module: str) -> bool:
    """Say whether a file is a package's `__init__.py` that holds no code, which DVC need not know."""
    file = Path(module)
    return file.name == "__init__.py" and str(file.parents[1]) not in PLUGIN_PACKAGES


def list_declared_code(stage: Any) -> set[str]:
    """Return the code files that an instance depends on, alone or in a folder, without contracts."""
    files = {file for dep in stage.deps for file in list_code(str(dep))}
    return {file for file in files if not is_contract(file)}


def reachable(stage: str) -> set[str]:
    """Return the repository files that some code of a stage imports, directly or through another file."""
    folders = {"tune": ("tune", "train")}.get(stage, (stage,))
    waiting = [file for folder in folders for file in (ROOT / "stages" / folder).rglob("*.py")]
    found: set[str] = set()
    while waiting:
        file = waiting.pop()
        name = str(file.relative_to(ROOT))
        if name not in found:
            found.add(name)
            waiting += [ROOT / path for path in _imported(file)]
    return found


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            files = [name.replace(".", "/") + ending for name in names for ending in (".py", "/__init__.py")]
            yield from (file for file in files if (ROOT / file).exists())
