"""train: fit rows of every fold → raw scores of rows the model never saw, and the final model with its curves."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core import folds, jobs, tables
from core.curves import Curves
from core.doors import Paths, at, enter
from core.folds import KEYS
from core.params import Knobs, knobs, plan, seed, workers
from core.refusals import Refusal, suggest
from core.rows import Rows, Table, recall
from core.shelf import tool

READS = {
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "resampled": "data/resampled/{task}",
    "tuned": "models/{task}/tuned.json",
}
WRITES = {
    "final": "models/{task}/final",
    "rivals": "models/{task}/rivals",
    "scores": "data/scores/{task}.parquet",
    "importance": "metrics/{task}/importance.csv",
}
LIVE = {"curves": "models/{task}/curves"}  # written in place, to be watched
SHOWN = 25  # inputs in the picture of importance; the model's own file has them all


class Floor(Knobs):
    """The inputs that the floor, the simple learner that the chosen one must beat, is fitted on."""

    inputs: list[str]


class Rivals(Knobs):
    """Learners among the plan's members that are fitted beside the chosen one, with their own knobs, to be compared."""

    learners: list[str]


@dataclass(frozen=True)
class Arm:
    """One way of fitting that the reports compare: a learner, its knobs, its inputs, and rows resampled or natural."""

    name: str
    word: str
    settings: dict[str, Any]
    inputs: list[str]
    natural: bool = False


@dataclass(frozen=True)
class Job:
    """One arm in one fold of the tables at some paths: fit on `fit`, score the rows of each role."""

    arm: Arm
    fold: str
    roles: tuple[str, ...]
    tables: tuple[Path, Path, Path]
    seed: int

    def fit(self) -> Rows:
        """Return the rows to fit on."""
        table = recall(*self.tables)
        return (table.rows(self.fold, "fit") if self.arm.natural else table.resampled(self.fold)).only(self.arm.inputs)

    def scored(self, role: str) -> Rows:
        """Return the rows of a role."""
        return recall(*self.tables).rows(self.fold, role).only(self.arm.inputs)


def main(task: str, reads: Paths, writes: Paths) -> None:
    paths = (reads["features"], reads["folds"], reads["resampled"])
    table = recall(*paths)
    inputs = list(table.features.columns.drop("row_id"))
    rivals = _rivals(task, inputs)
    arms = _arms(task, json.loads(reads["tuned"].read_text()), inputs) + rivals
    walked = folds.names(table.folds, "test")
    # rivals first: a process that grows much after its first job is taken for a leak and begun anew, and networks weigh
    tests = [Job(arm, fold, ("calibrate", "score"), paths, seed()) for arm in reversed(arms) for fold in walked]
    scores = jobs.run(_scores, tests, workers(), f"train {arms[0].word}")
    finals = [Job(arm, "final", ("calibrate",), paths, seed()) for arm in (arms[0], *rivals)]
    curves = at(LIVE, task)["curves"]
    writes["rivals"].mkdir()
    model = _final(finals[0], curves, writes["final"])
    _write_importance(model.importance, writes["importance"])
    scores.append(_scored(finals[0], model))
    for job in finals[1:]:
        scores.append(_scored(job, _final(job, curves / job.arm.name, writes["rivals"] / job.arm.name)))
    by_arm = [[one for job, one in zip(tests + finals, scores, strict=True) if job.arm == arm] for arm in arms]
    tables.write(_wide(by_arm, table), writes["scores"])


def _arms(task: str, tuned: dict[str, Any], inputs: list[str]) -> list[Arm]:
    row = plan(task)
    floor = knobs(Floor, "train", task, "floor").inputs
    if unknown := sorted(set(floor) - set(inputs)):
        raise Refusal(f"train.{task}.floor.inputs names {unknown[0]!r}; {suggest(unknown[0], inputs)}")
    floor_settings = knobs(tool("train", row.floor).Settings, "train", task, row.floor).model_dump()
    arms = [
        Arm("tuned", row.learner, tuned["tuned"], inputs),
        Arm("default", row.learner, tuned["default"], inputs),
        Arm("floor", row.floor, floor_settings, floor, natural=True),
    ]
    if row.resampler != "none":
        arms.append(Arm("natural", row.learner, tuned["tuned"], inputs, natural=True))
    return arms


def _rivals(task: str, inputs: list[str]) -> list[Arm]:
    words, members = knobs(Rivals, "train", task, "rivals").learners, plan(task).members
    if strangers := sorted(set(words) - set(members)):
        raise Refusal(f"train.{task}.rivals.learners names {strangers[0]!r}; {suggest(strangers[0], members)}")
    settings = {word: knobs(tool("train", word).Settings, "train", task, word).model_dump() for word in words}
    return [Arm(word, word, settings[word], inputs) for word in words]


def _scores(job: Job) -> pd.DataFrame:
    learner = tool("train", job.arm.word)
    return _scored(job, learner.fit(job.fit(), learner.Settings(**job.arm.settings), job.seed))


def _scored(job: Job, model: Any) -> pd.DataFrame:
    learner = tool("train", job.arm.word)
    parts = []
    for role in job.roles:
        rows = job.scored(role)
        keys = pd.DataFrame({"fold": job.fold, "at": rows.at, "role": role})
        names = [f"{job.arm.name}:{tag}" for tag in rows.tags] or [job.arm.name]
        parts.append(pd.DataFrame(learner.score(model, rows.x), pd.MultiIndex.from_frame(keys), names))
    return pd.concat(parts)


def _final(job: Job, live: Path, folder: Path) -> Any:
    learner = tool("train", job.arm.word)
    curves = Curves(live)
    settings = learner.Settings(**job.arm.settings)
    model = learner.fit(job.fit(), settings, job.seed, later=job.scored("calibrate"), watch=curves)
    curves.end()
    learner.save(model, folder)
    return model


def _write_importance(shares: dict[str, float], path: Path) -> None:
    importance = pd.Series(shares, name="importance").rename_axis("input")
    importance.sort_values(ascending=False, kind="stable").head(SHOWN).round(6).to_csv(path)


def _wide(by_arm: list[list[pd.DataFrame]], table: Table) -> pd.DataFrame:
    """Return one row a fold and row, one column of raw scores an arm (and tag), with the keys calibration needs."""
    wide = pd.concat([pd.concat(scores) for scores in by_arm], axis=1).sort_index().reset_index()
    keys = table.folds[[*KEYS, *folds.targets(table.folds)]].iloc[wide["at"]].reset_index(drop=True)
    return pd.concat([keys, wide.drop(columns="at")], axis=1)


if __name__ == "__main__":
    enter("train", READS, WRITES, main)
