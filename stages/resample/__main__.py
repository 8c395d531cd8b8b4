"""resample: fit rows of each fold → a weight for each, and synthetic rows with the ids of their parents."""

import numpy as np
import pandas as pd

from trueline.core.runtime.params import load_seed, load_settings, load_task_config
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.runtime.stage_entry import Paths, run_stage
from trueline.core.splits import walk_forward
from trueline.core.splits.fold_data import read_fold_tables
from trueline.core.tables import table_schema

READS = {"features": "data/features/{task}.parquet", "folds": "data/folds/{task}.parquet"}
WRITES = {"resampled": "data/resampled/{task}"}


def main(task: str, reads: Paths, writes: Paths) -> None:
    resampler_name = load_task_config(task).resampler
    resampler = load_guarded_plugin("resample", resampler_name)
    settings = load_settings(resampler.Settings, "resample", task, resampler_name)
    table = read_fold_tables(reads["features"], reads["folds"])
    weights = table.folds[["row_id"]].copy()
    synthetic_tables = [pd.DataFrame(columns=["fold", "parent", "other", "target"])]
    for fold in walk_forward.list_folds(table.folds):
        rows = table.get_rows(fold, "fit")
        row_weights, synthetic_rows = resampler.resample(rows, settings, load_seed())
        weights[fold] = np.nan
        weights.loc[rows.table_position, fold] = row_weights
        if len(synthetic_rows):
            row_ids = table.folds["row_id"].to_numpy()[rows.table_position]
            synthetic_tables.append(
                synthetic_rows.assign(
                    fold=fold, parent=row_ids[synthetic_rows["parent"]], other=row_ids[synthetic_rows["other"]]
                )
            )
    writes["resampled"].mkdir()
    table_schema.write_table(weights, writes["resampled"] / "weights.parquet")
    table_schema.write_table(pd.concat(synthetic_tables, ignore_index=True), writes["resampled"] / "synthetic.parquet")


if __name__ == "__main__":
    run_stage("resample", READS, WRITES, main)
