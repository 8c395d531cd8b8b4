"""calibrate: raw scores of each fold's calibrate rows → a calibrator, and predictions for the rows it never saw."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from stages.calibrate._kept_calibrations import recall_calibration, store_calibration
from trueline.core.column_hashes import hash_columns
from trueline.core.compute.parallel import run_brief_jobs
from trueline.core.runtime.atomic_outputs import convert_to_json, write_json
from trueline.core.runtime.memory import Memory, build_key, hash_code, open_memory
from trueline.core.runtime.output_hashes import hash_file
from trueline.core.runtime.params import (
    StageSettings,
    load_engine,
    load_settings,
    load_task_config,
    load_worker_count,
)
from trueline.core.runtime.plugins import load_guarded_plugin
from trueline.core.runtime.stage_entry import Paths, run_stage
from trueline.core.score_audit.stage_audit import audit_stage, draw_audited_folds
from trueline.core.splits.walk_forward import KEY_COLUMNS, TARGET, list_target_columns
from trueline.core.stats.group_ops import Floats, encode_groups
from trueline.core.tables import table_schema

READS = {"scores": "data/scores/{task}.parquet", "prepared": "data/prepared/{task}.parquet"}
WRITES = {
    "calibrator": "models/{task}/calibrator.json",
    "predictions": "data/predictions/{task}.parquet",
    "audit": "metrics/{task}/score_audit/calibrate.json",
}
STATE_DIGITS = 12
PUBLISHED_ARM = "tuned"


@dataclass(frozen=True)
class CalibrateJob:
    """The scores of one fold in all roles, and the outcomes beside the target by row_id, if any are asked for."""

    task: str
    rows: pd.DataFrame
    outcomes: pd.DataFrame


def main(task: str, reads: Paths, writes: Paths) -> None:
    _load_calibrator(task)  # a setting that is wrong is reported before data are read
    scores = table_schema.read_table(reads["scores"])
    outcome_names = _list_outcomes(task, reads["prepared"])
    keys = [*KEY_COLUMNS, *list_target_columns(scores), "fold"]
    outcomes, memory = _read_outcomes(reads["prepared"], outcome_names), open_memory("calibrate")
    states, predictions = _calibrate_folds(task, scores, outcomes, memory)
    calibrator_content = {"calibrator": load_task_config(task).calibrator, "folds": states}
    write_json(calibrator_content, writes["calibrator"], digits=STATE_DIGITS)
    keyed = [pd.concat([scores.loc[table.index, keys], table], axis=1) for table in predictions.values() if len(table)]
    table_schema.write_table(pd.concat(keyed), writes["predictions"])
    drawn_folds = draw_audited_folds(reads["scores"])
    # a calibrator is fitted so quickly that, if any, all other folds are audited too, in the arm that is published
    other_folds = [
        fold for fold, table in predictions.items() if drawn_folds and fold not in drawn_folds and len(table)
    ]
    audit = audit_stage(
        list(reads.values()),
        reads["scores"],
        lambda fold: _name_rows(_select_arms(predictions[fold], fold in drawn_folds), scores),
        lambda fold: _predict_again(task, reads, fold, fold in drawn_folds, memory),
        [*drawn_folds, *other_folds],
        other_outcomes={reads["prepared"]: outcome_names},
    )
    write_json(audit | {"predictions": hash_file(writes["predictions"])}, writes["audit"], digits=12)


def _predict_again(task: str, reads: Paths, fold: str, has_all_arms: bool, memory: Memory) -> pd.DataFrame:
    scores = table_schema.read_table(reads["scores"])
    scores = _select_arms(scores[scores["fold"] == fold], has_all_arms)
    outcomes = _read_outcomes(reads["prepared"], _list_outcomes(task, reads["prepared"]))
    _, predictions = _calibrate_folds(task, scores, outcomes, memory, purpose="audit")
    return _name_rows(predictions[fold], scores)


def _name_rows(predictions: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    return predictions.set_axis(scores.loc[predictions.index, "row_id"])


def _select_arms(table: pd.DataFrame, has_all_arms: bool) -> pd.DataFrame:
    """Return scores or predictions of all arms, or without those that are not published."""
    known_columns = {*KEY_COLUMNS, *list_target_columns(table), "fold", "role"}
    other_arms = [name for name in table if name not in known_columns and str(name).split(":")[0] != PUBLISHED_ARM]
    return table if has_all_arms else table.drop(columns=other_arms)


def _list_outcomes(task: str, prepared_path: Path) -> list[str]:
    """Return the outcomes beside the target that the calibrator asks for and the source has."""
    columns = [column.name for column in table_schema.read_declarations(prepared_path)]
    return [name for name in getattr(_load_calibrator(task)[0], "OUTCOMES", ()) if name in columns]


def _read_outcomes(prepared_path: Path, names: list[str]) -> pd.DataFrame:
    """Return these outcomes by row_id; nothing is read if there are none."""
    if not names:
        return pd.DataFrame()
    return table_schema.read_table(prepared_path).set_index("row_id")[names]


def _load_calibrator(task: str) -> tuple[Any, StageSettings]:
    calibrator_name = load_task_config(task).calibrator
    calibrator = load_guarded_plugin("calibrate", calibrator_name)
    return calibrator, load_settings(calibrator.Settings, "calibrate", task, calibrator_name)


def _calibrate_folds(
    task: str, scores: pd.DataFrame, outcomes: pd.DataFrame, memory: Memory, purpose: str = "predictions"
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """Return by fold the calibrator's state for each arm that has scores, and its predictions for the score rows.

    The states are applied as they are stored, so that whoever loads them predicts the same to the last bit. What an
    earlier run made of the same rows for the same purpose is recalled.
    """
    jobs = {
        str(fold): CalibrateJob(task, rows, outcomes.reindex(rows["row_id"]) if len(outcomes.columns) else outcomes)
        for fold, rows in scores.groupby("fold", sort=True)
    }
    calibrator = _describe_calibrator(task) if memory.is_on else []
    keys = {fold: _build_key(job, purpose, calibrator) if memory.is_on else "" for fold, job in jobs.items()}
    recalled = {
        fold: recall_calibration(memory, keys[fold], job.rows.index[job.rows["role"] == "score"])
        for fold, job in jobs.items()
    }
    calibrations = {fold: calibration for fold, calibration in recalled.items() if calibration is not None}
    missing = {fold: job for fold, job in jobs.items() if fold not in calibrations}
    label = f"calibrate {task}"
    computed = run_brief_jobs(_calibrate_fold, list(missing.values()), load_worker_count(), label, load_engine())
    for fold, calibration in zip(missing, computed, strict=True):
        store_calibration(memory, keys[fold], calibration)
        calibrations[fold] = calibration
    return {fold: calibrations[fold][0] for fold in jobs}, {fold: calibrations[fold][1] for fold in jobs}


def _describe_calibrator(task: str) -> list[str]:
    """Return the calibrator's name, settings and code, with what the plugin, which is loaded first, brings along."""
    _, settings = _load_calibrator(task)
    return [load_task_config(task).calibrator, settings.model_dump_json(), hash_code("calibrate")]


def _build_key(job: CalibrateJob, purpose: str, calibrator: list[str]) -> str:
    """Return the hash of all that a calibration is made from."""
    return build_key("calibration", purpose, *calibrator, hash_columns(job.rows), hash_columns(job.outcomes))


def _calibrate_fold(job: CalibrateJob) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the calibrator's state for each arm that has scores in a fold, and its predictions for the score rows."""
    calibrator, settings = _load_calibrator(job.task)
    target_names = list_target_columns(job.rows)
    score_columns = job.rows.columns.drop([*KEY_COLUMNS, *target_names, "fold", "role"])
    columns_by_arm = _group_arm_columns(score_columns, target_names)
    calibrate_rows, score_rows = (job.rows[job.rows["role"] == role] for role in ("calibrate", "score"))
    states = {
        arm: convert_to_json(_fit_arm(calibrator, calibrate_rows, columns, settings, job.outcomes), STATE_DIGITS)
        for arm, columns in columns_by_arm.items()
        if calibrate_rows[columns].notna().all(axis=None)
    }
    calibrated = [
        _apply_calibrator(calibrator, state, score_rows, columns_by_arm[arm]) for arm, state in states.items()
    ]
    return states, pd.concat(calibrated, axis=1)


def _group_arm_columns(scores: pd.Index, target_names: list[str]) -> dict[str, list[str]]:
    """Return the score columns of each arm: one, or one per tag in the order of the targets."""
    if target_names == [TARGET]:
        return {str(arm): [str(arm)] for arm in scores}
    arms = dict.fromkeys(str(column).split(":")[0] for column in scores)
    return {arm: [name.replace(TARGET, arm, 1) for name in target_names] for arm in arms}


def _fit_arm(
    calibrator: Any, rows: pd.DataFrame, columns: list[str], settings: StageSettings, outcomes: pd.DataFrame
) -> Any:
    """Return the state fitted on these rows alone, with their outcomes beside the target if any are asked for."""
    target = _extract_values(rows, list_target_columns(rows))
    arguments = [_extract_values(rows, columns), target, encode_groups(rows["group"]), settings]
    if len(outcomes.columns):
        arguments.append({str(name): outcomes[name].reindex(rows["row_id"]).to_numpy(float) for name in outcomes})
    return calibrator.fit(*arguments)


def _apply_calibrator(calibrator: Any, state: Any, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the arm's columns, and a `column:name` for each further number that the calibrator gives a row."""
    if rows.empty:
        return pd.DataFrame(index=rows.index)
    calibrated = calibrator.apply(state, _extract_values(rows, columns), encode_groups(rows["group"]))
    values_by_name = calibrated if isinstance(calibrated, dict) else {"": calibrated}
    return pd.concat(
        [
            pd.DataFrame(values, rows.index, [f"{column}:{name}".rstrip(":") for column in columns])
            for name, values in values_by_name.items()
        ],
        axis=1,
    )


def _extract_values(rows: pd.DataFrame, columns: list[str]) -> Floats:
    """Return one number per row, or rows × columns for several targets."""
    values = rows[columns].to_numpy(float)
    return values[:, 0] if list_target_columns(rows) == [TARGET] else values


if __name__ == "__main__":
    run_stage("calibrate", READS, WRITES, main)
