"""Logged source: predictions that the loop adds to a source change no input of a model and no model."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline_copy import ROOT
from trueline.benchmarks.lie_lab.scratch_project import copy_project
from trueline.benchmarks.replay_lab.day_tables import read_day_tables, write_tables
from trueline.benchmarks.replay_lab.live_replay import run_stages
from trueline.core.tables import table_schema
from trueline.daily.production_part import add_logged_predictions

READERS = {"racing": "runners", "events": "listings"}


@pytest.mark.parametrize("task", READERS)
def test_a_log_in_the_source_is_in_the_prepared_rows_and_changes_no_input(task: str, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project", task)
    tables = read_day_tables(task, READERS[task], str(ROOT / f"data/sample/{task}"))
    write_tables(tables, project.source)
    features = project.folder / f"data/features/{task}.parquet"
    prepared = project.folder / f"data/prepared/{task}.parquet"
    run_stages(project, "prepare", "features")
    expected, rows = features.read_bytes(), table_schema.read_table(prepared)
    log = tmp_path / "log"
    log.mkdir()
    (log / "1-0.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in _make_log(task, rows.tail(40))))
    assert add_logged_predictions(log, project.source) == 40
    run_stages(project, "prepare", "features")
    assert features.read_bytes() == expected
    production = table_schema.read_table(prepared).filter(regex="^production(:|$)")
    assert int(production.notna().any(axis=1).sum()) == 40


def _make_log(task: str, rows: pd.DataFrame) -> list[dict[str, object]]:
    facts = {"model": "m", "model_hash": "abc", "created_at": "2024-05-01T08:00:00+00:00"}
    if task == "events":
        tags = [str(name).removeprefix("target:") for name in rows if str(name).startswith("target:")]
        return [facts | {"id": row_id, "predicted": dict.fromkeys(tags, 0.25)} for row_id in rows["row_id"]]
    keys = (str(row_id).rsplit(":", 1) for row_id in rows["row_id"])
    return [facts | {"race_id": race_id, "box": int(box), "predicted": 0.2} for race_id, box in keys]
