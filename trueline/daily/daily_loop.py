"""Daily loop: the steps of a day, each of which can be run again after a kill."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from stages.diagnose.monitoring import today_cli
from trueline.core.errors import UserError
from trueline.core.runtime.params import TaskConfig, load_task_config
from trueline.core.runtime.plugins import load_plugin
from trueline.core.tables import table_schema
from trueline.daily.incoming_files import find_card, take_in_files
from trueline.daily.log_comparison import LogComparison, build_row_id, compare_log
from trueline.daily.production_part import PRODUCTION_TABLE, add_logged_predictions
from trueline.predict.predict_card import predict_card
from trueline.predict.table_output import require_output_file, write_predictions
from trueline.service.monitoring.prediction_log import read_log

PREDICTED_FOLDER = "predicted"  # in the drop folder: where a card goes when it is predicted
PREDICTIONS = "data/predictions/{task}.parquet"


@dataclass(frozen=True)
class DailyOptions:
    """What one run of the loop works on: the task, its drop folder, its log, the file to write, and the time (UTC)."""

    task: str
    drop_folder: Path
    log_folder: Path
    out: Path
    moment: pd.Timestamp
    model: str | None = None
    notify: bool = False


def run_day(options: DailyOptions) -> int:
    """Run the steps of a day and return the exit code of `today`; 3 if the card could not be predicted.

    New files go into the source, the log into its table of production, `dvc repro` brings everything up to date, the
    card is predicted, and what was logged of the newest day with results is compared with the backtest. Raises
    UserError if a file cannot be taken in or `dvc repro` fails.
    """
    task, config = options.task, load_task_config(options.task)
    require_output_file(options.out)
    _add_to_source(options, config)
    _reproduce(task)
    card_error = _predict_card(options)
    if comparison := _grade_newest_day(options):
        _report(task, f"newest day with results: {comparison.format_sentence()}")
    code = today_cli.main([task, *(["--notify"] if options.notify else [])])
    return today_cli.UNKNOWN_EXIT_CODE if card_error else code


def _add_to_source(options: DailyOptions, config: TaskConfig) -> None:
    source, reader = Path(config.source), load_plugin("prepare", config.reader, "read")
    own_tables = (reader.MAIN_TABLE, *getattr(reader, "OPTIONAL_TABLES", ()))
    for taken_file in take_in_files(options.drop_folder, source, own_tables):
        fate = "is now" if taken_file.is_new else "was taken in before, as"
        _report(options.task, f"{taken_file.name} {fate} {taken_file.part_path}")
    if PRODUCTION_TABLE in own_tables and (added := add_logged_predictions(options.log_folder / options.task, source)):
        _report(options.task, f"{added:,} logged predictions are new in {source}")


def _reproduce(task: str) -> None:
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", f"diagnose@{task}"]
    if code := subprocess.run(command, stdout=sys.stderr).returncode:
        raise UserError(
            f"`dvc repro diagnose@{task}` failed with exit code {code}; mend what it says above, run again."
        )


def _predict_card(options: DailyOptions) -> UserError | None:
    """Predict the card if there is one, and move it away; return why it could not be predicted."""
    card = find_card(options.drop_folder)
    if card is None:
        return None
    try:
        predicted = predict_card(Path("."), options.task, card, options.moment, options.model, options.log_folder)
    except UserError as error:
        print(f"daily {options.task}: {card} was not predicted: {error}", file=sys.stderr)
        return error
    write_predictions(predicted.table, options.out)
    for note in predicted.notes:
        _report(options.task, note)
    _report(
        options.task,
        f"{len(predicted.table):,} rows predicted by {predicted.version} are in {options.out}, "
        f"{predicted.logged:,} of them new in the log",
    )
    done_folder = options.drop_folder / PREDICTED_FOLDER
    done_folder.mkdir(exist_ok=True)
    os.replace(card, done_folder / f"{options.moment:%Y-%m-%dT%H%M%S}-{card.name}")
    return None


def _grade_newest_day(options: DailyOptions) -> LogComparison | None:
    """Compare the newest day with results that the log has; None if it has none, or nothing is scored."""
    path, log_folder = Path(PREDICTIONS.format(task=options.task)), options.log_folder / options.task
    if not path.exists() or not log_folder.is_dir():
        return None
    predictions, log = table_schema.read_table(path), read_log(log_folder)
    logged = predictions["row_id"].isin([row_id for row in log if (row_id := build_row_id(row))])
    if not logged.any():
        return None
    return compare_log(log, predictions, [predictions.loc[logged, "time"].max().normalize()])


def _report(task: str, sentence: str) -> None:
    print(f"daily {task}: {sentence}", flush=True)
