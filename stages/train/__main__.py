"""train: fit rows of every fold → raw scores of rows the model never saw, and the final model with its curves."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core import folds, jobs, tables
from core.curves import Curves
from core.doors import Paths, at, enter
from core.params import Knobs, knobs, plan, seed, workers
from core.refusals import Refusal, suggest
from core.rows import Rows, Table, read
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
    """One arm in one fold: fit on `fit`, score the rows of each role."""

    arm: Arm
    fold: str
    fit: Rows
    scored: dict[str, Rows]
    seed: int


def main(task: str, reads: Paths, writes: Paths) -> None:
    table = read(reads["features"], reads["folds"])
    weights = tables.read(reads["resampled"] / "weights.parquet")
    synthetic = tables.read(reads["resampled"] / "synthetic.parquet")
    arms = _arms(task, json.loads(reads["tuned"].read_text()), list(table.features.columns.drop("row_id")))

    def job(arm: Arm, fold: str, roles: list[str]) -> Job:
        fit = table.rows(fold, "fit") if arm.natural else table.resampled(fold, weights, synthetic)
        scored = {role: table.rows(fold, role).only(arm.inputs) for role in roles}
        return Job(arm, fold, fit.only(arm.inputs), scored, seed())

    tests = [job(arm, fold, ["calibrate", "score"]) for fold in folds.names(table.folds, "test") for arm in arms]
    final = job(arms[0], "final", ["calibrate"])
    scores = jobs.run(_scores, tests, workers(), f"train {arms[0].word}")
    model = _final(final, at(LIVE, task), writes)
    scores.append(_scored(final, model))
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
    return _scored(job, learner.fit(job.fit, learner.Settings(**job.arm.settings), job.seed))


def _scored(job: Job, model: Any) -> pd.DataFrame:
    learner = tool("train", job.arm.word)
    parts = [
        pd.DataFrame({"at": rows.at, "fold": job.fold, "role": role, "score": learner.score(model, rows.x)})
        for role, rows in job.scored.items()
    ]
    return pd.concat(parts).assign(arm=job.arm.name)


def _final(job: Job, live: Paths, writes: Paths) -> Any:
    learner = tool("train", job.arm.word)
    curves = Curves(live["curves"])
    settings = learner.Settings(**job.arm.settings)
    model = learner.fit(job.fit, settings, job.seed, later=job.scored["calibrate"], watch=curves)
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
