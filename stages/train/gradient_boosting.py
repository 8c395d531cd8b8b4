"""gradient_boosting: scikit-learn's histogram gradient boosting."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_fields
from trueline.core.models.tabular import skops_files
from trueline.core.models.tabular.input_encoding import (
    Levels,
    encode_one_hot,
    get_score_offset,
    list_category_levels,
    list_one_hot_inputs,
)
from trueline.core.models.tabular.log_odds import label_rows
from trueline.core.models.tabular.objectives import OBJECTIVE_LOSSES, BoostingTarget
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
MAX_LEVELS = 100  # per category; rarer levels count as missing
MAX_IMPORTANCE_ROWS = 2000  # rows on which importance is measured
SKLEARN_LOSS_NAMES = {"logistic": "log_loss", "squared": "squared_error", "absolute": "absolute_error"}


class Settings(StageSettings):
    """The parameters of histogram gradient boosting."""

    loss: Literal["logistic", "squared", "absolute"]
    iterations: int = Field(ge=1)
    depth: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    min_leaf: int = Field(ge=1)
    columns: float = Field(gt=0, le=1)  # share of the inputs that each split may choose from
    l2: float = Field(ge=0)
    positive_weight: float = Field(gt=0)  # logistic only
    offset: str | None  # quantities only: the input that scores start from, if it is among the inputs


@dataclass(frozen=True)
class Model:
    """A fitted estimator, the inputs it takes in order, and the levels of the categories among them."""

    trees: Any
    columns: list[str]
    levels: Levels
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return trees fitted on the rows; with patience, refitted with as many as lose least on the later rows.

    All rounds are fitted before the first is watched. Raises UserError for the logistic loss if the rows are all
    winners or all losers, or there is an offset.
    """
    columns, column_levels = [str(name) for name in rows.x.columns], list_category_levels(rows.x, MAX_LEVELS)
    x = _fill_empty_columns(encode_one_hot(rows.x, columns, column_levels))
    fit_target = _build_fit_target(rows, settings)
    later, patience, watch = monitor
    validation = (
        (encode_one_hot(later.x, columns, column_levels), _build_true_target(later, settings)) if later else None
    )
    settled: dict[str, int | float] = {}
    with limit_to_one_thread():
        trees = _build_estimator(settings, settings.iterations, seed).fit(x, fit_target.target, fit_target.weight)
        if watch:
            evaluation_sets = {"fit": (x, fit_target)} | ({"later": validation} if validation else {})
            _report_losses(monitor, trees, evaluation_sets, settings)
        if patience and validation:
            settled["iterations"] = best_round = _select_best_round(
                list(_iterate_losses(trees, validation, settings)), patience
            )
            trees = _build_estimator(settings, best_round, seed).fit(x, fit_target.target, fit_target.weight)
        importance = compute_importance(
            _compute_permutation_losses(trees, x, fit_target, settings, seed),
            list_one_hot_inputs(columns, column_levels),
        )
    return Model(trees, columns, column_levels, settings.model_dump(), settled, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares, or the quantity itself."""
    with limit_to_one_thread():
        scores = _predict_scores(model.trees, encode_one_hot(x, model.columns, model.levels))
    return scores + get_score_offset(x, model.settings["offset"])


def save(model: Model, folder: Path) -> None:
    """Write trees.skops and model.json."""
    write_model_fields(model, folder, "trees")
    skops_files.save_estimator(model.trees, folder / "trees.skops")


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    trees = skops_files.load_estimator(folder / "trees.skops", TRUSTED_TYPES)
    return Model(trees, **read_model_json(folder / "model.json"))


def _fill_empty_columns(x: Floats) -> Floats:
    """Return the inputs with all-missing columns at 0: scikit-learn cannot bin these, and splits on no constant."""
    return np.where(np.isnan(x).all(axis=0), 0.0, x)


def _build_fit_target(rows: FoldData, settings: Settings) -> BoostingTarget:
    is_share = settings.loss == "logistic"
    labels = label_rows(rows, is_share, "loss logistic", settings.offset, settings.positive_weight)
    return BoostingTarget(*labels, rows.group)


def _build_true_target(later: FoldData, settings: Settings) -> BoostingTarget:
    """Return the target that later rows are evaluated on: who won, or the difference of a quantity from its offset."""
    is_binary = settings.loss == "logistic"
    target = (later.y > 0).astype(float) if is_binary else later.y - get_score_offset(later.x, settings.offset)
    return BoostingTarget(target, later.weight, later.group)


def _build_estimator(settings: Settings, iterations: int, seed: int) -> Any:
    estimator_class = HistGradientBoostingClassifier if settings.loss == "logistic" else HistGradientBoostingRegressor
    return estimator_class(
        loss=SKLEARN_LOSS_NAMES[settings.loss],
        max_iter=iterations,
        max_depth=settings.depth,
        max_leaf_nodes=None,
        learning_rate=settings.learning_rate,
        min_samples_leaf=settings.min_leaf,
        max_features=settings.columns,
        l2_regularization=settings.l2,
        categorical_features=None,
        early_stopping=False,
        random_state=seed,
    )


def _predict_scores(trees: Any, x: Floats) -> Floats:
    raw = trees.decision_function(x) if hasattr(trees, "decision_function") else trees.predict(x)
    return np.asarray(raw, float)


def _iterate_losses(trees: Any, evaluation_set: tuple[Floats, BoostingTarget], settings: Settings) -> Iterator[float]:
    """Yield the loss after each round."""
    x, true_target = evaluation_set
    staged_scores = trees.staged_decision_function(x) if settings.loss == "logistic" else trees.staged_predict(x)
    for scores in staged_scores:
        yield OBJECTIVE_LOSSES[settings.loss](np.ravel(scores), true_target)


def _select_best_round(losses: list[float], patience: int) -> int:
    """Return the round (from 1) of least loss among those before patience runs out."""
    best_step = 0
    for step, loss in enumerate(losses):
        if loss < losses[best_step]:
            best_step = step
        if step - best_step >= patience:
            break
    return best_step + 1


def _report_losses(
    monitor: Monitor, trees: Any, evaluation_sets: dict[str, tuple[Floats, BoostingTarget]], settings: Settings
) -> None:
    loss_curves = [_iterate_losses(trees, evaluation_set, settings) for evaluation_set in evaluation_sets.values()]
    for step, losses in enumerate(zip(*loss_curves, strict=True), start=1):
        monitor.report(step, settings.iterations, partial(dict, zip(evaluation_sets, losses, strict=True)))


def _compute_permutation_losses(
    trees: Any, x: Floats, fit_target: BoostingTarget, settings: Settings, seed: int
) -> list[float]:
    """Return, for each column, how much the loss on a sample of the fit rows rises, at least 0, when it is shuffled."""
    generator = np.random.default_rng(seed)
    sample_rows = np.sort(generator.permutation(len(x))[:MAX_IMPORTANCE_ROWS])
    sample, sample_target = (
        x[sample_rows],
        BoostingTarget(fit_target.target[sample_rows], fit_target.weight[sample_rows], fit_target.group[sample_rows]),
    )
    compute_loss = OBJECTIVE_LOSSES[settings.loss]
    base_loss = compute_loss(_predict_scores(trees, sample), sample_target)
    added_losses = []
    for column in range(x.shape[1]):
        shuffled = sample.copy()
        shuffled[:, column] = generator.permutation(shuffled[:, column])
        added_losses.append(max(0.0, compute_loss(_predict_scores(trees, shuffled), sample_target) - base_loss))
    return added_losses
