"""prepare: raw source → typed rows, folds, and what was set aside and why."""

import pandas as pd

from core import tables
from core.doors import Paths, enter
from core.folds import NO_CLOCK, WalkForward, keys_of, targets, walk_forward
from core.outputs import write_json
from core.params import knobs, plan, seed
from core.shelf import tool
from core.strata import Stratified, stratified

READS: dict[str, str] = {}  # and the source that the plan names, wherever it lies
WRITES = {
    "prepared": "data/prepared/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "quality": "metrics/{task}/quality.json",
}


def main(task: str, reads: Paths, writes: Paths) -> None:
    row = plan(task)
    cleaner = tool("prepare", task)
    settings = knobs(cleaner.Settings, "prepare", task)
    prepared, quality = cleaner.prepare(tool("prepare", row.reader, "read").read(row.source), settings)
    declare = getattr(cleaner, "columns", lambda rows: [column for column in cleaner.COLUMNS if column.name in rows])
    columns = declare(prepared)
    tables.check(prepared, columns, f"prepared {task}")
    folds = pd.concat([prepared[keys_of(prepared)], _folds(task, prepared)], axis=1)
    tables.write(prepared, writes["prepared"], columns)
    tables.write(folds, writes["folds"])
    write_json(quality, writes["quality"])


def _folds(task: str, prepared: pd.DataFrame) -> pd.DataFrame:
    if (prepared["time"] == NO_CLOCK).all():
        return stratified(prepared[targets(prepared)], prepared["group"], knobs(Stratified, "folds", task), seed())
    return walk_forward(prepared["time"], prepared["group"], knobs(WalkForward, "folds", task))


if __name__ == "__main__":
    enter("prepare", READS, WRITES, main)
