"""resample: the fit rows of each fold → how much each counts, and synthetic rows with their parents."""

import numpy as np
import pandas as pd

from core import folds, tables
from core.doors import Paths, enter
from core.params import knobs, plan, seed
from core.rows import read
from core.shelf import tool

READS = {"features": "data/features/{task}.parquet", "folds": "data/folds/{task}.parquet"}
WRITES = {"resampled": "data/resampled/{task}"}


def main(task: str, reads: Paths, writes: Paths) -> None:
    word = plan(task).resampler
    resampler = tool("resample", word)
    settings = knobs(resampler.Settings, "resample", task, word)
    table = read(reads["features"], reads["folds"])
    weights, synthetic = table.folds[["row_id"]].copy(), [pd.DataFrame(columns=["fold", "parent", "other", "target"])]
    for fold in folds.names(table.folds):
        rows = table.rows(fold, "fit")
        weight, made = resampler.resample(rows, settings, seed())
        weights[fold] = np.nan
        weights.loc[rows.at, fold] = weight
        if len(made):
            ids = table.folds["row_id"].to_numpy()[rows.at]
            synthetic.append(made.assign(fold=fold, parent=ids[made["parent"]], other=ids[made["other"]]))
    writes["resampled"].mkdir()
    tables.write(weights, writes["resampled"] / "weights.parquet")
    tables.write(pd.concat(synthetic, ignore_index=True), writes["resampled"] / "synthetic.parquet")


if __name__ == "__main__":
    enter("resample", READS, WRITES, main)
