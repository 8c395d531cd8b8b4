"""Live replay: past days predicted one after another from what was known that day, beside one backtest over all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from trueline.benchmarks.lie_lab.scratch_project import ScratchProject, copy_project, set_values
from trueline.benchmarks.replay_lab.day_tables import (
    Tables,
    list_days,
    select_days,
    split_into_cards,
    write_tables,
)
from trueline.core.errors import UserError
from trueline.core.runtime.output_hashes import hash_path
from trueline.core.runtime.params import TASK_SECTIONS
from trueline.core.splits.walk_forward import TARGET, list_target_columns
from trueline.core.tables import table_schema
from trueline.daily.incoming_files import take_in_files
from trueline.daily.log_comparison import LogComparison, compare_log
from trueline.predict.predict_card import predict_card
from trueline.service.monitoring.prediction_log import LogRows, read_log

OUTPUTS = (
    *("models/{}/final", "models/{}/calibrator.json", "data/prepared/{}.parquet", "data/folds/{}.parquet"),
    "metrics/{}/quality.json",
)
DAY = pd.Timedelta(days=1)


@dataclass
class LiveReplay:
    """A scratch copy of the repository in which days come in one by one."""

    project: ScratchProject
    tables: Tables
    trainings: list[pd.Timestamp] = field(default_factory=list)  # the days on which a model was fitted
    _final_rows: pd.DataFrame | None = None
    _last_day: pd.Timestamp | None = None  # before which the source has all rows

    @property
    def log_folder(self) -> Path:
        """The folder of the prediction log."""
        return self.project.folder / "predictions"

    def read_log(self) -> LogRows:
        """Return what was predicted so far."""
        return read_log(self.log_folder / self.project.task)

    def predict_day(self, day: pd.Timestamp) -> None:
        """Take in what is known in the morning of a day, fit a model if one is due, and predict the day's cards."""
        self._bring_up_to(day)
        task, folder = self.project.task, self.project.folder
        today = select_days(task, self.tables, day, day + DAY)
        for number, (moment, card) in enumerate(split_into_cards(task, today)):
            card_folder = folder / "cards" / f"{day:%Y-%m-%d}-{number}"
            write_tables(card, card_folder)
            predict_card(folder, task, card_folder, moment, log_folder=self.log_folder)

    def _bring_up_to(self, day: pd.Timestamp) -> None:
        task, folder, source = self.project.task, self.project.folder, self.project.source
        if any(source.iterdir()):
            new_rows = select_days(task, self.tables, self._last_day, day)
            write_tables(new_rows, folder / "incoming", f"_{day:%Y%m%d}")
            take_in_files(folder / "incoming", source, self.tables)
        else:
            write_tables(select_days(task, self.tables, None, day), source)
        self._last_day = day
        self._name_next_day(day)
        run_stages(self.project, "prepare", "prepare")
        if self._is_training_due():
            self.trainings.append(day)
            run_stages(self.project, "features", "calibrate")
        write_lock(folder, task)

    def _name_next_day(self, day: pd.Timestamp) -> None:
        """Name the day of the card to the folds: after a break it may be in a later block than the day after."""
        set_params(self.project, {f"{find_folds_path(self.project)}.final": day.date()})

    def _is_training_due(self) -> bool:
        folds = table_schema.read_table(self.project.folder / f"data/folds/{self.project.task}.parquet")
        final_rows = folds.loc[folds["final"].notna(), ["row_id", "final"]].reset_index(drop=True)
        is_due = self._final_rows is None or not final_rows.equals(self._final_rows)
        self._final_rows = final_rows
        return is_due


def make_replay_projects(
    folder: Path, task: str, days: Sequence[pd.Timestamp], history: Sequence[pd.Timestamp], params: Mapping[str, Any]
) -> tuple[ScratchProject, ScratchProject]:
    """Return two copies of the repository, for the backtest and for the live days, with the same parameters.

    The first test day is the one before the replayed `days` among those of the `history`. Races are predicted in the
    morning, so their inputs see earlier days only. `params` are set by their dotted paths.
    """
    projects = []
    for name in ("backtest", "live"):
        project = copy_project(folder / name, task)
        folds_path = find_folds_path(project)
        first_test = max(day for day in history if day < days[0])
        set_params(project, {f"{folds_path}.first_test": first_test.date(), f"{folds_path}.final": "schedule"})
        set_params(
            project,
            {
                "workers": 1,
                f"tasks.{task}.source": f"data/sample/{task}",
                f"features.{task}.past": "earlier_days",
                **params,
            },
        )
        projects.append(project)
    return projects[0], projects[1]


def run_backtest(project: ScratchProject, tables: Tables) -> pd.DataFrame:
    """Run a project on whole tables up to its predictions and return these."""
    write_tables(tables, project.source)
    run_stages(project, "prepare", "calibrate")
    return table_schema.read_table(project.folder / f"data/predictions/{project.task}.parquet")


def fix_tags(project: ScratchProject, predictions: pd.DataFrame) -> None:
    """Give a project the tags of a backtest, if there are any: it could not know one that comes later."""
    target_names = list_target_columns(predictions)
    if target_names != [TARGET]:
        tags = [name.removeprefix(f"{TARGET}:") for name in target_names]
        set_params(project, {f"prepare.{project.task}.tags": tags})


def choose_replayed_days(task: str, tables: Tables, day_count: int) -> list[pd.Timestamp]:
    """Return the last days of the tables. Raises UserError if no history is left before them."""
    days = list_days(task, tables)
    if day_count >= len(days):
        raise UserError(f"{task} has {len(days)} days, so the last {day_count} cannot be replayed; replay fewer.")
    return days[-day_count:]


def compare_replay(replay: LiveReplay, predictions: pd.DataFrame, days: Sequence[pd.Timestamp]) -> LogComparison:
    """Compare the log of a replay with a backtest on the replayed days."""
    return compare_log(replay.read_log(), predictions, days)


def find_folds_path(project: ScratchProject) -> str:
    """Return the path of the section of params.yaml that says how the task's dated rows are split."""
    params = yaml.safe_load((project.folder / "params.yaml").read_text())
    section = params["folds"][params["tasks"][project.task]["settings"]] or {}
    return f"folds.{project.task}{'.dated' if 'dated' in section else ''}"


def write_lock(folder: Path, task: str) -> None:
    """Write a dvc.lock that names outputs and parameters as they are, as `dvc repro` would; the rest is left out."""
    params: dict[str, Any] = yaml.safe_load((folder / "params.yaml").read_text())
    sections = {f"tasks.{task}": params["tasks"][task]}
    for stage in TASK_SECTIONS:
        sections |= {f"{stage}.{name}": params[stage][name] for name in ("defaults", task) if name in params[stage]}
    outputs = [output.format(task) for output in OUTPUTS]
    entries = [{"path": output, "md5": hash_path(folder / output)} for output in outputs]
    lock_stage = {"cmd": "replay", "params": {"params.yaml": sections}, "outs": entries}
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {f"replay@{task}": lock_stage}}))


def run_stages(project: ScratchProject, since: str, until: str) -> None:
    """Run stages of a project. Raises UserError with what a stage refused with."""
    if refusal := project.run(since, until):
        raise UserError(refusal)


def set_params(project: ScratchProject, values: Mapping[str, Any]) -> None:
    """Set parameters of a project by their dotted paths."""
    path = project.folder / "params.yaml"
    params = set_values(yaml.safe_load(path.read_text()), dict(values))
    path.write_text(yaml.safe_dump(params, sort_keys=False))
