"""Forecaster: a fitted model with its calibrator, and the history that the inputs of posted rows are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd
from pydantic import ValidationError

from trueline.core.errors import UserError, did_you_mean
from trueline.core.history.input_selection import select_features
from trueline.core.history.online_history import OnlineHistory, OnlinePast
from trueline.core.runtime.params import StageSettings
from trueline.core.runtime.plugins import load_plugin
from trueline.core.stats.group_ops import Floats, encode_groups
from trueline.core.tables import table_schema
from trueline.service.artifacts.verified_files import VerifiedFiles

TUNED_ARM = "tuned"  # the learner that the plan chose, with the knobs that tuning found
FINAL_FOLD = "final"  # the fold that is fitted and calibrated on all history

K = TypeVar("K", bound=StageSettings)


@dataclass(frozen=True)
class Predictor:
    """The tools and fitted parts that turn posted rows into forecasts, as the corridor does."""

    version: str
    builder: Any
    settings: Any
    learner: Any
    model: Any
    calibrator: Any
    state: dict[str, Any]
    archive: OnlineHistory
    present: list[str]  # columns of a posted row that inputs may be made of

    def get_past(self, rows: pd.DataFrame) -> OnlinePast:
        """Return the past of rows of one time: what of the history is strictly earlier."""
        return self.archive.build_past(rows)

    def build_inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the model's inputs of prepared rows of one time."""
        all_inputs = self.builder.build(rows[self.present], self.get_past(rows), self.settings)
        return select_features(all_inputs, self.settings)

    def predict_rows(self, rows: pd.DataFrame) -> dict[str, Floats]:
        """Return the calibrated forecast (under "") of prepared rows of one time, and what else the calibrator tells.

        To the last bit what train and calibrate give these rows with the same history: rows of the history at their
        time or later play no role, be it the outcome of the very same row.
        """
        score = self.learner.score(self.model, self.build_inputs(rows))
        predictions = self.calibrator.apply(self.state, score, encode_groups(rows["group"]))
        return predictions if isinstance(predictions, dict) else {"": predictions}


def load_predictor(files: VerifiedFiles, task: str) -> Predictor:
    """Return the forecaster of a commit's task, its history indexed and its ratings learned.

    Takes models/<task>/final, models/<task>/calibrator.json and data/prepared/<task>.parquet. Refuses a calibrator
    without the final fold.
    """
    params = files.read_params()
    builder, learner = load_plugin("features", task), load_plugin("train", params["tasks"][task]["learner"])
    settings = extract_settings(params, builder.Settings, "features", task)
    prepared = files.resolve_path(f"data/prepared/{task}.parquet")
    usable = [column for column in table_schema.read_declarations(prepared) if not column.yardstick]
    calibrator_content = files.read_json(f"models/{task}/calibrator.json")
    history = table_schema.read_table(prepared)
    predictor = Predictor(
        f"{files.name}:{files.get_hash(f'models/{task}/final')[:8]}",
        builder,
        settings,
        learner,
        learner.load(files.resolve_path(f"models/{task}/final")),
        load_plugin("calibrate", calibrator_content["calibrator"]),
        _find_calibrator_state(calibrator_content["folds"], task),
        OnlineHistory(history[[column.name for column in usable]]),
        [column.name for column in usable if column.known in ("before", settings.decision)],
    )
    predictor.predict_rows(
        history[history["group"] == history["group"].iloc[-1]]
    )  # so that the first request need not wait
    return predictor


def extract_settings(params: dict[str, Any], model: type[K], *path: str) -> K:
    """Return the knobs under a path of a params.yaml that was read; refuse those that its tool does not take."""
    value: Any = params
    for key in path:
        if not isinstance(value, dict) or key not in value:
            raise UserError(f"params.yaml has no {'.'.join(path)}; {did_you_mean(key, _list_keys(value))}")
        value = value[key]
    try:
        return model.model_validate(value)
    except ValidationError as errors:
        first_error = errors.errors()[0]
        setting_path = ".".join([*path, *map(str, first_error["loc"])])
        raise UserError(
            f"params.yaml: {setting_path}: {first_error['msg'].lower()}; serve a commit of this version."
        ) from None


def _list_keys(value: Any) -> Iterable[str]:
    return map(str, value) if isinstance(value, dict) else ()


def _find_calibrator_state(folds: dict[str, Any], task: str) -> dict[str, Any]:
    state: dict[str, Any] | None = folds.get(FINAL_FOLD, {}).get(TUNED_ARM)
    if state is None:
        raise UserError(
            f"models/{task}/calibrator.json has no {TUNED_ARM!r} of the fold {FINAL_FOLD!r}; run `dvc repro`."
        )
    return state
