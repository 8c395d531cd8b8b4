"""What one more day costs: the CPU time of the run after each appended day, as a share of a run from nothing.

The newest days of the source are held back in a copy of the repository, and appended one by one. The last run is
compared, byte for byte, with one of the same days without results of earlier runs. The model that is kept is retrained
on the folds' own schedule, as the backtest's are, unless `--final newest` has it fitted on every new day.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import yaml

from trueline.benchmarks._stage_processes import run_stage
from trueline.core.errors import UserError
from trueline.core.runtime.memory import MEMORY_FOLDER
from trueline.core.runtime.params import PARAMS_FILE, STAGES, expand_params

CODE = ("trueline", "stages", "params.yaml")
OUTPUT_FOLDERS = ("data/prepared", "data/folds", "data/features", "data/resampled", "data/scores", "data/predictions")
MEMORY_FOLDERS = (MEMORY_FOLDER, ".tune")
TIME_COLUMNS = ("start_time", "date")  # of raw tables that grow day by day; a table without one is there from the start
TASKS = ("racing", "props")  # those whose samples have a clock
GOAL = 0.1


def main(*arguments: str) -> None:
    """Print the CPU seconds of a run from nothing and of the runs after each appended day, and their ratio, by task."""
    parser = argparse.ArgumentParser(prog="python -m trueline benchmarks daily", description=__doc__)
    parser.add_argument("tasks", nargs="*", default=TASKS, help="the tasks; racing and props by default")
    parser.add_argument("--days", type=int, default=10, help="how many days are appended")
    parser.add_argument("--source", help="a folder of Parquet tables in the place of the task's source")
    parser.add_argument("--first-test", help="the first test day; by default what the task's share of the days gives")
    parser.add_argument(
        "--final", choices=("schedule", "newest"), default="schedule", help="when the model is retrained"
    )
    options = parser.parse_args(arguments)
    if options.source and len(options.tasks) != 1:
        raise UserError(f"--source is of one task, but the tasks are {', '.join(options.tasks)}; name one.")
    for task in options.tasks:
        with TemporaryDirectory() as folder:
            fold_settings = {"first_test": options.first_test, "final": options.final}
            measure_task(task, Path(folder), options.source, fold_settings, options.days)


def measure_task(
    task: str, folder: Path, source: str | None, fold_settings: dict[str, str | None], day_count: int
) -> None:
    """Run a task from nothing without its newest days, then after each of them, and print what the runs cost."""
    params = yaml.safe_load(PARAMS_FILE.read_text())
    tables = read_raw_tables(Path(source or params["tasks"][task]["source"]))
    days = list_days(tables)
    if len(days) <= day_count:
        raise UserError(f"the source of {task} has {len(days)} days; append fewer with --days.")
    copy_code(folder)
    share = expand_params(params)["folds"][task]["first_test"]
    params["tasks"][task]["source"] = "source"
    first_test = fold_settings["first_test"] or choose_first_test(days[: len(days) - day_count], share)
    params["folds"][task] |= fold_settings | {"first_test": first_test}
    (folder / PARAMS_FILE).write_text(yaml.safe_dump(params, sort_keys=False))
    write_raw_tables(tables, folder / "source", days[-1 - day_count])
    run_stages(task, folder)
    seconds = []
    for day in days[-day_count:]:
        write_raw_tables(tables, folder / "source", day)
        seconds.append(run_stages(task, folder))
    outputs = read_outputs(folder)
    for name in MEMORY_FOLDERS:  # with the memory off, arms that fit alike would be fitted twice
        shutil.rmtree(folder / name, ignore_errors=True)
    from_nothing = run_stages(task, folder)
    is_equal = read_outputs(folder) == outputs
    print(f"{task:<8} from nothing {from_nothing:8.1f} CPU s")
    for day, day_seconds in zip(days[-day_count:], seconds, strict=True):
        print(f"{task:<8} {day:%Y-%m-%d}   {day_seconds:8.1f} CPU s   {day_seconds / from_nothing:.3f}")
    ratio = sum(seconds) / len(seconds) / from_nothing
    verdict = "the same bytes" if is_equal else "OTHER BYTES"
    print(f"{task:<8} a day costs {ratio:.3f} of a run from nothing (goal ≤ {GOAL}), and gives {verdict}", flush=True)


def read_raw_tables(source: Path) -> dict[str, pd.DataFrame]:
    """Return the Parquet tables of a source by name; raise UserError if there is none."""
    tables = {path.name: pd.read_parquet(path) for path in sorted(source.glob("*.parquet"))}
    if not tables:
        raise UserError(f"{source} holds no Parquet table, by whose days this benchmark could go; name another source.")
    return tables


def list_days(tables: dict[str, pd.DataFrame]) -> list[pd.Timestamp]:
    """Return the days of the table that has most of them, in order; raise UserError if no table has a time."""
    days_by_table = [sorted(_get_days(table).unique()) for table in tables.values() if _find_time_column(table)]
    if not days_by_table:
        raise UserError(f"no table has a column {' or '.join(TIME_COLUMNS)}, so no day can be appended.")
    return max(days_by_table, key=len)


def write_raw_tables(tables: dict[str, pd.DataFrame], folder: Path, until: pd.Timestamp) -> None:
    """Write the tables as they stood after a day."""
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        rows = table[_get_days(table) <= until] if _find_time_column(table) else table
        rows.to_parquet(folder / name, index=False)


def choose_first_test(days: Sequence[pd.Timestamp], first_test: object) -> str:
    """Return a first test day as a date: the one that is set, or the day at the share of the span of some days.

    >>> choose_first_test([pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-10")], 0.5)
    '2024-01-06'
    """
    if not isinstance(first_test, float):
        return str(first_test)
    return f"{days[0] + pd.Timedelta(days=int(((days[-1] - days[0]).days + 1) * first_test)):%Y-%m-%d}"


def copy_code(folder: Path) -> None:
    """Copy what the stages need into a folder."""
    for name in CODE:
        if Path(name).is_dir():
            shutil.copytree(name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(name, folder / name)


def run_stages(task: str, folder: Path) -> float:
    """Run every stage of a task in a folder, and return the CPU seconds, with those of worker processes."""
    return sum(run_stage(stage, task, folder, uses_memory=True) for stage in STAGES)


def read_outputs(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file that the stages wrote, by its path."""
    folders = [folder / name for name in (*OUTPUT_FOLDERS, "models", "metrics")]
    files = [file for output in folders for file in sorted(output.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def _find_time_column(table: pd.DataFrame) -> str:
    return next((name for name in TIME_COLUMNS if name in table), "")


def _get_days(table: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(table[_find_time_column(table)]).dt.normalize()
