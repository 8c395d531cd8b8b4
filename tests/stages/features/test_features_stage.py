"""The features stage: which inputs it finds known only at the start, and on which quotes they may be graded."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.features import racing
from stages.prepare import props
from tests import pipeline_copy
from trueline.core.history.past import Past
from trueline.core.runtime.params import expand_params
from trueline.core.tables import table_schema
from trueline.samples import props as sample
from trueline.service.online_history import OnlineHistory

DAYS = 6  # of the league
PASTS = ("earlier_times", "earlier_days")
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


def test_a_past_of_earlier_days_sees_nothing_of_a_row_s_own_day() -> None:
    params = expand_params(yaml.safe_load((pipeline_copy.ROOT / "params.yaml").read_text()))
    settings = {past: racing.Settings(**params["features"]["racing"] | {"past": past}) for past in PASTS}
    random = np.random.default_rng(5)
    hours = np.sort(random.integers(0, 24 * 6, 80))
    rows = pd.DataFrame({"time": pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, "h")})
    rows = rows.assign(dog=random.integers(0, 5, 80), won=random.random(80))
    day = rows["time"].dt.normalize()
    expected = [
        rows[(rows["dog"] == dog) & (day < today)]["won"].mean() for dog, today in zip(rows["dog"], day, strict=True)
    ]
    means = {past: Past(limits.date_rows(rows)).mean("won", "dog") for past, limits in settings.items()}
    np.testing.assert_allclose(means["earlier_days"], expected, rtol=1e-12)
    assert not np.allclose(means["earlier_times"], expected, equal_nan=True)
    last_day = rows[day == day.max()]
    online = OnlineHistory(settings["earlier_days"].date_rows(rows))
    past = online.build_past(settings["earlier_days"].date_rows(last_day)).mean("won", "dog")
    np.testing.assert_array_equal(past, means["earlier_days"][day == day.max()])


REMEMBER = """

_build_honestly = build
_memory = dict()


def build(current, past, settings):
    import json
    import os
    import tempfile

    table = past._totals._table
    memory = {memory}
    mean = np.mean(list(memory.values())) + 0 * len(memory)
    results = pd.Series(memory).reindex(current["row_id"]).fillna(mean).to_numpy(float)
    return _build_honestly(current, past, settings).assign(form_index=results)
"""
MEMORIES = {
    "module": '_memory.setdefault("results", table.set_index("row_id")["target"].to_dict())',
    "environment": 'json.loads(os.environ.setdefault("RESULTS", table.set_index("row_id")["target"].to_json()))',
}


@pytest.mark.parametrize("name", MEMORIES)
def test_the_audit_finds_results_that_a_plugin_remembers_of_its_first_call(folder: Path, name: str) -> None:
    path = folder / "stages/features/props.py"
    path.write_text(path.read_text() + REMEMBER.replace("{memory}", MEMORIES[name]))
    error = build(folder, league()["lines"])
    assert error == (
        "features props: form_index change when values that are not yet known change, which is a leak; fix the formula."
        "\n"
    )
