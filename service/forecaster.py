"""Forecaster: a fitted model with its calibrator, and the history that the inputs of posted rows are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd
from pydantic import ValidationError

from core import tables
from core.archive import Archive, PostedPast
from core.chosen import chosen
from core.params import Knobs
from core.races import Floats, codes
from core.refusals import Refusal, suggest
from core.shelf import tool
from service.artifacts import Files

ARM = "tuned"  # the learner that the plan chose, with the knobs that tuning found
FINAL = "final"  # the fold that is fitted and calibrated on all history

K = TypeVar("K", bound=Knobs)


@dataclass(frozen=True)
class Forecaster:
    """The tools and fitted parts that turn posted rows into forecasts, as the corridor does."""

    version: str
    builder: Any
    settings: Any
    learner: Any
    model: Any
    calibrator: Any
    state: dict[str, Any]
    archive: Archive
    present: list[str]  # columns of a posted row that inputs may be made of

    def past(self, rows: pd.DataFrame) -> PostedPast:
        """Return the past of rows of one time: what of the history is strictly earlier."""
        return self.archive.past(rows)

    def inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the model's inputs of prepared rows of one time."""
        built = self.builder.build(rows[self.present], self.past(rows), self.settings)
        return chosen(built, self.settings)

    def forecast(self, rows: pd.DataFrame) -> dict[str, Floats]:
        """Return the calibrated forecast (under "") of prepared rows of one time, and what else the calibrator tells.

        To the last bit what train and calibrate give these rows with the same history: rows of the history at their
        time or later play no role, be it the outcome of the very same row.
        """
        score = self.learner.score(self.model, self.inputs(rows))
        found = self.calibrator.apply(self.state, score, codes(rows["group"]))
        return found if isinstance(found, dict) else {"": found}


def load(files: Files, task: str) -> Forecaster:
    """Return the forecaster of a commit's task, its history indexed and its ratings learned.

    Takes models/<task>/final, models/<task>/calibrator.json and data/prepared/<task>.parquet. Refuses a calibrator
    without the final fold.
    """
    params = files.params()
    builder, learner = tool("features", task), tool("train", params["tasks"][task]["learner"])
    settings = knobs(params, builder.Settings, "features", task)
    prepared = files.path(f"data/prepared/{task}.parquet")
    usable = [column for column in tables.declared(prepared) if not column.yardstick]
    held = files.json(f"models/{task}/calibrator.json")
    history = tables.read(prepared)
    forecaster = Forecaster(
        f"{files.name}:{files.hash(f'models/{task}/final')[:8]}",
        builder,
        settings,
        learner,
        learner.load(files.path(f"models/{task}/final")),
        tool("calibrate", held["calibrator"]),
        _state(held["folds"], task),
        Archive(history[[column.name for column in usable]]),
        [column.name for column in usable if column.known in ("before", settings.decision)],
    )
    forecaster.forecast(
        history[history["group"] == history["group"].iloc[-1]]
    )  # so that the first request need not wait
    return forecaster


def knobs(params: dict[str, Any], model: type[K], *path: str) -> K:
    """Return the knobs under a path of a params.yaml that was read; refuse those that its tool does not take."""
    value: Any = params
    for word in path:
        if not isinstance(value, dict) or word not in value:
            raise Refusal(f"params.yaml has no {'.'.join(path)}; {suggest(word, _words(value))}")
        value = value[word]
    try:
        return model.model_validate(value)
    except ValidationError as errors:
        first = errors.errors()[0]
        where = ".".join([*path, *map(str, first["loc"])])
        raise Refusal(f"params.yaml: {where}: {first['msg'].lower()}; serve a commit of this version.") from None


def _words(value: Any) -> Iterable[str]:
    return map(str, value) if isinstance(value, dict) else ()


def _state(folds: dict[str, Any], task: str) -> dict[str, Any]:
    state: dict[str, Any] | None = folds.get(FINAL, {}).get(ARM)
    if state is None:
        raise Refusal(f"models/{task}/calibrator.json has no {ARM!r} of the fold {FINAL!r}; run `dvc repro`.")
    return state
