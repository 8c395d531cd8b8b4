"""Compare two runs of a task; only runs scored on the same rows with the same outcomes are comparable."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trueline.core.errors import UserError
from trueline.core.scorer_description import get_path
from trueline.experiments.store import dvc_lock, file_cache
from trueline.experiments.store.metric_definitions import METRICS
from trueline.experiments.store.param_diff import compare_params
from trueline.experiments.store.run_tables import Run, read_inputs_known, read_predictions, read_prepared

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS_NAMED = 3  # rows that an error message names
IGNORED_SECTIONS = ("experiment", "diagnose", "engine", "workers")  # no score depends on these
RUN_OUTPUT_FOLDERS = ("models/", "data/scores/", "data/predictions/")  # outputs of a run, which always differ
# the code that a cached comparison depends on, besides data and parameters
SCORING_CODE_GLOBS = ("stages/evaluate/**/*.py", "trueline/core/**/*.py")

Comparison = dict[str, Any]


@dataclass(frozen=True)
class RowOverlap:
    """The rows that two runs share, and those in which their tests differ."""

    common: frozenset[str]  # rows of groups (days, races, clusters) that are complete in both, with equal outcomes
    only_in: tuple[tuple[str, ...], tuple[str, ...]]
    differing_outcomes: tuple[str, ...]  # rows in both whose outcomes differ

    @property
    def is_identical(self) -> bool:
        """Whether both runs were scored on the same rows with the same outcomes."""
        return not any((*self.only_in, self.differing_outcomes))


def compare_runs(task: str, first_run: Run, second_run: Run, common: bool = False, fetch: bool = True) -> Comparison:
    """Return the scorer's comparison of two runs of a task; cached while data, parameters and code stay the same.

    `metrics` holds for each metric both values, the difference (first − second) with its block-bootstrap interval, and
    whether the first run is better, worse or undecided. Lines and other facts come from the first run's prepared rows.
    Raises UserError, naming the rows, for runs scored on different rows or outcomes; with `common` the groups (days,
    races, clusters) that are complete in both with equal outcomes are compared instead, and a sentence says so. Missing
    predictions are fetched from a remote if `fetch` is set; otherwise UserError is raised.
    """
    name = _build_cache_name(task, first_run, second_run, common)
    cached = file_cache.get_cached(name) if name else None
    if cached is not None:
        return dict(cached)
    try:
        comparison = _compare_predictions(task, first_run, second_run, common, fetch)
    except (LookupError, TypeError) as error:  # a column is missing, or holds something else
        names = f"{first_run.name} or {second_run.name}"
        raise UserError(
            f"the predictions of {names} are not as the stages write them ({error!r}); run them again."
        ) from None
    return dict(file_cache.store_cached(name, comparison)) if name else comparison


def compare_origins(task: str, first_run: Run, second_run: Run) -> Comparison:
    """Return the parameters, data and code that differ between the origins of two runs' scores."""
    first_deps, second_deps = (dvc_lock.get_dependency_hashes(run.lock, task) for run in (first_run, second_run))
    read_paths = (path for path in first_deps | second_deps if not path.startswith(RUN_OUTPUT_FOLDERS))
    files = sorted(path for path in read_paths if first_deps.get(path) != second_deps.get(path))
    changed_params = compare_params(first_run.params, second_run.params)
    all_tasks = {*first_run.tasks, *second_run.tasks, *(first_run.params.get("tasks") or {})}
    task_params = {
        path: pair for path, pair in changed_params.items() if not set(path.split(".")[1:2]) & (all_tasks - {task})
    }
    return {
        "params": {
            path: list(values) for path, values in task_params.items() if path.partition(".")[0] not in IGNORED_SECTIONS
        },
        "data": {path: [first_deps.get(path), second_deps.get(path)] for path in files if not dvc_lock.is_code(path)},
        "code": [path for path in files if dvc_lock.is_code(path)],
    }


def find_row_overlap(first_table: "pd.DataFrame", second_table: "pd.DataFrame") -> RowOverlap:
    """Return which scored rows two tables of predictions share; outcomes are the columns `target` and `target:…`."""
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
            f"{first_run.name} and {second_run.name} have no scored rows in common; compare runs of one test period."
        )
    if not overlap.is_identical and not common:
        raise UserError(
            f"{names[0]} and {names[1]} were not scored on the same rows ({_describe_mismatch(names, overlap)}); "
            f"nothing is ranked: --common compares the {len(overlap.common):,} rows of groups that are complete in "
            f"both, with equal outcomes."
        )
    table_pair = [
        _select_common_rows(table, overlap).assign(
            inputs_known=read_inputs_known(task, run.experiment.rev if run.experiment else None)
        )
        for table, run in zip(tables, (first_run, second_run), strict=True)
    ]
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
        comparison["sentences"] = [
            f"Only the {len(overlap.common):,} rows of groups that both have whole, with equal outcomes, are compared "
            f"({_describe_mismatch(names, overlap)}): it says nothing of the scores of either on its own rows.",
            *comparison["sentences"],
        ]
    return comparison


def _list_metric_differences(task: str, pair: Sequence[Run], scorer_result: Comparison) -> list[Comparison]:
    """Return the metrics for which the scorer gives a paired difference."""
    differences = []
    for metric in METRICS.values():
        interval = get_path(scorer_result, metric.paired_path)
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


def _describe_mismatch(names: tuple[str, str], overlap: RowOverlap) -> str:
    mismatches = [(row_ids, f"only in {name}") for name, row_ids in zip(names, overlap.only_in, strict=True)]
    mismatches.append((overlap.differing_outcomes, "with outcomes that differ"))
    return "; ".join(
        f"{len(row_ids):,} {where}: {_format_row_ids(row_ids)}" for row_ids, where in mismatches if row_ids
    )


def _format_row_ids(row_ids: Sequence[str]) -> str:
    return ", ".join(row_ids[:MAX_ROWS_NAMED]) + (", …" if len(row_ids) > MAX_ROWS_NAMED else "")


def _build_cache_name(task: str, first_run: Run, second_run: Run, common: bool) -> str | None:
    """Return the cache name of a comparison, from all that it depends on; None if a hash is not known."""
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
