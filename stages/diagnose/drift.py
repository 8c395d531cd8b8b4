"""drift: since when have inputs, predictions, calibration or error been other than in the reference period?"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from core.evidence import Evidence, Finding, finding
from core.params import Knobs
from core.places import located, run, taken
from core.sequential import watch
from core.stored import each, is_number
from core.threads import one_thread
from stages.diagnose._graded import graded
from stages.diagnose._steps import growing, means, steps

NAME = "Since when is anything other than it was?"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
KINDS = ("inputs", "predictions", "calibration", "error")
SHOWN = 10


class Settings(Knobs):
    """How long the reference is, how rarely a period without change may alarm, and how finely time is cut."""

    reference_share: float = Field(gt=0, lt=1)
    false_alarms: float = Field(gt=0, lt=1)
    block_steps: int = Field(ge=1)
    most_steps: int = Field(ge=20)
    draws: int = Field(ge=20)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Name what left its reference in the scored rows, by the day on which it was first seen.

    Watched are the mean and the missing share of every number among the inputs, mean and spread of predictions, the
    part of the error that goes with the prediction (calibration slope), the signed error and the loss. Each of the
    four kinds is watched at `false_alarms` / 4, all its columns at one limit. Inputs that only grow in the reference
    (counts) are listed and not watched. A season that the reference has not seen is a change. Declines without a clock
    and with too few days.
    """
    if evidence.timeless:
        return finding("declined", "The rows have no clock, so nothing can drift.")
    units = graded(evidence)
    days = units["day"].nunique()
    if days * settings.reference_share < 2 * settings.block_steps:
        return finding("declined", f"{days} days are graded: too few for a reference in blocks.")
    step = steps(units["day"], len(units), settings.most_steps)
    tables = {"inputs": _inputs(evidence, units, step), **_judgements(units, step)}
    found = {
        kind: _watched(tables[kind], step, settings, evidence.seed + n, len(KINDS)) for n, kind in enumerate(KINDS)
    }
    seen = sorted(
        ({"kind": kind, **one} for kind in KINDS for one in found[kind]["seen"]),
        key=lambda one: (one["row"], one["name"]),
    )
    for one in seen:
        one["day"], one["since"] = (f"{units['day'].iloc[one[at]]:%Y-%m-%d}" for at in ("row", "onset"))
    details = {
        "seen": seen,
        "watched": {kind: found[kind]["watched"] for kind in KINDS},
        "limits": {kind: found[kind]["limit"] for kind in KINDS},
        "growing": found["inputs"]["growing"],
    }
    if not seen:
        return finding("ok", f"Nothing of {sum(details['watched'].values())} figures left its reference.", **details)
    said = ", ".join(f"{one['name']} ({one['day']})" for one in seen[:3])
    summary = f"{len(seen)} of {sum(details['watched'].values())} figures left their reference, first {said}."
    return finding("warning", summary, **details)


def watched(
    table: pd.DataFrame, block: pd.Series | None, settings: Settings, seed: int, tests: int = 1
) -> dict[str, Any]:
    """Watch the means of the columns of a table in time order: which left the reference, seen at and since which row.

    `block` marks rows that belong together (a day) and must not be cut; without it rows are cut evenly. `row` is the
    last row of the step that showed the change, `onset` the first row of the window that did. At most a share of
    `false_alarms` / `tests` of tables without change has any column in `seen`.
    """
    step = steps(block, len(table), settings.most_steps)
    series = {str(name): means(table[name].to_numpy(float), step) for name in table}
    return _watched(series, step, settings, seed, tests)


def _watched(series_of: dict[str, Floats], step: Ints, settings: Settings, seed: int, tests: int) -> dict[str, Any]:
    series = np.column_stack(list(series_of.values()))
    reference = int(len(series) * settings.reference_share)
    grows = growing(series, reference)
    kept = [name for name, out in zip(series_of, grows, strict=True) if not out]
    found: dict[str, Any] = {"seen": [], "watched": len(kept), "limit": None}
    found["growing"] = [name for name, out in zip(series_of, grows, strict=True) if out]
    if not kept:
        return found
    with one_thread():
        seen = watch(
            series[:, ~grows], reference, settings.false_alarms / tests, settings.block_steps, settings.draws, seed
        )
    edge = np.searchsorted(step, np.arange(len(series) + 1))
    for number, name in enumerate(kept):
        first, onset = seen.first[number], seen.onset[number]
        if first is not None and onset is not None:
            begin = int(edge[reference + max(onset, 0)])
            found["seen"].append({"name": name, "row": int(edge[reference + first + 1]) - 1, "onset": begin})
    found["limit"] = seen.limit
    return found


def _inputs(evidence: Evidence, units: pd.DataFrame, step: Ints) -> dict[str, Floats]:
    """Return the mean of every number in each step, and the share that is missing; one column is held at a time."""
    place = run(located(units["row_id"], evidence.features["row_id"]))
    numbers = [name for name in evidence.inputs if is_number(evidence.features, name)]
    found: dict[str, Floats] = {}
    for name, column in each(evidence.features, numbers):
        values = taken(column.to_numpy(float, na_value=np.nan), place)
        found[name] = means(values, step)
        if (absent := np.isnan(values)).any():
            found[f"{name} missing"] = means(absent.astype(float), step)
    return found


def _judgements(units: pd.DataFrame, step: Ints) -> dict[str, dict[str, Floats]]:
    """Return what is watched of predictions, calibration and error; the centre is that of the first tenth."""
    prediction, actual = units["prediction"].to_numpy(float), units["actual"].to_numpy(float)
    error, apart = prediction - actual, prediction - prediction[: max(1, len(units) // 10)].mean()
    kinds = {
        "predictions": {"prediction": prediction, "prediction spread": np.abs(apart)},
        "calibration": {"calibration slope": -apart * error},
        "error": {"signed error": error, "loss": units["model"].to_numpy(float)},
    }
    return {kind: {name: means(values, step) for name, values in of.items()} for kind, of in kinds.items()}
