"""prepare: raw source → typed rows, folds, and what was set aside and why."""

import pandas as pd

from core import tables
from core.doors import Paths, enter
from core.folds import WalkForward, walk_forward
from core.outputs import write_json
from core.params import knobs, plan
from core.shelf import tool

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
    walk = knobs(WalkForward, "folds", task)
    prepared, quality = cleaner.prepare(tool("prepare", row.reader, "read").read(row.source), settings)
    columns = [column for column in cleaner.COLUMNS if column.name in prepared]
    tables.check(prepared, columns, f"prepared {task}")
    keys = prepared[["row_id", "group", "time", "target", "teacher"]]
    folds = pd.concat([keys, walk_forward(prepared["time"], prepared["group"], walk)], axis=1)
    tables.write(prepared, writes["prepared"], columns)
    tables.write(folds, writes["folds"])
    write_json(quality, writes["quality"])


if __name__ == "__main__":
    enter("prepare", READS, WRITES, main)
