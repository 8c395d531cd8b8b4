"""Scratch projects: a copy of the repository with the sample of one simulated world, to plant lies in and to run."""

import contextlib
import json
import multiprocessing
import os
import runpy
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from trueline.core.runtime.output_hashes import hash_file
from trueline.core.runtime.params import STAGES, TASK_SECTIONS
from trueline.samples import events, props, racing

ROOT = Path(__file__).parents[3]
CODE_FOLDERS = ("trueline", "stages")
# Fast learners, short searches, few folds: whether a lie is seen does not depend on the last drop of a model's skill.
QUICK_PARAMS: dict[str, dict[str, Any]] = {
    "racing": {"tasks.racing.learner": "conditional_logit", "folds.racing.test_days": 30},
    "props": {"tasks.props.learner": "logistic", "folds.props.test_days": 56},
    "events": {"folds.events.repeats": 1},
}
QUICK_SETTINGS = {
    "tune.{task}.search.trials": 1,
    "features.{task}.audits": 1,
    "train.{task}.comparison": {"learners": []},
    "workers": 1,
}
# health checks that take time; without settings they decline
HEALTH_CHECKS = ("adversarial", "alerts", "drift", "gap", "root_cause", "tag_drift")
PRELOADED = ("trueline", "pandas", "pyarrow.parquet", "scipy.stats", "sklearn.linear_model", "optuna", "dvclive")
TIMEOUT_SECONDS = 1800
NOTES = {"leaks": "features", "score_audit/calibrate": "predictions"}  # reports that note the hash of a table
HEADLINES = {"racing": "r2", "props": "hit_rate", "events": "micro_f1"}


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its refusal, or the word `believable`, who said what, and its headline with its interval.

    A run that ended otherwise than with a stage's own sentence has crashed, which names no lie.
    """

    refusal: str | None
    believable: str  # or refused, or crashed
    named_by: tuple[str, ...] = ()  # the honesty checks that warn or fail, or the stage that refuses
    headline: float = float("nan")
    highest: float = float("nan")  # the upper end of the headline's interval


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

    def note_hashes(self) -> None:
        """Note inputs and predictions as written by their stages, as a lie does that is told inside of these."""
        for note, table in NOTES.items():
            path = self.folder / f"metrics/{self.task}/{note}.json"
            table_hash = hash_file(self.folder / f"data/{table}/{self.task}.parquet")
            path.write_text(json.dumps(json.loads(path.read_text()) | {table: table_hash}))

    def append_code(self, file: str, code: str) -> None:
        """Add code to a module, before what it does when it is run as a program."""
        path = self.folder / file
        head, marker, tail = path.read_text().partition('\nif __name__ == "__main__":')
        path.write_text(f"{head}\n\n{code}\n{marker}{tail}")

    def copy_to(self, folder: Path) -> "ScratchProject":
        """Return a copy of the project, with all that its stages wrote, in a folder that does not exist yet."""
        shutil.copytree(self.folder, folder)
        return ScratchProject(folder, self.task)

    def run(self, since: str = "prepare", until: str = "diagnose") -> str | None:
        """Run stages of the task; return None, or the last line of what a stage refused with.

        They run in a process of their own, forked from one that has loaded the libraries and no code of any project.
        """
        stages, messages = STAGES[STAGES.index(since) : STAGES.index(until) + 1], self.folder / "messages.txt"
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        process = context.Process(target=_run_stages, args=(self.folder, self.task, stages, messages))
        process.start()
        process.join(TIMEOUT_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        lines = messages.read_text().strip().splitlines() if messages.exists() else []
        return (lines or ["ended without a message"])[-1] if process.exitcode else None

    def read_outcome(self, refusal: str | None = None) -> Outcome:
        """Return what the finished, or refused, run came to."""
        if refusal is not None:
            stage, _, sentence = refusal.partition(f" {self.task}: ")
            is_sentence = stage in STAGES and bool(sentence)
            return Outcome(refusal, "refused", (f"{stage} refuses",)) if is_sentence else Outcome(refusal, "crashed")
        scores, report = self._read_metrics("scores")[self.task], self._read_metrics("report")
        checks, reasons = self._read_metrics("diagnosis")["checks"], scores["believable_reasons"]
        named_by = tuple(sorted(name for name in checks if any(reason.startswith(f"{name}: ") for reason in reasons)))
        headline = float(scores[HEADLINES[self.task]])
        return Outcome(None, scores["believable"], named_by, headline, _read_highest(self.task, scores, report))

    def _read_metrics(self, name: str) -> Any:
        return json.loads((self.folder / f"metrics/{self.task}/{name}.json").read_text())


def make_scratch_project(folder: Path, task: str, seed: int) -> ScratchProject:
    """Return a copy of the repository in a folder, with the world of a seed and quick settings."""
    project = copy_project(folder, task)
    params = set_values(
        yaml.safe_load((ROOT / "params.yaml").read_text()),
        {name.format(task=task): value for name, value in QUICK_SETTINGS.items()} | QUICK_PARAMS[task],
    )
    for section in ("defaults", task):
        for check in HEALTH_CHECKS:
            params["diagnose"][section].pop(check, None)
    for sections in [params[name] for name in ("tasks", *TASK_SECTIONS)]:
        for other_task in HEADLINES.keys() - {task}:
            sections.pop(other_task, None)  # every stage reads the file many times
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    project.write_raw_tables(_make_world(task, seed))
    return project


def copy_project(folder: Path, task: str) -> ScratchProject:
    """Return a copy of the repository in a folder, with an empty source."""
    for name in CODE_FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "params.yaml", folder)
    project = ScratchProject(folder, task)
    project.source.mkdir(parents=True)
    return project


def _run_stages(folder: Path, task: str, stages: tuple[str, ...], messages: Path) -> None:
    """Run stages as programs with the code of a folder; must be called in a process that ends after it."""
    for name in [name for name in sys.modules if name.partition(".")[0] in CODE_FOLDERS]:
        del sys.modules[name]
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = False  # what one run compiles, the next ones of the same world need not
    warnings.simplefilter("ignore")  # the numeric libraries were pinned before they were loaded
    with messages.open("w") as stream:
        os.dup2(stream.fileno(), 2)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        for stage in stages:
            sys.argv = [stage, task]
            runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)


def set_values(params: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Set parameters by their dotted paths; a section that is missing is made."""
    for name, value in values.items():
        *sections, last = name.split(".")
        section = params
        for key in sections:
            section[key] = section.get(key) or {}
            section = section[key]
        section[last] = value
    return params


def _read_highest(task: str, scores: dict[str, Any], report: dict[str, Any]) -> float:
    if task == "props":
        return float(scores["hit_rate_high"])
    if task == "racing":
        return float(report["baselines"]["tuned"]["r2"]["high"])
    return float(report["baselines"]["tuned"]["micro_f1"]["high"])


def _make_world(task: str, seed: int) -> dict[str, pd.DataFrame]:
    if task == "events":
        return {"events": pd.DataFrame(events.make_sample(seed))}
    return {"runners": racing.make_sample(seed)} if task == "racing" else props.make_sample(seed)
