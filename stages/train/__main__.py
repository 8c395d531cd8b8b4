"""train: fit rows of every fold → raw scores of rows the model never saw, and the final model with its curves."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core import folds, jobs, tables
from core.curves import Curves
from core.doors import Paths, at, enter
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
    "scores": "data/scores/{task}.parquet",
    "importance": "metrics/{task}/importance.csv",
}
LIVE = {"curves": "models/{task}/curves"}  # written in place, to be watched
SHOWN = 25  # inputs in the picture of importance; the model's own file has them all


class Floor(Knobs):
    """The inputs that the floor, the simple learner that the chosen one must beat, is fitted on."""

    inputs: list[str]


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
    arms = _arms(task, json.loads(reads["tuned"].read_text()), list(table.features.columns.drop("row_id")))
    walked = folds.names(table.folds, "test")
    tests = [Job(arm, fold, ("calibrate", "score"), paths, seed()) for fold in walked for arm in arms]
    scores = jobs.run(_scores, tests, workers(), f"train {arms[0].word}")
    final = Job(arms[0], "final", ("calibrate",), paths, seed())
    scores.append(_scored(final, _final(final, at(LIVE, task), writes)))
    tables.write(_wide(scores, table), writes["scores"])


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


def _scores(job: Job) -> pd.DataFrame:
    learner = tool("train", job.arm.word)
    return _scored(job, learner.fit(job.fit(), learner.Settings(**job.arm.settings), job.seed))


def _scored(job: Job, model: Any) -> pd.DataFrame:
    learner = tool("train", job.arm.word)
    parts = []
    for role in job.roles:
        rows = job.scored(role)
        score = learner.score(model, rows.x)
        parts.append(pd.DataFrame({"at": rows.at, "fold": job.fold, "role": role, "score": score}))
    return pd.concat(parts).assign(arm=job.arm.name)


def _final(job: Job, live: Paths, writes: Paths) -> Any:
    learner = tool("train", job.arm.word)
    curves = Curves(live["curves"])
    settings = learner.Settings(**job.arm.settings)
    model = learner.fit(job.fit(), settings, job.seed, later=job.scored("calibrate"), watch=curves)
    curves.end()
    learner.save(model, writes["final"])
    importance = pd.Series(model.importance, name="importance").rename_axis("input")
    importance.sort_values(ascending=False, kind="stable").head(SHOWN).round(6).to_csv(writes["importance"])
    return model


def _wide(scores: list[pd.DataFrame], table: Table) -> pd.DataFrame:
    """Return one row a fold and row, one column of raw scores an arm, with the keys that calibration needs."""
    long = pd.concat(scores)
    wide = long.pivot(index=["fold", "at", "role"], columns="arm", values="score").reset_index()
    keys = table.folds[["row_id", "group", "time", "target"]].iloc[wide["at"]].reset_index(drop=True)
    return pd.concat([keys, wide.drop(columns="at").rename_axis(columns=None)], axis=1)


if __name__ == "__main__":
    enter("train", READS, WRITES, main)
