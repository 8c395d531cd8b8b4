"""resample: fit rows of each fold → a weight for each, and synthetic rows with the ids of their parents."""

from dataclasses import dataclass, replace

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.runtime.params import load_seed, load_settings, load_task_config
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.runtime.stage_entry import Paths, run_stage
from trueline.core.score_audit.stage_audit import audit_stage, draw_audited_folds
from trueline.core.splits import walk_forward
from trueline.core.splits.fold_data import FoldTables, read_fold_tables
from trueline.core.tables import table_schema

READS = {"features": "data/features/{task}.parquet", "folds": "data/folds/{task}.parquet"}
WRITES = {"resampled": "data/resampled/{task}", "audit": "metrics/{task}/score_audit/resample.json"}


@dataclass(frozen=True)
class ResampledFold:
    """The weight of each fit row of a fold, by its position in the table, and the fold's synthetic rows."""

    weights: pd.Series
    synthetic: pd.DataFrame


def main(task: str, reads: Paths, writes: Paths) -> None:
    table = read_fold_tables(reads["features"], reads["folds"])
    row_ids = table.folds["row_id"]
    resampled = _resample_folds(task, table, walk_forward.list_folds(table.folds))
    weights = pd.DataFrame({fold: result.weights for fold, result in resampled.items()}, index=row_ids.index)
    no_rows = pd.DataFrame(columns=["fold", "parent", "other", "target"])
    synthetic_tables = [result.synthetic for result in resampled.values() if len(result.synthetic)]
    writes["resampled"].mkdir()
    table_schema.write_table(pd.concat([row_ids, weights], axis=1), writes["resampled"] / "weights.parquet")
    table_schema.write_table(
        pd.concat([no_rows, *synthetic_tables], ignore_index=True), writes["resampled"] / "synthetic.parquet"
    )
    audit = audit_stage(
        list(reads.values()),
        reads["folds"],
        lambda fold: _list_resampled_rows(resampled[fold], row_ids),
        lambda fold: _resample_again(task, reads, fold),
        draw_audited_folds(reads["folds"]),
    )
    write_json(audit, writes["audit"], digits=12)


def _resample_again(task: str, reads: Paths, fold: str) -> pd.DataFrame:
    table = read_fold_tables(reads["features"], reads["folds"])
    return _list_resampled_rows(_resample_folds(task, table, [fold])[fold], table.folds["row_id"])


def _resample_folds(task: str, table: FoldTables, folds: list[str]) -> dict[str, ResampledFold]:
    resampler_name = load_task_config(task).resampler
    resampler = load_guarded_plugin("resample", resampler_name)
    settings = load_settings(resampler.Settings, "resample", task, resampler_name)
    uses_inputs = getattr(resampler, "USES_INPUTS", True)
    if not uses_inputs:
        table = replace(table, features=table.features[["row_id"]])  # to copy the inputs takes most of the time
    resampled = {}
    for fold in folds:
        rows = table.get_rows(fold, "fit")
        row_weights, synthetic_rows = resampler.resample(rows, settings, load_seed())
        if len(synthetic_rows):
            if not uses_inputs:
                raise UserError(
                    f"resampler {resampler_name!r} makes synthetic rows, which need inputs; "
                    f"remove USES_INPUTS = False from stages/resample/{resampler_name}.py."
                )
            row_ids = table.folds["row_id"].to_numpy()[rows.table_position]
            synthetic_rows = synthetic_rows.assign(
                fold=fold, parent=row_ids[synthetic_rows["parent"]], other=row_ids[synthetic_rows["other"]]
            )
        resampled[fold] = ResampledFold(pd.Series(row_weights, rows.table_position, dtype=float), synthetic_rows)
    return resampled


def _list_resampled_rows(resampled: ResampledFold, row_ids: pd.Series) -> pd.DataFrame:
    """Return the weights of a fold by row_id, and its synthetic rows by their number."""
    weights = pd.DataFrame({"weight": resampled.weights.to_numpy()}, index=row_ids.iloc[resampled.weights.index])
    names = [f"synthetic row {number}" for number in range(len(resampled.synthetic))]
    return pd.concat([weights, resampled.synthetic.set_axis(names)])


if __name__ == "__main__":
    run_stage("resample", READS, WRITES, main)
