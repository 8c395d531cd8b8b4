"""Predictor: a fitted model with its calibrator, and the history from which inputs of posted rows are built."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from pydantic import ValidationError

from trueline.core.errors import UserError, did_you_mean
from trueline.core.history.grouped_rows import Ints
from trueline.core.history.own_inputs import build_inputs
from trueline.core.runtime.params import StageSettings, find_section_path, select_settings
from trueline.core.runtime.plugins import load_plugin
from trueline.core.stats.group_ops import Floats, encode_groups
from trueline.core.tables import table_schema
from trueline.core.tables.table_schema import OWN_PREFIX, Column
from trueline.service.answer_warnings import list_warnings
from trueline.service.artifacts.answer_version import build_version
from trueline.service.artifacts.verified_files import VerifiedFiles
from trueline.service.online_history import OnlineHistory, OnlinePast

TUNED_ARM = "tuned"  # the task config's learner, with the parameters that tuning found
OWN_KINDS = {"number": "number", "text": "category", "whole": "flag"}
MAX_COPIED_ROWS = 100_000  # of the history, for one key of a batch: some 30 MB
FINAL_FOLD = "final"  # the fold that is fitted and calibrated on all history

K = TypeVar("K", bound=StageSettings)


@dataclass(frozen=True)
class Predictor:
    """The plugins and fitted parts that turn posted rows into predictions, as the pipeline does."""

    version: str
    builder: Any
    settings: Any
    learner: Any
    model: Any
    calibrator: Any
    state: dict[str, Any]
    archive: OnlineHistory
    present: list[str]  # columns of a posted row that inputs may be built from
    own_columns: Sequence[Column] = ()  # the source's own columns, present or past

    def list_own_kinds(self) -> dict[str, str]:
        """The kind of every own column that a posted row may have, by its name in the source."""
        return {
            column.name.removeprefix(OWN_PREFIX): OWN_KINDS[column.kind]
            for column in self.own_columns
            if column.name in self.present
        }

    def get_past(self, rows: pd.DataFrame) -> OnlinePast:
        """Return the past of rows: of each, the strictly earlier part of the history."""
        return self.archive.build_past(self.settings.date_rows(rows))

    def count_past_rows(self, rows: pd.DataFrame) -> Ints:
        """Return how many strictly earlier rows of its entity each prepared row has."""
        return self.archive.count_past_rows(rows, "entity")

    def list_warnings(self, rows: pd.DataFrame) -> list[str]:
        """Return what is unusual about prepared rows of one time, as sentences."""
        return list_warnings(self.archive, rows, self.present)

    def build_inputs(self, rows: pd.DataFrame, past: OnlinePast | None = None) -> pd.DataFrame:
        """Return the model's inputs for prepared rows."""
        present = rows[self.present]
        return build_inputs(self.builder, present, past or self.get_past(rows), self.settings, self.own_columns)

    def predict_rows(self, rows: pd.DataFrame, past: OnlinePast | None = None) -> dict[str, Floats]:
        """Return calibrated predictions (under "") for prepared rows, and the calibrator's other outputs.

        They equal, bit for bit, what train and calibrate give these rows with the same history: history at their time
        or later has no influence, not even the outcome of the very same row; nor have rows of other groups.
        """
        score = self.learner.score(self.model, self.build_inputs(rows, past))
        predictions = self.calibrator.apply(self.state, score, encode_groups(rows["group"]))
        return predictions if isinstance(predictions, dict) else {"": predictions}

    def predict_batches(self, rows: pd.DataFrame) -> dict[str, Floats]:
        """Return what `predict_rows` does for any number of rows, so many times at once as memory allows."""
        time_number = np.unique(rows["time"].to_numpy("datetime64[us]"), return_inverse=True)[1]
        outputs: dict[str, Floats] = {}
        begin, count = 0, 1
        while begin <= time_number.max(initial=-1):
            positions = np.flatnonzero((time_number >= begin) & (time_number < begin + count))
            batch = rows.iloc[positions]
            past = self.get_past(batch)
            for name, values in self.predict_rows(batch, past).items():
                outputs.setdefault(name, np.full((len(rows), *values.shape[1:]), np.nan))[positions] = values
            begin, count = begin + count, max(1, MAX_COPIED_ROWS * count // max(past.copied_rows, count))
        return outputs


def load_predictor(files: VerifiedFiles, task: str) -> Predictor:
    """Return a task's predictor from a commit's files, with its history indexed and its ratings learned.

    Reads models/<task>/final, models/<task>/calibrator.json and data/prepared/<task>.parquet. Raises UserError if the
    calibrator lacks the final fold.
    """
    params = files.read_params()
    builder, learner = load_plugin("features", task), load_plugin("train", params["tasks"][task]["learner"])
    settings = extract_settings(params, builder.Settings, "features", task)
    prepared = files.resolve_path(f"data/prepared/{task}.parquet")
    usable = [column for column in table_schema.read_declarations(prepared) if not column.evaluation_only]
    calibrator_content = files.read_json(f"models/{task}/calibrator.json")
    history = table_schema.read_table(prepared)
    predictor = Predictor(
        build_version(files, task),
        builder,
        settings,
        learner,
        learner.load(files.resolve_path(f"models/{task}/final")),
        load_plugin("calibrate", calibrator_content["calibrator"]),
        _find_calibrator_state(calibrator_content["folds"], task),
        OnlineHistory(settings.date_rows(history[[column.name for column in usable]])),
        [column.name for column in usable if column.known in ("before", settings.decision)],
        [column for column in usable if column.is_own],
    )
    # a first prediction now, so that the first request need not wait
    predictor.predict_rows(history[history["group"] == history["group"].iloc[-1]])
    return predictor


def extract_settings(params: dict[str, Any], model: type[K], *path: str) -> K:
    """Return the settings under a path of a parsed params.yaml.

    Raises UserError if the path does not exist, or `model` rejects its content.
    """
    value: Any = params
    for key in find_section_path(params, *path):
        if not isinstance(value, dict) or key not in value:
            raise UserError(f"params.yaml has no {'.'.join(path)}; {did_you_mean(key, _list_keys(value))}")
        value = value[key]
    try:
        return model.model_validate(select_settings(value, params, model, *path))
    except ValidationError as errors:
        first_error = errors.errors()[0]
        setting_path = ".".join([*path, *map(str, first_error["loc"])])
        raise UserError(
            f"params.yaml: {setting_path}: {first_error['msg'].lower()}; serve a commit that fits this code version."
        ) from None


def _list_keys(value: Any) -> Iterable[str]:
    return map(str, value) if isinstance(value, dict) else ()


def _find_calibrator_state(folds: dict[str, Any], task: str) -> dict[str, Any]:
    state: dict[str, Any] | None = folds.get(FINAL_FOLD, {}).get(TUNED_ARM)
    if state is None:
        raise UserError(
            f"models/{task}/calibrator.json has no arm {TUNED_ARM!r} for the fold {FINAL_FOLD!r}; run `dvc repro`."
        )
    return state
