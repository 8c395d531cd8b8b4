"""xgboost_trees: gradient-boosted trees by histogram, with custom objectives (XGBoost)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xgboost as xgb
from pydantic import Field

from trueline.core.errors import UserError
from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_fields
from trueline.core.models.tabular.conditional_logit_loss import require_contested_races
from trueline.core.models.tabular.input_encoding import Levels, encode_ordinal, get_score_offset, list_category_levels
from trueline.core.models.tabular.log_odds import compute_log_odds, label_winners
from trueline.core.models.tabular.objectives import GRADIENTS, OBJECTIVE_LOSSES, BoostingTarget
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

MIN_CURVATURE = 1e-6  # minimum per row: XGBoost divides by the sum of curvatures in a leaf
MAX_LEVELS = 1000  # per category; rarer levels count as missing
BINARY_OBJECTIVES = ("logistic", "focal")


class Settings(StageSettings):
    """The parameters of XGBoost, the objective, and how the label is made."""

    objective: Literal["race_softmax", "logistic", "focal", "squared", "absolute"]
    iterations: int = Field(ge=1)
    depth: int = Field(ge=1, le=16)
    learning_rate: float = Field(gt=0, le=1)
    min_child_weight: float = Field(ge=0)  # sum of curvatures in a leaf; with a quantity each row has 1
    subsample: float = Field(gt=0, le=1)
    columns: float = Field(gt=0, le=1)  # share of the inputs that each tree sees
    l2: float = Field(ge=0)
    positive_weight: float = Field(gt=0)  # logistic and focal only
    focal_alpha: float = Field(gt=0, lt=1)
    focal_gamma: float = Field(ge=0)
    soft_label: float = Field(ge=0, le=1)  # race_softmax only
    offset: str | None  # the input that scores start from, if it is among the inputs


@dataclass(frozen=True)
class Model:
    """A fitted booster, the inputs it takes in order, and the levels of the categories among them."""

    booster: Any
    columns: list[str]
    levels: Levels
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return trees fitted on the rows; with patience, as many as lose least on the later rows.

    Raises UserError for a parameter that the objective does not use, and for rows without a contested race or of one
    class where the objective needs them.
    """
    _validate_settings(settings)
    fit_target = _build_fit_target(rows, settings)
    columns, column_levels = [str(name) for name in rows.x.columns], list_category_levels(rows.x, MAX_LEVELS)
    fit_matrix = _build_matrix(rows.x, columns, column_levels, settings.offset, fit_target)
    validation = None
    if later := monitor.later:
        later_matrix = _build_matrix(later.x, columns, column_levels, settings.offset)
        validation = later_matrix, _build_validation_target(later, settings)
    booster = xgb.Booster(
        _build_parameters(settings, seed, fit_target), [fit_matrix, *([validation[0]] if validation else [])]
    )
    best_round = _train_rounds(booster, (fit_matrix, fit_target), validation, settings, monitor)
    total_gain = booster[:best_round].get_score(importance_type="total_gain")
    importance = compute_importance([total_gain.get(name, 0.0) for name in columns], columns)
    settled: dict[str, int | float] = {"iterations": best_round} if monitor.patience and validation else {}
    return Model(booster[:best_round], columns, column_levels, settings.model_dump(), settled, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares (up to a constant within a race for race_softmax), or the quantity itself."""
    margin = model.booster.predict(
        _build_matrix(x, model.columns, model.levels, model.settings["offset"]), output_margin=True
    )
    return np.asarray(margin, float)


def save(model: Model, folder: Path) -> None:
    """Write trees.ubj and model.json."""
    write_model_fields(model, folder, "booster")
    # not save_model, whose error on a full disk is a stack of C++ without a word of the disk
    (folder / "trees.ubj").write_bytes(model.booster.save_raw("ubj"))


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(folder / "trees.ubj")
    return Model(booster, **read_model_json(folder / "model.json"))


def _validate_settings(settings: Settings) -> None:
    if settings.soft_label and settings.objective != "race_softmax":
        raise UserError(
            f"soft_label is {settings.soft_label} with objective {settings.objective}, "
            "but only race_softmax uses a soft label; set it to 0."
        )
    if settings.positive_weight != 1 and settings.objective not in BINARY_OBJECTIVES:
        raise UserError(
            f"positive_weight is {settings.positive_weight} with objective {settings.objective}, "
            f"but only {' and '.join(BINARY_OBJECTIVES)} use it; set it to 1."
        )


def _build_fit_target(rows: FoldData, settings: Settings) -> BoostingTarget:
    target, weight = rows.blend_target(settings.soft_label), rows.weight
    if settings.objective in BINARY_OBJECTIVES:
        target, weight = label_winners(rows, settings.positive_weight)
    if settings.objective == "race_softmax":
        require_contested_races(target, weight, rows.group)
    return BoostingTarget(target, weight, rows.group, settings.focal_alpha, settings.focal_gamma)


def _build_validation_target(later: FoldData, settings: Settings) -> BoostingTarget:
    """Return later rows with the label that is fitted, the soft label too, without class weight.

    Where a market's probabilities are the label, they say more about a race than its one winner, and so the number of
    rounds is chosen with less noise.
    """
    is_binary = settings.objective in BINARY_OBJECTIVES
    target = (later.y > 0).astype(float) if is_binary else later.blend_target(settings.soft_label)
    return BoostingTarget(target, later.weight, later.group, settings.focal_alpha, settings.focal_gamma)


def _build_matrix(
    x: pd.DataFrame,
    columns: list[str],
    column_levels: Levels,
    start_input: str | None,
    boosting_target: BoostingTarget | None = None,
) -> Any:
    label_options = {"label": boosting_target.target, "weight": boosting_target.weight} if boosting_target else {}
    column_types = ["c" if name in column_levels else "q" for name in columns]
    encoded = encode_ordinal(x, columns, column_levels)
    if start_input in columns:
        label_options["base_margin"] = get_score_offset(x, start_input)
    return xgb.DMatrix(
        encoded, feature_names=columns, feature_types=column_types, enable_categorical=True, nthread=1, **label_options
    )


def _build_parameters(settings: Settings, seed: int, fit_target: BoostingTarget) -> dict[str, Any]:
    return {
        "objective": "reg:absoluteerror" if settings.objective == "absolute" else "reg:squarederror",
        "base_score": _compute_base_score(settings.objective, fit_target),
        "max_depth": settings.depth,
        "eta": settings.learning_rate,
        "min_child_weight": settings.min_child_weight,
        "subsample": settings.subsample,
        "colsample_bytree": settings.columns,
        "lambda": settings.l2,
        "tree_method": "hist",
        "nthread": 1,
        "seed": seed,
    }


def _compute_base_score(objective: str, fit_target: BoostingTarget) -> float:
    """Return the score of a row before any tree: 0, the median, the mean, or the log-odds of the mean."""
    if objective == "race_softmax":
        return 0.0
    if objective == "absolute":
        return float(np.quantile(fit_target.target, 0.5, weights=fit_target.weight, method="inverted_cdf"))
    mean = np.average(fit_target.target, weights=fit_target.weight)
    return float(compute_log_odds(np.array(mean)) if objective in BINARY_OBJECTIVES else mean)


def _train_rounds(
    booster: Any,
    fit_set: tuple[Any, BoostingTarget],
    validation: tuple[Any, BoostingTarget] | None,
    settings: Settings,
    monitor: Monitor,
) -> int:
    """Train the trees and return how many to keep."""
    best_round, lowest_loss = settings.iterations, np.inf
    evaluation_sets = {"fit": fit_set} | ({"later": validation} if validation else {})
    for step in range(1, settings.iterations + 1):
        booster.update(fit_set[0], step - 1, _build_objective(settings.objective, fit_set[1]))
        monitor.report(
            step,
            settings.iterations,
            lambda: {name: _compute_loss(booster, rows, settings) for name, rows in evaluation_sets.items()},
        )
        if monitor.patience and validation:
            loss = _compute_loss(booster, validation, settings)
            best_round, lowest_loss = (step, loss) if loss < lowest_loss else (best_round, lowest_loss)
            if step - best_round >= monitor.patience:
                break
    return best_round


def _build_objective(name: str, fit_target: BoostingTarget) -> Any:
    """Return the objective as XGBoost calls it; None for the absolute error, for which XGBoost's own is used."""
    if name not in GRADIENTS:
        return None

    def compute_derivatives(margin: Floats, _: Any) -> tuple[Floats, Floats]:
        gradient, curvature = GRADIENTS[name](margin.astype(float), fit_target)
        return gradient, np.maximum(curvature, MIN_CURVATURE)

    return compute_derivatives


def _compute_loss(booster: Any, evaluation_set: tuple[Any, BoostingTarget], settings: Settings) -> float:
    matrix, true_target = evaluation_set
    scores = np.asarray(booster.predict(matrix, output_margin=True), float)
    return OBJECTIVE_LOSSES[settings.objective](scores, true_target)
