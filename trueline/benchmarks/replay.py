"""replay: the last days of a task predicted one by one from what was known, against one backtest over the whole table.

`python -m trueline benchmarks replay --task racing --days 40` takes the sample and the parameters of params.yaml, apart
from the folds, which are retrained on their schedule from the day before the replayed ones, and the inputs, which see
earlier days only. `--source` names another source, and `--set path=value` another parameter.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from stages.diagnose.checks.gap import format_sentences
from trueline.benchmarks.lie_lab.scratch_project import ROOT
from trueline.benchmarks.replay_lab.day_tables import TASKS, list_days, read_day_tables
from trueline.benchmarks.replay_lab.live_replay import (
    LiveReplay,
    choose_replayed_days,
    compare_replay,
    fix_tags,
    make_replay_projects,
    run_backtest,
)
from trueline.benchmarks.replay_lab.replayed_gap import build_replayed_gap
from trueline.core.errors import UserError


def main(*arguments: str) -> None:
    """Replay the last days of a task and print how many logged predictions equal the backtest's, and what differs."""
    options = _parse_arguments(arguments)
    task_config = yaml.safe_load((ROOT / "params.yaml").read_text())["tasks"][options.task]
    source = options.source or str(ROOT / task_config["source"])
    tables = read_day_tables(options.task, task_config["reader"], source)
    days, history = choose_replayed_days(options.task, tables, options.days), list_days(options.task, tables)
    with tempfile.TemporaryDirectory(prefix="trueline-") as folder:
        projects = make_replay_projects(Path(folder), options.task, days, history, _read_changes(options.set))
        predictions = run_backtest(projects[0], tables)
        fix_tags(projects[1], predictions)
        live = LiveReplay(projects[1], tables)
        for day in days:
            live.predict_day(day)
            is_trained = day in live.trainings
            print(f"{day:%Y-%m-%d}: predicted{' by a new model' if is_trained else ''}", flush=True)
        print(f"{options.task}: {compare_replay(live, predictions, days).format_sentence()}")
        report = build_replayed_gap(projects[0], live.log_folder / options.task, days)
        print(f"{options.task}: {format_sentences(report)[0]}")


def _parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trueline benchmarks replay")
    parser.add_argument("--task", choices=list(TASKS), required=True)
    parser.add_argument("--days", type=int, default=40, help="how many days to replay")
    parser.add_argument("--source", help="a source with the columns of the sample; by default that of params.yaml")
    parser.add_argument("--set", action="append", default=[], help="a parameter, such as tasks.racing.learner=forest")
    return parser.parse_args(arguments)


def _read_changes(settings: Sequence[str]) -> dict[str, Any]:
    changes = {}
    for setting in settings:
        path, sign, value = setting.partition("=")
        if not sign:
            raise UserError(f"--set {setting!r} has no value; write it as path=value.")
        changes[path] = yaml.safe_load(value)
    return changes
