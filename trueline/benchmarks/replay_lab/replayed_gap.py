"""Replayed gap: the gap report of the pipeline on the log of a replay, beside the backtest of the same days."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from stages.diagnose.checks import gap
from stages.diagnose.units.evidence import CheckLimits, Evidence, open_evidence_tables
from trueline.benchmarks.lie_lab.scratch_project import ScratchProject
from trueline.benchmarks.replay_lab.live_replay import run_stages
from trueline.core.gap_measure import GapMeasure
from trueline.core.runtime.params import expand_params, parse_settings
from trueline.core.scorer_description import load_description
from trueline.daily.production_part import PRODUCTION_TABLE, add_logged_predictions

TABLES = {name: f"data/{name}/{{task}}.parquet" for name in ("predictions", "prepared", "features", "folds")}


def build_replayed_gap(backtest: ScratchProject, log_folder: Path, days: Sequence[pd.Timestamp]) -> dict[str, Any]:
    """Return the gap report on some days, with a task's log in the backtest's source as `daily` would put it there.

    The log of an earlier call is replaced.
    """
    for log_file in backtest.source.glob(f"{PRODUCTION_TABLE}.*"):
        log_file.unlink()
    add_logged_predictions(log_folder, backtest.source)
    run_stages(backtest, "prepare", "prepare")
    params = expand_params(yaml.safe_load((backtest.folder / "params.yaml").read_text()))
    measure = load_description(params["tasks"][backtest.task]["scorer"]).gap
    assert measure is not None
    settings = parse_settings(params, gap.Settings, "diagnose", backtest.task, "gap")
    rows = gap.join_evidence_rows(_open_evidence(backtest, params, measure), measure, settings.segments)
    replayed_rows = rows[rows["day"].isin(list(days))].reset_index(drop=True)
    return gap.build_gap_report(replayed_rows, settings, params["seed"], measure)


def _open_evidence(project: ScratchProject, params: dict[str, Any], measure: GapMeasure) -> Evidence:
    paths = {name: project.folder / path.format(task=project.task) for name, path in TABLES.items()}
    return Evidence(
        task=project.task,
        **open_evidence_tables(paths),
        columns=[],
        report={"gap_measure": asdict(measure)},
        audit={},
        limits=parse_settings(params, CheckLimits, "diagnose", project.task, "limits"),
        seed=params["seed"],
    )
