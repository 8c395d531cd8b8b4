"""Scratch projects: a copy of the repository with the sample of one simulated world, to plant lies in and to run."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from trueline.core.runtime.params import STAGES
from trueline.samples import events, props, racing

ROOT = Path(__file__).parents[3]
COPIED = ("trueline", "stages", "params.yaml")
# Fast learners and short searches: whether a lie is seen does not depend on the last drop of a model's skill.
QUICK_PARAMS: dict[str, dict[str, Any]] = {
    "racing": {"tasks.racing.learner": "conditional_logit", "tune.racing.search": {"trials": 1}},
    "props": {"tasks.props.learner": "logistic", "tune.props.search": {"trials": 1}},
    "events": {"tune.events.search": {"trials": 1}, "folds.events.repeats": 1},
}
TIMEOUT_SECONDS = 1800
RUN_STAGES = """
import runpy, sys
task, *stages = sys.argv[1:]
for stage in stages:
    sys.argv = [stage, task]
    runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its refusal, or its headline figures, the word `believable` and who said what."""

    refusal: str | None
    believable: str
    named_by: tuple[str, ...]  # the honesty checks that warn or fail
    headline: dict[str, float]


@dataclass(frozen=True)
class ScratchProject:
    """A private copy of the repository in `folder`, whose task reads the sample of a simulated world."""

    folder: Path
    task: str

    @property
    def source(self) -> Path:
        """The folder of the task's raw tables."""
        return self.folder / "data/sample" / self.task

    def read_raw_tables(self) -> dict[str, pd.DataFrame]:
        """Return the raw tables of the world by their names."""
        if self.task == "events":
            return {"events": pd.DataFrame(json.loads((self.source / "events.json").read_text()))}
        return {path.stem: pd.read_parquet(path) for path in sorted(self.source.glob("*.parquet"))}

    def write_raw_tables(self, tables: dict[str, pd.DataFrame]) -> None:
        """Replace the raw tables of the world."""
        for name, table in tables.items():
            if self.task == "events":
                table.to_json(self.source / f"{name}.json", orient="records")
            else:
                table.to_parquet(self.source / f"{name}.parquet", index=False)

    def set_params(self, values: dict[str, Any]) -> None:
        """Set parameters by their dotted paths; a section that is missing is made."""
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        for name, value in values.items():
            *sections, last = name.split(".")
            section = params
            for key in sections:
                section[key] = section.get(key) or {}
                section = section[key]
            section[last] = value
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def append_code(self, file: str, code: str) -> None:
        """Add code to a module, before what it does when it is run as a program."""
        path = self.folder / file
        head, marker, tail = path.read_text().partition('\nif __name__ == "__main__":')
        path.write_text(f"{head}\n\n{code}\n{marker}{tail}")

    def run(self, since: str = "prepare", until: str = "diagnose") -> str | None:
        """Run stages of the task; return None, or the last line of what a stage refused with."""
        stages = STAGES[STAGES.index(since) : STAGES.index(until) + 1]
        command = [sys.executable, "-c", RUN_STAGES, self.task, *stages]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        return (done.stderr.strip().splitlines() or ["ended without a message"])[-1] if done.returncode else None

    def read_outcome(self, refusal: str | None) -> Outcome:
        """Return what the finished, or refused, run came to."""
        if refusal is not None:
            return Outcome(refusal, "refused", (), {})
        scores = self._read_metrics("scores")[self.task]
        checks = self._read_metrics("diagnosis")["checks"]
        reasons = scores["believable_reasons"]
        named_by = tuple(sorted(name for name in checks if any(reason.startswith(f"{name}: ") for reason in reasons)))
        return Outcome(None, scores["believable"], named_by, flatten_numbers(scores))

    def _read_metrics(self, name: str) -> Any:
        return json.loads((self.folder / f"metrics/{self.task}/{name}.json").read_text())


def make_scratch_project(folder: Path, task: str, seed: int) -> ScratchProject:
    """Return a copy of the repository in an empty folder, with the world of a seed and quick settings."""
    project = copy_project(folder, task)
    project.write_raw_tables(_make_world(task, seed))
    project.set_params({"workers": 1, **QUICK_PARAMS[task]})
    return project


def copy_project(folder: Path, task: str) -> ScratchProject:
    """Return a copy of the repository in a folder, with an empty source."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    project = ScratchProject(folder, task)
    project.source.mkdir(parents=True)
    project.set_params({f"tasks.{task}.source": f"data/sample/{task}"})
    return project


def flatten_numbers(scores: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the numbers of nested figures by their dotted names.

    >>> flatten_numbers({"hit_rate": {"value": 0.5, "n": None}, "r2": 0.1})
    {'hit_rate.value': 0.5, 'r2': 0.1}
    """
    numbers: dict[str, float] = {}
    for name, value in scores.items():
        if isinstance(value, dict):
            numbers |= flatten_numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[f"{prefix}{name}"] = float(value)
    return numbers


def _make_world(task: str, seed: int) -> dict[str, pd.DataFrame]:
    if task == "events":
        return {"events": pd.DataFrame(events.make_sample(seed))}
    return {"runners": racing.make_sample(seed)} if task == "racing" else props.make_sample(seed)
