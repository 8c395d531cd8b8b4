"""prepare: raw source → typed rows, folds, and a report of what was set aside and why."""

import sys

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.runtime.atomic_outputs import publish_alone, write_json
from trueline.core.runtime.params import list_section_names, load_seed, load_settings, load_task_config
from trueline.core.runtime.plugins import list_plugins, load_plugin
from trueline.core.runtime.stage_entry import Paths, expand_paths, run_stage
from trueline.core.splits.sealed_period import seal_newest_days
from trueline.core.splits.short_history import shorten_blocks
from trueline.core.splits.stratified import StratifiedSettings, split_stratified
from trueline.core.splits.walk_forward import (
    NO_CLOCK,
    WalkForwardSettings,
    explain_moving_folds,
    list_key_columns,
    list_target_columns,
    walk_forward,
)
from trueline.core.tables import table_schema
from trueline.core.tables.intake_report import IntakeError, describe_intake, refuse_large_loss
from trueline.core.tables.logged_predictions import add_logged_predictions, list_logged_columns
from trueline.core.tables.own_columns import list_own_columns
from trueline.core.tables.source_settings import PLAIN_SOURCE, SourceSettings

READS: dict[str, str] = {}  # besides the source that the task config names, wherever it is
WRITES = {
    "prepared": "data/prepared/{task}.parquet",
    "folds": "data/folds/{task}.parquet",
    "quality": "metrics/{task}/quality.json",
}


def main(task: str, reads: Paths, writes: Paths) -> None:
    task_config = load_task_config(task)
    cleaner = load_plugin("prepare", task)
    settings = load_settings(cleaner.Settings, "prepare", task)
    source_settings = settings if isinstance(settings, SourceSettings) else PLAIN_SOURCE
    raw = load_plugin("prepare", task_config.reader, "read").read(task_config.source, source_settings)
    try:
        prepared, quality = cleaner.prepare(raw, settings)
        refuse_large_loss(quality, source_settings.most_set_aside, task)
    except IntakeError as refusal:
        # who has to mend the source needs to see what was set aside
        write_json(refusal.quality, writes["quality"])
        publish_alone(writes["quality"], expand_paths(WRITES, task)["quality"])
        raise
    if hasattr(cleaner, "LOGGED"):
        prepared = add_logged_predictions(prepared, task_config.source, cleaner.LOGGED)
    fold_settings = _load_fold_settings(task, prepared)
    prepared, sealed_period = seal_newest_days(prepared, fold_settings.sealed_days)
    if sealed_period:
        quality["sealed"] = sealed_period
        print(f"prepare {task}: {sealed_period['rows']} rows from {sealed_period['from_day']} on are sealed")
    declare_columns = getattr(
        cleaner, "columns", lambda rows: [column for column in cleaner.COLUMNS if column.name in rows]
    )
    columns = [*declare_columns(prepared), *list_own_columns(source_settings)]
    columns += list_logged_columns(prepared) if hasattr(cleaner, "LOGGED") else []
    table_schema.validate_table(prepared, columns, f"prepared {task}")
    folds = pd.concat([prepared[list_key_columns(prepared)], _assign_folds(task, prepared, fold_settings)], axis=1)
    table_schema.write_table(prepared, writes["prepared"], columns)
    table_schema.write_table(folds, writes["folds"])
    write_json(quality, writes["quality"])
    for line in describe_intake(quality["intake"]) if "intake" in quality else ():
        print(f"prepare {task}: {line}")


def _load_fold_settings(task: str, prepared: pd.DataFrame) -> WalkForwardSettings | StratifiedSettings:
    if (prepared["time"] == NO_CLOCK).all():
        return load_settings(StratifiedSettings, "folds", task)
    section = ("dated",) if "dated" in list_section_names("folds", task) else ()
    return load_settings(WalkForwardSettings, "folds", task, *section)


def _assign_folds(
    task: str, prepared: pd.DataFrame, settings: WalkForwardSettings | StratifiedSettings
) -> pd.DataFrame:
    if isinstance(settings, StratifiedSettings):
        targets = prepared[list_target_columns(prepared)]
        return split_stratified(targets, prepared["group"], settings, load_seed())
    try:
        settings, note = shorten_blocks(prepared["time"], settings)
        folds = walk_forward(prepared["time"], prepared["group"], settings)
    except UserError as error:
        if "dated" not in list_section_names("folds", task):
            raise
        raise UserError(
            f"{error} For dates, these are under folds.{task}.dated; prepare.{task}.dates: ignore does without dates."
        ) from None
    if note:
        print(f"prepare {task}: {note} (folds.{task}.shorten)")
    if note := explain_moving_folds(prepared["time"], settings):
        print(f"prepare {task}: {note} (folds.{task}.first_test)")
    return folds


def print_sources() -> None:
    """Print every shape of download that is read unedited, and the columns by which it is known."""
    for reader in list_plugins("prepare"):
        for shape in getattr(load_plugin("prepare", reader), "DOWNLOADS", ()):
            print(f"{shape.__doc__.splitlines()[0]}\n    table {shape.TABLE}: {', '.join(shape.COLUMNS)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["sources"]:
        print_sources()
    else:
        run_stage("prepare", READS, WRITES, main)
