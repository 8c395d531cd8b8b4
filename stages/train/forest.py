"""forest: many deep trees on random draws of the rows, each blind to most inputs; their mean is the answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from core import estimators, models
from core.codes import Levels, levels, names, unfolded
from core.inputs import offset
from core.models import Watch
from core.odds import log_odds, winners
from core.params import Knobs
from core.refusals import Refusal
from core.rows import Floats, Rows

LEVELS = 100  # of a category; rarer ones count as missing
TRUSTED = ["sklearn.tree._tree.Tree"]


class Settings(Knobs):
    """The knobs of a random forest."""

    target: Literal["share", "quantity"]
    trees: int = Field(ge=1)
    depth: int = Field(ge=1)
    min_leaf: int = Field(ge=1)
    columns: float = Field(gt=0, le=1)  # share of the encoded inputs that each split may choose from
    draw: float = Field(gt=0, le=1)  # rows drawn, with replacement, for each tree
    positive_weight: float = Field(gt=0)  # shares only
    offset: str | None  # quantities only: the input that scores start from, where the inputs have it


@dataclass(frozen=True)
class Model:
    """A fitted forest, the inputs it takes in order, and the levels of the categories among them."""

    forest: Any
    columns: list[str]
    levels: Levels
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(
    rows: Rows,
    settings: Settings,
    seed: int,
    later: Rows | None = None,
    patience: int | None = None,
    watch: Watch | None = None,
) -> Model:
    """Return a forest fitted on the rows; it has no rounds, so nothing stops early and nothing is watched."""
    columns, known = [str(name) for name in rows.x.columns], levels(rows.x, LEVELS)
    target, weight = _lesson(rows, settings)
    kind = RandomForestClassifier if settings.target == "share" else RandomForestRegressor
    forest = kind(
        n_estimators=settings.trees,
        max_depth=settings.depth,
        min_samples_leaf=settings.min_leaf,
        max_features=settings.columns,
        max_samples=max(1, round(settings.draw * len(rows.y))),
        random_state=seed,
        n_jobs=1,
    ).fit(unfolded(rows.x, columns, known), target, weight)
    importance = models.shares(forest.feature_importances_, names(columns, known))
    return Model(forest, columns, known, settings.model_dump(), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return clipped log-odds of the mean of the trees for shares, or the mean itself for a quantity."""
    encoded = unfolded(x, model.columns, model.levels)
    if model.settings["target"] == "share":
        return log_odds(model.forest.predict_proba(encoded)[:, 1])
    return np.asarray(model.forest.predict(encoded), float) + offset(x, model.settings["offset"])


def save(model: Model, folder: Path) -> None:
    """Write forest.skops and model.json."""
    models.write({key: value for key, value in vars(model).items() if key != "forest"}, folder / "model.json")
    estimators.save(model.forest, folder / "forest.skops")


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(estimators.load(folder / "forest.skops", TRUSTED), **models.read(folder / "model.json"))


def _lesson(rows: Rows, settings: Settings) -> tuple[Floats, Floats]:
    """Return each row's label and weight: winners for shares, for a quantity what it has beyond its offset."""
    if settings.target == "quantity":
        return rows.y - offset(rows.x, settings.offset), rows.weight
    if settings.offset in rows.x.columns:
        raise Refusal(
            f"offset is {settings.offset!r}, an input, with target share; only quantities start from one here: "
            "set offset to null, or take catboost_trees or xgboost_trees, whose log-odds can start anywhere."
        )
    return winners(rows, settings.positive_weight)
