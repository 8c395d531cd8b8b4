"""prepare: raw source → typed rows, folds, and what was set aside and why."""

import pandas as pd

from core import tables
from core.doors import Paths, run_stage
from core.folds import NO_CLOCK, WalkForwardSettings, list_key_columns, list_target_columns, walk_forward
from core.outputs import write_json
from core.params import load_seed, load_settings, load_task_config
from core.shelf import load_plugin
from core.strata import StratifiedSettings, split_stratified

READS: dict[str, str] = {}  # and the source that the plan names, wherever it lies
WRITES = {
    "prepared": "data/prepared/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "quality": "metrics/{task}/quality.json",
}


def main(task: str, reads: Paths, writes: Paths) -> None:
    task_config = load_task_config(task)
    cleaner = load_plugin("prepare", task)
    settings = load_settings(cleaner.Settings, "prepare", task)
    prepared, quality = cleaner.prepare(
        load_plugin("prepare", task_config.reader, "read").read(task_config.source), settings
    )
    declare_columns = getattr(
        cleaner, "columns", lambda rows: [column for column in cleaner.COLUMNS if column.name in rows]
    )
    columns = declare_columns(prepared)
    tables.validate_table(prepared, columns, f"prepared {task}")
    folds = pd.concat([prepared[list_key_columns(prepared)], _assign_folds(task, prepared)], axis=1)
    tables.write_table(prepared, writes["prepared"], columns)
    tables.write_table(folds, writes["folds"])
    write_json(quality, writes["quality"])


def _assign_folds(task: str, prepared: pd.DataFrame) -> pd.DataFrame:
    if (prepared["time"] == NO_CLOCK).all():
        return split_stratified(
            prepared[list_target_columns(prepared)],
            prepared["group"],
            load_settings(StratifiedSettings, "folds", task),
            load_seed(),
        )
    return walk_forward(prepared["time"], prepared["group"], load_settings(WalkForwardSettings, "folds", task))


if __name__ == "__main__":
    run_stage("prepare", READS, WRITES, main)
