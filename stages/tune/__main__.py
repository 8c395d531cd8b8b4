"""tune: fit rows of the tune folds → the learner's knobs that lose least on the later rows of each."""

import hashlib
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import folds, jobs
from core.doors import Paths, enter
from core.losses import LOSSES
from core.outputs import write_json
from core.params import Knobs, knobs, plan, seed, workers
from core.races import codes
from core.refusals import Refusal, suggest
from core.rows import Rows, Table, recall
from core.shelf import tool
from stages.tune.gain import paired_gain
from stages.tune.search import Answer, Journal, Point, Range, Search, search

READS = {
    "features": "data/features/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "resampled": "data/resampled/{task}",
}
WRITES = {"tuned": "models/{task}/tuned.json", "trials": "metrics/{task}/trials.csv"}


class Space(Knobs):
    """The ranges of one learner's knobs; a learner without a space is fitted as params say."""

    ranges: dict[str, Range]


def main(task: str, reads: Paths, writes: Paths) -> None:
    word = plan(task).learner
    learner, settings = tool("train", word), knobs(Search, "tune", task, "search")
    default = knobs(learner.Settings, "train", task, word).model_dump()
    space = knobs(Space, "tune", task, "space", word).ranges
    if settings.loss not in LOSSES:
        raise Refusal(f"tune.{task}.search.loss is {settings.loss!r}; {suggest(settings.loss, LOSSES)}")
    paths = (reads["features"], reads["folds"], reads["resampled"])
    ask = partial(_ask, paths=paths, word=word, settings=settings)
    journal = Journal(_journal(task, reads, settings))
    blocks = folds.names(recall(*paths).folds, "tune")
    trials, answers = search(default, space, settings, blocks, seed(), partial(journal.recall, ask=ask))
    best = trials[trials["state"] == "complete"].sort_values(["loss", "trial"], kind="stable").iloc[0]
    first = trials.iloc[0]
    gain = paired_gain(answers[0], answers[int(best["trial"])])
    beats_default = gain.proved(settings.min_gain_se)
    winner = best if beats_default else first  # what could be chance chooses no knobs
    tuned = {
        "learner": word,
        "tuned": default | _chosen(winner),
        "default": default | _chosen(first),
        "loss": {"name": settings.loss, "tuned": winner["loss"], "default": first["loss"]},
        "best_trial": {"trial": int(best["trial"]), "gain": gain.value, "standard_error": gain.standard_error},
        "beats_default": beats_default,
    }
    write_json(tuned, writes["tuned"], digits=12)
    trials.insert(3, "best", trials["loss"].where(trials["state"] == "complete").cummin().ffill())
    trials.round(6).to_csv(writes["trials"], index=False)


def _ask(asked: list[tuple[Point, str]], paths: tuple[Path, Path, Path], word: str, settings: Search) -> list[Answer]:
    work = [(word, point, fold, paths, settings, seed()) for point, fold in asked]
    return jobs.run(_try, work, workers(), f"tune {word}")


def _try(job: tuple[str, Point, str, tuple[Path, Path, Path], Search, int]) -> Answer:
    word, point, fold, paths, settings, start = job
    learner, table = tool("train", word), recall(*paths)
    fit, later = table.resampled(fold), table.rows(fold, "score")
    model = learner.fit(fit, learner.Settings(**point), start, later=later, patience=settings.patience)
    losses = LOSSES[settings.loss](learner.score(model, later.x), later)
    by_group = {"total": losses.total.tolist(), "units": losses.units.tolist(), "groups": _groups(table, later)}
    return {"loss": losses.mean, "settled": model.settled, **by_group}


def _groups(table: Table, rows: Rows) -> list[int]:
    """Return the number in the whole table of each group of some rows."""
    numbers = np.empty(rows.group.max() + 1, dtype=np.int64)
    numbers[rows.group] = codes(table.folds["group"])[rows.at]
    found: list[int] = numbers.tolist()
    return found


def _chosen(trial: pd.Series) -> dict[str, Any]:
    return {
        str(name).removeprefix("knob_"): value.item() if hasattr(value, "item") else value
        for name, value in trial.items()
        if str(name).startswith("knob_") and not pd.isna(value)
    }


def _journal(task: str, reads: Paths, settings: Search) -> Path:
    """Return the journal of exactly this search: other rows, code, libraries or knobs have another.

    A queued or temporary run works in a folder below .dvc and shares the journals of the repository above it.
    """
    root = Path.cwd()
    loaded = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    files = (Path(name) for name in loaded if name)
    code = sorted(file for file in files if file.is_relative_to(root) and ".venv" not in file.parts)
    digest = hashlib.sha256(json.dumps([settings.model_dump(), seed()]).encode())
    for part in [*reads.values(), *sorted(reads["resampled"].iterdir()), *code, root / "requirements.lock"]:
        if part.is_file():
            digest.update(part.read_bytes())
    home = next((parent.parent for parent in root.parents if parent.name == ".dvc"), root)
    return home / ".tune" / f"{task}-{digest.hexdigest()[:16]}.jsonl"


if __name__ == "__main__":
    enter("tune", READS, WRITES, main)
