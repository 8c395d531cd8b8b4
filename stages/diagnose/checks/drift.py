"""drift: since when have inputs, predictions, calibration or error differed from the reference period?"""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from stages.diagnose.units.array_types import Floats, Ints
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.graded_units import build_graded_units
from stages.diagnose.units.time_bins import assign_steps, average_steps, find_monotone_columns
from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.change_detection import detect_shifts
from trueline.core.stored_tables.lazy_parquet import is_number_column, iter_columns
from trueline.core.stored_tables.row_lookup import convert_to_slice, lookup_rows, take_or_nan

NAME = "Since when is anything other than it was?"
ASKS = "health"

KINDS = ("inputs", "predictions", "calibration", "error")
MAX_SHOWN = 10
FINISHED_SHARE = 0.9  # of the units of a usual step, below which the newest one is not over: some results are not in


class Settings(StageSettings):
    """The length of the reference, the allowed rate of false alarms, and how finely time is cut."""

    reference_share: float = Field(gt=0, lt=1)
    false_alarms: float = Field(gt=0, lt=1)
    block_steps: int = Field(ge=1)
    most_steps: int = Field(ge=20)
    draws: int = Field(ge=20)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Warn of series that left their reference in the scored rows, with the day on which that was first detected.

    Watched are the mean and the missing share of every numeric input, mean and spread of the predictions, the part of
    the error that varies with the prediction (calibration slope), the signed error and the loss. Each of these four
    kinds is watched at `false_alarms` / 4, with one limit for all its columns. Inputs that only grow in the reference,
    and whole numbers that grew from the first day on (counts of past starts, which begin at nothing), are listed but
    not watched; neither is a newest step that is not over, with fewer units than are usual. A season that the reference
    does not contain counts as a change. Declines without a clock and with too few days.
    """
    if evidence.is_timeless:
        return decline("The rows have no clock, so nothing can drift.")
    units = build_graded_units(evidence)
    days = units["day"].nunique()
    if days * settings.reference_share < 2 * settings.block_steps:
        return decline(f"{days} days are graded: too few for a reference in blocks.")
    units, step = _leave_out_unfinished_step(units, assign_steps(units["day"], len(units), settings.most_steps))
    reference_end = units["day"].iloc[np.searchsorted(step, int((step[-1] + 1) * settings.reference_share))]
    counts = _find_growing_counts(evidence, reference_end, settings.most_steps)
    inputs = {name: series for name, series in _average_inputs(evidence, units, step).items() if name not in counts}
    tables: dict[str, dict[str, Floats]] = {"inputs": inputs, **_average_judgements(units, step)}
    results = {
        kind: _detect_series_drift(tables[kind], step, settings, evidence.seed + kind_index, len(KINDS))
        for kind_index, kind in enumerate(KINDS)
    }
    changes = sorted(
        ({"kind": kind, **change} for kind in KINDS for change in results[kind]["seen"]),
        key=lambda change: (change["row"], change["name"]),
    )
    for change in changes:
        change["day"], change["since"] = (f"{units['day'].iloc[change[key]]:%Y-%m-%d}" for key in ("row", "onset"))
    details: dict[str, Any] = {
        "seen": changes,
        "watched": {kind: results[kind]["watched"] for kind in KINDS},
        "limits": {kind: results[kind]["limit"] for kind in KINDS},
        "growing": sorted([*results["inputs"]["growing"], *counts]),
    }
    watched_count = sum(details["watched"].values())
    if not changes:
        return make_finding("ok", f"Nothing of {watched_count} figures left its reference.", **details)
    first_changes = ", ".join(map(_describe_change, changes[:3]))
    summary = f"{len(changes)} of {watched_count} figures left their reference, first {first_changes}."
    return make_finding("warning", summary, **details)


def _describe_change(change: dict[str, Any]) -> str:
    days = change["day"] if change["since"] == change["day"] else f"{change['since']} to {change['day']}"
    return f"{change['name']} ({change['before']:.3g} before, {change['after']:.3g} on {days})"


def detect_column_drift(
    table: pd.DataFrame, block: pd.Series | None, settings: Settings, seed: int, test_count: int = 1
) -> dict[str, Any]:
    """Detect which columns of a table in time order left the mean of their reference, at which row and since which.

    `block` marks rows that belong together (a day) and are never split; without it steps are of equal rows. `row` is
    the last row of the step that showed the change, `onset` the first row of the window that did. At most a share
    `false_alarms` / `test_count` of tables without change has any column in `seen`.
    """
    step = assign_steps(block, len(table), settings.most_steps)
    series = {str(name): average_steps(table[name].to_numpy(float), step) for name in table}
    return _detect_series_drift(series, step, settings, seed, test_count)


def _detect_series_drift(
    series_by_name: dict[str, Floats], step: Ints, settings: Settings, seed: int, test_count: int
) -> dict[str, Any]:
    series = np.column_stack(list(series_by_name.values()))
    reference = int(len(series) * settings.reference_share)
    growing_mask = find_monotone_columns(series, reference)
    watched_names = [name for name, is_growing in zip(series_by_name, growing_mask, strict=True) if not is_growing]
    result: dict[str, Any] = {"seen": [], "watched": len(watched_names), "limit": None}
    result["growing"] = [name for name, is_growing in zip(series_by_name, growing_mask, strict=True) if is_growing]
    if not watched_names:
        return result
    watched, alarms = series[:, ~growing_mask], settings.false_alarms / test_count
    with limit_to_one_thread():
        detection = detect_shifts(watched, reference, alarms, settings.block_steps, settings.draws, seed)
    step_starts = np.searchsorted(step, np.arange(len(series) + 1))
    for index, name in enumerate(watched_names):
        first_step, onset = detection.first_alarms[index], detection.onsets[index]
        if first_step is not None and onset is not None:
            row, onset_row = step_starts[reference + first_step + 1] - 1, step_starts[reference + max(onset, 0)]
            after = np.nanmean(series_by_name[name][reference + max(onset, 0) : reference + first_step + 1])
            change = {"before": float(np.nanmean(series_by_name[name][:reference])), "after": float(after)}
            result["seen"].append({"name": name, "row": int(row), "onset": int(onset_row)} | change)
    result["limit"] = detection.limit
    return result


def _leave_out_unfinished_step(units: pd.DataFrame, step: Ints) -> tuple[pd.DataFrame, Ints]:
    """Return units and their steps without the newest step, if it has fewer units than are usual."""
    sizes = np.bincount(step)
    is_over = len(sizes) < 2 or sizes[-1] >= FINISHED_SHARE * np.median(sizes[:-1])
    rows = len(step) - (0 if is_over else int(sizes[-1]))
    return units.iloc[:rows], step[:rows]


def _find_growing_counts(evidence: Evidence, end: pd.Timestamp, most_steps: int) -> list[str]:
    """Return the inputs of whole numbers from 0 on whose daily means grew from the first row to the reference's end."""
    times = evidence.folds["time"].to_numpy("datetime64[ns]")[evidence.fold_positions]
    rows = np.flatnonzero((evidence.fold_positions >= 0) & (times < np.datetime64(end)))
    rows = rows[np.argsort(times[rows], kind="stable")]
    if not len(rows):
        return []
    step = assign_steps(pd.Series(times[rows].astype("datetime64[D]")), len(rows), most_steps)
    growing = []
    numeric_names = [name for name in evidence.input_names if is_number_column(evidence.features, name)]
    for name, column in iter_columns(evidence.features, numeric_names):
        values = column.to_numpy(float, na_value=np.nan)[rows]
        known_values = values[~np.isnan(values)]
        if len(known_values) and (known_values >= 0).all() and (known_values % 1 == 0).all():
            series = average_steps(values, step)
            if find_monotone_columns(series[:, None], len(series))[0] and series[-1] > series[0]:
                growing.append(name)
    return growing


def _average_inputs(evidence: Evidence, units: pd.DataFrame, step: Ints) -> dict[str, Floats]:
    """Return the mean of every numeric input in each step, and its missing share; holds one column at a time."""
    row_slice = convert_to_slice(lookup_rows(units["row_id"], evidence.features["row_id"]))
    numeric_names = [name for name in evidence.input_names if is_number_column(evidence.features, name)]
    series: dict[str, Floats] = {}
    for name, column in iter_columns(evidence.features, numeric_names):
        values = take_or_nan(column.to_numpy(float, na_value=np.nan), row_slice)
        series[name] = average_steps(values, step)
        if (missing := np.isnan(values)).any():
            series[f"{name} missing"] = average_steps(missing.astype(float), step)
    return series


def _average_judgements(units: pd.DataFrame, step: Ints) -> dict[str, dict[str, Floats]]:
    """Return the series of predictions, calibration and error; predictions are centred on the first tenth's mean."""
    prediction, actual = units["prediction"].to_numpy(float), units["actual"].to_numpy(float)
    error, centred = prediction - actual, prediction - prediction[: max(1, len(units) // 10)].mean()
    kinds = {
        "predictions": {"prediction": prediction, "prediction spread": np.abs(centred)},
        "calibration": {"calibration slope": -centred * error},
        "error": {"signed error": error, "loss": units["model"].to_numpy(float)},
    }
    return {
        kind: {name: average_steps(values, step) for name, values in columns.items()} for kind, columns in kinds.items()
    }
