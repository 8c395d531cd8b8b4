"""compare: two runs of a task, ranked only where both were judged on the same rows with the same outcomes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trueline.core.errors import UserError
from trueline.experiments.store import dvc_lock, file_cache, metric_definitions
from trueline.experiments.store.metric_definitions import METRICS
from trueline.experiments.store.param_diff import compare_params
from trueline.experiments.store.run_tables import Run, read_predictions, read_prepared

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS_NAMED = 3  # rows that a refusal names
IGNORED_SECTIONS = ("experiment", "diagnose", "workers")  # sections that no score depends on
RUN_OUTPUT_FOLDERS = ("models/", "data/scores/", "data/predictions/")  # what a run makes: of course it differs
SCORING_CODE_GLOBS = (
    "stages/evaluate/**/*.py",
    "trueline/core/**/*.py",
)  # what a remembered verdict depends on besides data and knobs

Comparison = dict[str, Any]


@dataclass(frozen=True)
class RowOverlap:
    """Which rows two runs share, and where their tests are not the same."""

    common: frozenset[str]  # of groups (days, races, clusters) whose every row is in both, with equal outcomes
    only_in: tuple[tuple[str, ...], tuple[str, ...]]
    differing_outcomes: tuple[str, ...]  # in both, with outcomes that differ

    @property
    def is_identical(self) -> bool:
        """Whether both runs were judged on the same rows with the same outcomes."""
        return not any((*self.only_in, self.differing_outcomes))


def compare_runs(task: str, first_run: Run, second_run: Run, common: bool = False, fetch: bool = True) -> Comparison:
    """Return what the task's scorer says of two runs; remembered while data, knobs and code are the same.

    `metrics` hold for each metric the values, the difference (one less other) with its interval by drawn blocks, and
    whether the one is better, worse or undecided. Lines and other facts are those that the first run prepared. Runs
    judged on different rows or outcomes are refused, and the rows named; with `common` the groups (days, races,
    clusters) that both have whole, with equal outcomes, are compared, and it is said. Predictions that are not at hand
    are fetched from a remote, or refused without `fetch`.
    """
    name = _build_cache_name(task, first_run, second_run, common)
    cached = file_cache.get_cached(name) if name else None
    if cached is not None:
        return dict(cached)
    comparison = _compare_predictions(task, first_run, second_run, common, fetch)
    return dict(file_cache.store_cached(name, comparison)) if name else comparison


def compare_origins(task: str, first_run: Run, second_run: Run) -> Comparison:
    """Return the parameters, data and code that differ between what two runs' scores were made from."""
    first_deps, second_deps = (dvc_lock.get_dependency_hashes(run.lock, task) for run in (first_run, second_run))
    read_paths = (path for path in first_deps | second_deps if not path.startswith(RUN_OUTPUT_FOLDERS))
    files = sorted(path for path in read_paths if first_deps.get(path) != second_deps.get(path))
    changed_params = compare_params(first_run.params, second_run.params)
    planned_tasks = {*first_run.tasks, *second_run.tasks, *(first_run.params.get("tasks") or {})}
    task_params = {
        path: pair for path, pair in changed_params.items() if not set(path.split(".")[1:2]) & (planned_tasks - {task})
    }
    return {
        "params": {
            path: list(values) for path, values in task_params.items() if path.partition(".")[0] not in IGNORED_SECTIONS
        },
        "data": {path: [first_deps.get(path), second_deps.get(path)] for path in files if not path.endswith(".py")},
        "code": [path for path in files if path.endswith(".py")],
    }


def find_row_overlap(first_table: "pd.DataFrame", second_table: "pd.DataFrame") -> RowOverlap:
    """Return which scored rows two tables of predictions share; outcomes are the columns target and target:…"""
    first_outcomes, second_outcomes = _select_outcomes(first_table), _select_outcomes(second_table)
    common_ids = first_outcomes.index.intersection(second_outcomes.index)
    columns = sorted({*first_outcomes.columns, *second_outcomes.columns})
    first_aligned, second_aligned = (
        outcomes.reindex(index=common_ids, columns=columns) for outcomes in (first_outcomes, second_outcomes)
    )
    unequal = ~((first_aligned == second_aligned) | (first_aligned.isna() & second_aligned.isna())).all(axis=1)
    only_in = (
        tuple(sorted(first_outcomes.index.difference(common_ids))),
        tuple(sorted(second_outcomes.index.difference(common_ids))),
    )
    mismatched = {*only_in[0], *only_in[1], *common_ids[unequal]}
    dropped_groups = {
        group for table in (first_table, second_table) for group in table["group"][table["row_id"].isin(mismatched)]
    }
    complete_ids = (set(table["row_id"][~table["group"].isin(dropped_groups)]) for table in (first_table, second_table))
    return RowOverlap(frozenset(set.intersection(*complete_ids)), only_in, tuple(sorted(common_ids[unequal])))


def _compare_predictions(task: str, first_run: Run, second_run: Run, common: bool, fetch: bool) -> Comparison:
    from trueline.core.runtime.params import load_seed, load_settings, load_task_config
    from trueline.core.runtime.plugins import load_plugin

    tables = [read_predictions(task, run, fetch) for run in (first_run, second_run)]
    names = (first_run.name, second_run.name)
    overlap = find_row_overlap(*tables)
    if not overlap.common:
        raise UserError(
            f"{first_run.name} and {second_run.name} scored no row in common; compare runs of the same test period."
        )
    if not overlap.is_identical and not common:
        raise UserError(_format_mismatch_error(names, overlap))
    table_pair = [_select_common_rows(table, overlap) for table in tables]
    scorer = load_plugin("evaluate", load_task_config(task).scorer, "compare")
    settings = load_settings(scorer.Settings, "evaluate", task)
    scorer_result = scorer.compare(*table_pair, read_prepared(task, first_run, fetch), names, settings, load_seed())
    counts = {"rows": len(overlap.common), "alone": [len(row_ids) for row_ids in overlap.only_in]}
    comparison = {
        **counts,
        "outcomes_that_differ": len(overlap.differing_outcomes),
        **scorer_result,
        "metrics": _list_metric_differences(task, (first_run, second_run), scorer_result),
    }
    if not overlap.is_identical:
        comparison["sentences"] = [_format_warning(names, overlap), *comparison["sentences"]]
    return comparison


def _list_metric_differences(task: str, pair: Sequence[Run], scorer_result: Comparison) -> list[Comparison]:
    """Return each metric of which the scorer gives a paired difference."""
    differences = []
    for metric in METRICS.values():
        interval = metric_definitions.get_nested(scorer_result, metric.paired_path) if metric.paired_path else None
        if isinstance(interval, dict) and interval.get("value") is not None:
            bounds = [
                None if interval[end] is None else interval[end] / metric.scale for end in ("value", "low", "high")
            ]
            values = [run.get_figures(task).get(metric.name) for run in pair]
            differences.append(
                {
                    "metric": metric.name,
                    "of": metric.judged_by or metric.name,
                    "values": values,
                    **dict(zip(("difference", "low", "high"), bounds, strict=True)),
                    "verdict": metric.get_verdict(*bounds[1:]),
                }
            )
    return differences


def _select_outcomes(table: "pd.DataFrame") -> "pd.DataFrame":
    from trueline.core.splits.walk_forward import list_target_columns

    return table[["row_id", *list_target_columns(table)]].drop_duplicates("row_id").set_index("row_id")


def _select_common_rows(table: "pd.DataFrame", overlap: RowOverlap) -> "pd.DataFrame":
    common_rows = table[table["row_id"].isin(overlap.common)]
    return common_rows.sort_values("row_id", kind="stable", ignore_index=True)


def _format_mismatch_error(names: tuple[str, str], overlap: RowOverlap) -> str:
    return (
        f"{names[0]} and {names[1]} were not judged on the same rows ({_describe_mismatch(names, overlap)}); nothing is ranked: "
        f"--common compares the {len(overlap.common):,} rows of groups that both have whole, with equal outcomes."
    )


def _format_warning(names: tuple[str, str], overlap: RowOverlap) -> str:
    return (
        f"Only the {len(overlap.common):,} rows of groups that both have whole, with equal outcomes, are compared "
        f"({_describe_mismatch(names, overlap)}): it says nothing of the scores of either on its own rows."
    )


def _describe_mismatch(names: tuple[str, str], overlap: RowOverlap) -> str:
    mismatches = [(row_ids, f"only in {name}") for name, row_ids in zip(names, overlap.only_in, strict=True)]
    mismatches.append((overlap.differing_outcomes, "with outcomes that differ"))
    return "; ".join(
        f"{len(row_ids):,} {where}: {_format_row_ids(row_ids)}" for row_ids, where in mismatches if row_ids
    )


def _format_row_ids(row_ids: Sequence[str]) -> str:
    return ", ".join(row_ids[:MAX_ROWS_NAMED]) + (", …" if len(row_ids) > MAX_ROWS_NAMED else "")


def _build_cache_name(task: str, first_run: Run, second_run: Run, common: bool) -> str | None:
    """Return under which name a verdict is remembered: what it depends on; None where a hash is not known."""
    paths = (f"data/predictions/{task}.parquet", f"data/prepared/{task}.parquet")
    hashes = [
        first_run.get_output_hash(paths[0]),
        second_run.get_output_hash(paths[0]),
        first_run.get_output_hash(paths[1]),
    ]
    if not all(hashes):
        return None
    figures = [run.get_figures(task) for run in (first_run, second_run)]
    params_text = Path("params.yaml").read_text() if Path("params.yaml").exists() else ""
    key = json.dumps(
        [task, first_run.name, second_run.name, *hashes, common, figures, params_text, _hash_scoring_code()],
        sort_keys=True,
    )
    return f"verdicts/{hashlib.md5(key.encode()).hexdigest()}.json"


def _hash_scoring_code() -> str:
    files = sorted(file for pattern in SCORING_CODE_GLOBS for file in Path().glob(pattern))
    return hashlib.md5(b"".join(file.read_bytes() for file in files)).hexdigest()
