"""forest: a random forest, the mean of deep trees on random samples of rows and inputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_fields
from trueline.core.models.tabular.input_encoding import (
    Levels,
    encode_one_hot,
    get_score_offset,
    list_category_levels,
    list_one_hot_inputs,
)
from trueline.core.models.tabular.log_odds import compute_log_odds, label_rows
from trueline.core.models.tabular.skops_files import load_estimator, save_estimator
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.fold_data import Floats, FoldData

MAX_LEVELS = 100  # per category; rarer levels count as missing
TRUSTED_TYPES = ["sklearn.tree._tree.Tree"]


class Settings(StageSettings):
    """The parameters of a random forest."""

    target: Literal["share", "quantity"]
    trees: int = Field(ge=1)
    depth: int = Field(ge=1)
    min_leaf: int = Field(ge=1)
    columns: float = Field(gt=0, le=1)  # share of the encoded inputs that each split may choose from
    draw: float = Field(gt=0, le=1)  # share of the rows, drawn with replacement, for each tree
    positive_weight: float = Field(gt=0)  # shares only
    offset: str | None  # quantities only: the input that scores start from, if it is among the inputs


@dataclass(frozen=True)
class Model:
    """A fitted forest, the inputs it takes in order, and the levels of the categories among them."""

    forest: Any
    columns: list[str]
    levels: Levels
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return a forest fitted on the rows; there are no rounds, so nothing stops early and nothing is watched.

    Raises UserError for shares if the rows are all winners or all losers, or there is an offset.
    """
    columns, column_levels = [str(name) for name in rows.x.columns], list_category_levels(rows.x, MAX_LEVELS)
    target, weight = label_rows(
        rows, settings.target == "share", "target share", settings.offset, settings.positive_weight
    )
    forest_class = RandomForestClassifier if settings.target == "share" else RandomForestRegressor
    forest = forest_class(
        n_estimators=settings.trees,
        max_depth=settings.depth,
        min_samples_leaf=settings.min_leaf,
        max_features=settings.columns,
        max_samples=max(1, round(settings.draw * len(rows.y))),
        random_state=seed,
        n_jobs=1,
    ).fit(encode_one_hot(rows.x, columns, column_levels), target, weight)
    importance = compute_importance(forest.feature_importances_, list_one_hot_inputs(columns, column_levels))
    return Model(forest, columns, column_levels, settings.model_dump(), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return the mean of the trees: as clipped log-odds for shares, plus the offset for a quantity."""
    encoded = encode_one_hot(x, model.columns, model.levels)
    if model.settings["target"] == "share":
        return compute_log_odds(model.forest.predict_proba(encoded)[:, 1])
    return np.asarray(model.forest.predict(encoded), float) + get_score_offset(x, model.settings["offset"])


def save(model: Model, folder: Path) -> None:
    """Write forest.skops and model.json."""
    write_model_fields(model, folder, "forest")
    save_estimator(model.forest, folder / "forest.skops")


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(load_estimator(folder / "forest.skops", TRUSTED_TYPES), **read_model_json(folder / "model.json"))
