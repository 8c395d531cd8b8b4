"""The features stage: which inputs it finds known only at the start, and on which quotes they may be graded."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages.prepare import props
from tests import pipeline_copy
from trueline.core.runtime.params import expand_params
from trueline.core.tables import table_schema
from trueline.samples import props as sample

DAYS = 6  # of the league
SETTINGS = props.Settings(
    **expand_params(yaml.safe_load((pipeline_copy.ROOT / "params.yaml").read_text()))["prepare"]["props"]
)


@cache
def league() -> dict[str, pd.DataFrame]:
    clean, _ = sample.simulate_clean_sample(1)
    last_day = clean["games"]["date"].min() + pd.Timedelta(days=DAYS)
    return {name: table[table["date"] <= last_day] for name, table in clean.items() if name != "production"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pipeline_copy.copy(tmp_path)


def build(folder: Path, lines: pd.DataFrame, **features: Any) -> str:
    """Run the stage on the league with such lines; return its error, if any."""
    rows = props.prepare(league() | {"lines": lines}, SETTINGS)[0]
    path = folder / "data/prepared/props.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table_schema.write_table(rows, path, props.columns(rows))
    pipeline_copy.change(folder, **{f"features__props__{name}": value for name, value in features.items()})
    return pipeline_copy.run(folder, "features", "props").stderr


def test_line_ups_on_quotes_without_times_are_refused_or_doubtful_and_named(folder: Path) -> None:
    untimed = league()["lines"].drop(columns="quoted_at")
    error = build(folder, untimed, decision="at_start")
    assert error.startswith("features props: opponent_side_minutes, ")
    assert "add quoted_at to lines, and start_time (or lineups_at) to games" in error
    assert len(error.splitlines()) == 1
    assert not (folder / "data/features/props.parquet").exists()
    assert build(folder, untimed, untimed_quotes="doubtful") == ""
    audit = json.loads((folder / "metrics/props/leaks.json").read_text())
    assert {"side_usual", "side_minutes", "opponent_side_usual"} <= set(audit["known_at_start"])
    assert all("side" in name for name in audit["known_at_start"])


def test_line_ups_on_quotes_with_times_are_inputs_and_so_are_last_lines(folder: Path) -> None:
    assert build(folder, league()["lines"], decision="at_start", market="line") == ""
    audit = json.loads((folder / "metrics/props/leaks.json").read_text())
    assert {"side_usual", "line", "line_move", "fair_over"} <= set(audit["known_at_start"])
    assert not {"line_last", "mean_5", "home"} & set(audit["known_at_start"])
