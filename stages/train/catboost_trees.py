"""catboost_trees: gradient-boosted symmetric trees that take categories and missing values as they are (CatBoost)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from catboost import CatBoost, CatBoostError, FeaturesData, Pool
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_fields
from trueline.core.models.tabular.conditional_logit_loss import require_contested_races
from trueline.core.models.tabular.input_encoding import get_score_offset, list_categorical_inputs
from trueline.core.models.tabular.log_odds import label_winners
from trueline.core.runtime.machine_failures import explain_failure
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

MISSING_LEVEL = "missing"  # the level that stands for a missing category
BINARY_LOSSES = ("Logloss", "Focal")
SOFT_LABEL_LOSSES = ("QuerySoftMax", "CrossEntropy")


class Settings(StageSettings):
    """The parameters of CatBoost, the loss, and how the label is made."""

    loss: Literal["QuerySoftMax", "Logloss", "CrossEntropy", "Focal", "RMSE", "MAE"]
    iterations: int = Field(ge=1)
    depth: int = Field(ge=1, le=12)
    learning_rate: float = Field(gt=0, le=1)
    l2: float = Field(ge=0)
    random_strength: float = Field(ge=0)
    rsm: float = Field(gt=0, le=1)  # share of the inputs that each split may choose from
    subsample: float = Field(gt=0, le=1)
    positive_weight: float = Field(gt=0)  # Logloss and Focal only
    focal_alpha: float = Field(gt=0, lt=1)
    focal_gamma: float = Field(gt=0)
    soft_label: float = Field(ge=0, le=1)  # QuerySoftMax and CrossEntropy only
    offset: str | None  # the input that scores start from, if it is among the inputs


@dataclass(frozen=True)
class Model:
    """Fitted trees, the inputs they take in order, and which of these are categorical."""

    trees: Any
    columns: list[str]
    cats: list[str]
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return trees fitted on the rows; with patience, as many as lose least on the later rows.

    QuerySoftMax minimises the cross-entropy within the group, both for shares and for a soft label's probabilities; a
    weight counts copies of a runner. Raises UserError for a parameter that the loss does not use, rows without a
    contested race or of one class where the loss needs them, and rows that CatBoost cannot fit.
    """
    _validate_settings(settings)
    stop_options = (
        {"early_stopping_rounds": monitor.patience, "use_best_model": True}
        if monitor.patience and monitor.later
        else {}
    )
    trees = CatBoost(_build_parameters(settings, seed))
    try:
        trees.fit(
            _build_fit_pool(rows, settings),
            eval_set=_build_validation_pool(monitor.later, settings) if monitor.later else None,
            callbacks=[_WatchCallback(monitor, settings.iterations)] if monitor.watch else None,
            **({"use_best_model": False} | stop_options),
        )
    except CatBoostError as error:
        if explain_failure(error):  # a full disk says nothing of the rows
            raise
        raise UserError(f"CatBoost could not fit {len(rows.y)} rows: {str(error).split(': ')[-1]}") from None
    _remove_volatile_metadata(trees.get_metadata())
    columns = [str(name) for name in rows.x.columns]
    importance = compute_importance(trees.get_feature_importance(type="PredictionValuesChange"), columns)
    settled: dict[str, int | float] = {"iterations": trees.tree_count_} if stop_options else {}
    return Model(trees, columns, list_categorical_inputs(rows.x), settings.model_dump(), settled, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares (up to a constant within a group for QuerySoftMax), or the quantity itself."""
    scores: Floats = model.trees.predict(
        _build_score_pool(x[model.columns], model.cats), prediction_type="RawFormulaVal", thread_count=1
    )
    return scores + get_score_offset(x, model.settings["offset"])


def save(model: Model, folder: Path) -> None:
    """Write trees.cbm and model.json."""
    write_model_fields(model, folder, "trees")
    model.trees.save_model(str(folder / "trees.cbm"))


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(CatBoost().load_model(str(folder / "trees.cbm")), **read_model_json(folder / "model.json"))


def _validate_settings(settings: Settings) -> None:
    if settings.soft_label and settings.loss not in SOFT_LABEL_LOSSES:
        raise UserError(
            f"soft_label is {settings.soft_label} with loss {settings.loss}, "
            f"but only {' and '.join(SOFT_LABEL_LOSSES)} use a soft label; set it to 0."
        )
    if settings.positive_weight != 1 and settings.loss not in BINARY_LOSSES:
        raise UserError(
            f"positive_weight is {settings.positive_weight} with loss {settings.loss}, "
            f"but only {' and '.join(BINARY_LOSSES)} use it; set it to 1."
        )


def _build_parameters(settings: Settings, seed: int) -> dict[str, Any]:
    focal_options = f":focal_alpha={settings.focal_alpha};focal_gamma={settings.focal_gamma}"
    # Left to CatBoost, the steps per leaf would depend on the number of iterations; they would be 100 for QuerySoftMax,
    # which takes six times as long for no gain, and for MAE exact medians, which ignore the weights.
    leaf_estimation = ("Gradient", 10) if settings.loss == "MAE" else ("Newton", 1)
    return {
        "loss_function": settings.loss + (focal_options if settings.loss == "Focal" else ""),
        "iterations": settings.iterations,
        "depth": settings.depth,
        "learning_rate": settings.learning_rate,
        "l2_leaf_reg": settings.l2,
        "random_strength": settings.random_strength,
        "rsm": settings.rsm,
        "bootstrap_type": "MVS",
        "subsample": settings.subsample,
        "random_seed": seed,
        "leaf_estimation_method": leaf_estimation[0],
        "leaf_estimation_iterations": leaf_estimation[1],
        "max_ctr_complexity": 1,  # left to CatBoost, this too would depend on the number of iterations
        "thread_count": 1,
        "allow_writing_files": False,
        "verbose": False,
    }


def _remove_volatile_metadata(metadata: Any) -> None:
    """Remove from a model's metadata what differs between equal fits: an id, the time, and traces of being watched."""
    metadata["model_guid"] = metadata["train_finish_time"] = ""
    metadata["training"] = "{}"  # the losses by round, those of later rows among them
    params = json.loads(metadata["params"])
    params["flat_params"].pop("callbacks", None)
    metadata["params"] = json.dumps(params, sort_keys=True)


def _build_fit_pool(rows: FoldData, settings: Settings) -> Any:
    if settings.loss in BINARY_LOSSES:
        return _build_pool(rows, settings, *label_winners(rows, settings.positive_weight))
    label = rows.blend_target(settings.soft_label)
    if settings.loss == "QuerySoftMax":
        require_contested_races(label, rows.weight, rows.group)
    return _build_pool(rows, settings, label, rows.weight)


def _build_validation_pool(later: FoldData, settings: Settings) -> Any:
    """Return later rows with the label that is fitted, without class weight.

    The soft label too: where it is a market's probabilities, these say more about a race than its one winner, and so
    the number of rounds is chosen with less noise.
    """
    is_binary = settings.loss in BINARY_LOSSES
    label = (later.y > 0).astype(float) if is_binary else later.blend_target(settings.soft_label)
    return _build_pool(later, settings, label, later.weight)


def _build_pool(rows: FoldData, settings: Settings, label: Floats, weight: Floats) -> Any:
    cats, start_scores = list_categorical_inputs(rows.x), get_score_offset(rows.x, settings.offset)
    group = rows.group if settings.loss == "QuerySoftMax" else None
    return Pool(
        _convert_inputs(rows.x, cats),
        label,
        weight=weight,
        group_id=group,
        cat_features=cats,
        baseline=start_scores if start_scores.any() else None,
    )


def _build_score_pool(x: pd.DataFrame, cats: list[str]) -> Any:
    """Return inputs for scoring; if categories come last, as two arrays, which CatBoost reads ten times as fast."""
    number_names = [str(name) for name in x.columns if name not in cats]
    if not number_names or [*number_names, *cats] != list(x.columns):
        return Pool(_convert_inputs(x, cats), cat_features=cats)
    numbers = np.ascontiguousarray(x[number_names].to_numpy(np.float64).astype(np.float32))
    categories = np.empty((len(x), len(cats)), object)
    for index, name in enumerate(cats):
        category = pd.Categorical(x[name])
        levels = [*map(str, category.categories), MISSING_LEVEL]  # whose code is −1
        categories[:, index] = np.array([level.encode() for level in levels], object)[category.codes]
    return Pool(FeaturesData(numbers, categories if cats else None, number_names, cats if cats else None))


def _convert_inputs(x: pd.DataFrame, cats: list[str]) -> pd.DataFrame:
    category_texts = {
        name: x[name].astype(object).where(x[name].notna(), MISSING_LEVEL).astype(str).astype(object) for name in cats
    }
    other_types = {str(name): float for name, dtype in x.dtypes.items() if name not in cats and str(dtype) != "float64"}
    return (x.astype(other_types) if other_types else x).assign(**category_texts)


class _WatchCallback:
    """A CatBoost callback that passes on the losses."""

    def __init__(self, monitor: Monitor, last_iteration: int) -> None:
        self.monitor, self.last_iteration = monitor, last_iteration

    def after_iteration(self, info: Any) -> bool:
        names = {"learn": "fit", "validation": "later"}
        self.monitor.report(
            info.iteration,
            self.last_iteration,
            lambda: {names[name]: next(iter(metrics.values()))[-1] for name, metrics in info.metrics.items()},
        )
        return True
