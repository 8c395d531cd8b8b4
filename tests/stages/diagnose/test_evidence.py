"""Evidence read from files by column gives the same findings as tables in memory; shortcuts equal plain methods."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.diagnose.checks.constant_features import _find_commonest_share
from stages.diagnose.checks.duplicates import _compute_duplicate_share
from stages.diagnose.checks.feature_shift import _compute_shift, _count_cells
from stages.diagnose.root_cause.row_quality import build_segments, score_row_quality
from stages.diagnose.units.evidence import Evidence, compute_once, open_evidence_tables
from stages.diagnose.units.graded_units import build_graded_units
from tests.stages.diagnose.test_diagnose import healthy
from trueline.benchmarks.fault_lab.planted_faults import inject_fault
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.runtime.params import load_settings
from trueline.core.runtime.plugins import list_plugins, load_plugin
from trueline.core.stored_tables.lazy_parquet import LazyTable
from trueline.core.tables import table_schema

TABLES = ("features", "folds", "prepared", "predictions")
VALUES = st.sampled_from([0.0, -0.0, 1.0, 2.5, np.nan])


def from_files(evidence: Evidence, folder: Path, cache_bytes: int) -> Evidence:
    """Return the same evidence as the stage reads it from files; `cache_bytes` of columns are cached."""
    paths = {name: folder / f"{name}.parquet" for name in TABLES}
    for name, path in paths.items():
        table_schema.write_table(getattr(evidence, name), path)
    found = open_evidence_tables(paths)
    for name in ("features", "folds", "prepared"):
        found[name] = LazyTable(paths[name], {"row_id": found[name]["row_id"]}, cache_bytes)
    return replace(evidence, **found)


def findings(evidence: Evidence, task: str, folder: Path) -> dict[str, Any]:
    """Return the findings of every check that is configured for the task, as they would be written."""
    found = {}
    for name in list_plugins("diagnose/checks"):
        check = load_plugin("diagnose/checks", name)
        if not hasattr(check, "Settings"):
            found[name] = check.check(evidence)
        elif name not in ("alerts", "tag_drift") and task == "props":  # these simulate for seconds
            found[name] = check.check(evidence, load_settings(check.Settings, "diagnose", task, name))
    write_json(found, folder / "found.json")
    written: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return written


@pytest.mark.parametrize("cache_bytes", [0, 1 << 20])
def test_every_check_finds_the_same_in_races_that_are_stored(tmp_path: Path, cache_bytes: int) -> None:
    evidence = healthy()
    assert findings(from_files(evidence, tmp_path, cache_bytes), "racing", tmp_path) == findings(
        evidence, "racing", tmp_path
    )


def test_every_check_finds_the_same_in_quantities_that_are_stored(tmp_path: Path) -> None:
    evidence = inject_fault("nothing", 0)
    files = from_files(evidence, tmp_path, 0)
    assert findings(files, "props", tmp_path) == findings(evidence, "props", tmp_path)
    one, other = (score_row_quality(of).reset_index(drop=True) for of in (files, evidence))
    pd.testing.assert_frame_equal(one, other)
    one, other = (build_graded_units(of).drop(columns=["row_id", "entity", "block"]) for of in (files, evidence))
    pd.testing.assert_frame_equal(one, other)
    one, other = (
        build_segments(of, ["role", "usual", "line_origin"]).reset_index(drop=True) for of in (files, evidence)
    )
    pd.testing.assert_frame_equal(one.astype(str), other.astype(str))


def test_predictions_are_read_without_columns_of_no_target(tmp_path: Path) -> None:
    evidence = healthy()
    beside = replace(evidence, predictions=evidence.predictions.assign(**{"tuned:spread": 1.0}))
    assert list(from_files(beside, tmp_path, 0).predictions) == list(evidence.predictions)


@given(rows=st.lists(st.tuples(VALUES, VALUES, st.sampled_from(["a", "b", None])), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_duplicates_are_those_that_pandas_finds_by_comparing_every_input(rows: list[tuple[Any, ...]]) -> None:
    inputs = pd.DataFrame(rows, columns=["x", "y", "z"]).astype({"x": float, "y": float, "z": "category"})
    row_id = pd.Series([f"r{n}" for n in range(len(rows))], dtype="str")
    folds = pd.DataFrame({"row_id": row_id, "group": row_id, "time": pd.Timestamp(0), "test_0": "score"})
    evidence = replace(healthy(), features=pd.concat([row_id.rename("row_id"), inputs], axis=1), folds=folds)
    known = inputs[inputs.notna().any(axis=1)]
    assert _compute_duplicate_share(evidence) == pytest.approx(
        known.duplicated(keep=False).mean() if len(known) else 0.0
    )


@given(
    values=st.lists(st.sampled_from([*map(float, range(40)), 3.0, 3.0, 3.0, np.nan]), max_size=150),
    much=st.integers(0, 200),
    limit=st.sampled_from([0.05, 0.3, 0.6, 0.9]),
)
@settings(max_examples=300, deadline=None)
def test_the_commonest_value_is_that_of_a_count_of_all(values: list[float], much: int, limit: float) -> None:
    column = pd.Series([*values, *[7.0] * much, *map(float, range(100, 140))])
    share = column.value_counts(normalize=True)
    found = _find_commonest_share(np.asarray(column, np.float64), limit)
    if share.index[0] in (column.min(), column.max()) and share.iloc[0] != share.iloc[1]:
        assert found is None
    elif share.iloc[0] > limit and share.iloc[0] != share.iloc[1]:
        assert found == pytest.approx(share.iloc[0])
    else:
        assert found is None or found == pytest.approx(share.iloc[0])


def test_no_value_is_common_among_few() -> None:
    assert _find_commonest_share(np.array([1.0] * 50 + [2.0, 3.0]), 0.6) is None
    assert _find_commonest_share(np.array([np.nan, np.nan]), 0.6) is None


@given(
    fit=st.lists(VALUES, min_size=1, max_size=60), score=st.lists(VALUES, min_size=1, max_size=60), many=st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_cells_are_counted_as_one_would_by_placing_every_row(fit: list[float], score: list[float], many: bool) -> None:
    more = [n / 8 for n in range(30)] if many else []  # beyond 20 values, deciles
    one, other = pd.Series([*fit, *more], dtype=float), pd.Series([*score, *more[::3]], dtype=float)
    edges = np.unique(np.quantile(one.dropna(), np.arange(1, 10) / 10)) if one.nunique() > 20 else None
    levels = sorted(one.dropna().unique())
    counts = _count_cells(one, other, np.arange(len(one)))
    for side, found in zip((one, other), counts, strict=True):
        place: list[int] = [
            0 if np.isnan(v) else 1 + int(np.searchsorted(edges, v, "right")) if edges is not None
            else 2 + levels.index(v) if v in levels else 1
            for v in side
        ]  # fmt: skip
        cells = (len(edges) + 2) if edges is not None else len(levels) + 2
        assert found.tolist() == np.bincount(place, minlength=cells).tolist()


def test_deciles_cut_from_some_of_many_rows_hardly_move_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    fit, score = pd.Series(random.normal(size=400_000)), pd.Series(random.normal(0.2, 1, 200_000))
    some = np.sort(random.choice(len(fit), 100_000, replace=False))
    whole, part = (
        _compute_shift(*_count_cells(fit, score, rows), 0.01, 80)["psi"] for rows in (np.arange(len(fit)), some)
    )
    assert part == pytest.approx(whole, abs=0.001)
    assert whole > 0.03


def test_a_result_is_computed_once_for_each_evidence_and_equal_arguments() -> None:
    calls: list[list[str]] = []

    @compute_once
    def count_calls(evidence: Evidence, names: list[str]) -> int:
        calls.append(names)
        return len(calls)

    evidence = healthy()
    again = replace(evidence)
    results = [count_calls(of, list(names)) for of, names in ((evidence, "a"), (evidence, "a"), (evidence, "b"))]
    assert results == [1, 1, 2]
    assert count_calls(again, ["a"]) == 3
    assert count_calls(evidence, ["a"]) == 1
