"""xgboost_trees: gradient-boosted trees by histogram, with objectives of our own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xgboost as xgb
from pydantic import Field

from core import models
from core.codes import Levels, coded, levels
from core.inputs import offset
from core.models import EVERY, Watch
from core.objectives import GRADIENTS, LOSSES, Lesson
from core.odds import log_odds, winners
from core.params import Knobs
from core.race_logit import contested
from core.refusals import Refusal
from core.rows import Floats, Rows

LEAST = 1e-6  # curvature: XGBoost divides by its sum in a leaf
LEVELS = 1000  # of a category; rarer ones count as missing
BINARY = ("logistic", "focal")


class Settings(Knobs):
    """The knobs of XGBoost, and how the target is taught."""

    objective: Literal["race_softmax", "logistic", "focal", "squared", "absolute"]
    iterations: int = Field(ge=1)
    depth: int = Field(ge=1, le=16)
    learning_rate: float = Field(gt=0, le=1)
    min_child_weight: float = Field(ge=0)  # sum of curvature in a leaf, where a quantity's row has 1
    subsample: float = Field(gt=0, le=1)
    columns: float = Field(gt=0, le=1)  # share of the inputs that each tree sees
    l2: float = Field(ge=0)
    positive_weight: float = Field(gt=0)  # logistic and focal only
    focal_alpha: float = Field(gt=0, lt=1)
    focal_gamma: float = Field(ge=0)
    teacher: float = Field(ge=0, le=1)  # race_softmax only
    offset: str | None  # the input that scores start from, where the inputs have it


@dataclass(frozen=True)
class Model:
    """A fitted booster, the inputs it takes in order, and the levels of the categories among them."""

    booster: Any
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
    """Return trees fitted on the rows; with patience, as many as lose least on the later ones."""
    _check(settings)
    lesson = _lesson(rows, settings)
    columns, known = [str(name) for name in rows.x.columns], levels(rows.x, LEVELS)
    train = _matrix(rows.x, columns, known, settings.offset, lesson)
    held = None if later is None else (_matrix(later.x, columns, known, settings.offset), _truth(later, settings))
    booster = xgb.Booster(_parameters(settings, seed, lesson), [train, *([held[0]] if held else [])])
    best = _boost(booster, (train, lesson), held, settings, patience, watch)
    gain = booster[:best].get_score(importance_type="total_gain")
    importance = models.shares([gain.get(name, 0.0) for name in columns], columns)
    settled: dict[str, int | float] = {"iterations": best} if patience and held else {}
    return Model(booster[:best], columns, known, settings.model_dump(), settled, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares (up to a constant within a race for race_softmax), or the quantity itself."""
    margin = model.booster.predict(
        _matrix(x, model.columns, model.levels, model.settings["offset"]), output_margin=True
    )
    return np.asarray(margin, float)


def save(model: Model, folder: Path) -> None:
    """Write trees.ubj and model.json."""
    models.write({key: value for key, value in vars(model).items() if key != "booster"}, folder / "model.json")
    model.booster.save_model(folder / "trees.ubj")


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(folder / "trees.ubj")
    return Model(booster, **models.read(folder / "model.json"))


def _check(settings: Settings) -> None:
    if settings.teacher and settings.objective != "race_softmax":
        raise Refusal(f"teacher is {settings.teacher} with {settings.objective}; only race_softmax takes one.")
    if settings.positive_weight != 1 and settings.objective not in BINARY:
        raise Refusal(
            f"positive_weight is {settings.positive_weight} with objective {settings.objective}; "
            f"only {' and '.join(BINARY)} take another than 1."
        )


def _lesson(rows: Rows, settings: Settings) -> Lesson:
    target, weight = rows.lesson(settings.teacher), rows.weight
    if settings.objective in BINARY:
        target, weight = winners(rows, settings.positive_weight)
    if settings.objective == "race_softmax":
        contested(target, weight, rows.group)
    return Lesson(target, weight, rows.group, settings.focal_alpha, settings.focal_gamma)


def _truth(later: Rows, settings: Settings) -> Lesson:
    target = (later.y > 0).astype(float) if settings.objective in BINARY else later.y
    return Lesson(target, later.weight, later.group, settings.focal_alpha, settings.focal_gamma)


def _matrix(x: pd.DataFrame, columns: list[str], known: Levels, start: str | None, lesson: Lesson | None = None) -> Any:
    taught = {} if lesson is None else {"label": lesson.target, "weight": lesson.weight}
    kinds = ["c" if name in known else "q" for name in columns]
    numbers = coded(x, columns, known)
    if start in columns:
        taught["base_margin"] = offset(x, start)
    return xgb.DMatrix(
        numbers, feature_names=columns, feature_types=kinds, enable_categorical=True, nthread=1, **taught
    )


def _parameters(settings: Settings, seed: int, lesson: Lesson) -> dict[str, Any]:
    return {
        "objective": "reg:absoluteerror" if settings.objective == "absolute" else "reg:squarederror",
        "base_score": _start(settings.objective, lesson),
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


def _start(objective: str, lesson: Lesson) -> float:
    """Return the score of a row of which nothing is known."""
    if objective == "race_softmax":
        return 0.0
    if objective == "absolute":
        return float(np.quantile(lesson.target, 0.5, weights=lesson.weight, method="inverted_cdf"))
    mean = np.average(lesson.target, weights=lesson.weight)
    return float(log_odds(np.array(mean)) if objective in BINARY else mean)


def _boost(
    booster: Any,
    train: tuple[Any, Lesson],
    held: tuple[Any, Lesson] | None,
    settings: Settings,
    patience: int | None,
    watch: Watch | None,
) -> int:
    """Grow the trees and return how many to keep."""
    best, least = settings.iterations, np.inf
    for step in range(1, settings.iterations + 1):
        booster.update(train[0], step - 1, _objective(settings.objective, train[1]))
        if watch is not None and (step % EVERY == 0 or step == settings.iterations):
            parts = {"fit": train, "later": held}
            watch(step, {name: _loss(booster, part, settings) for name, part in parts.items() if part})
        if patience and held:
            loss = _loss(booster, held, settings)
            best, least = (step, loss) if loss < least else (best, least)
            if step - best >= patience:
                break
    return best


def _objective(name: str, lesson: Lesson) -> Any:
    """Return our objective as XGBoost calls it; none for the absolute error, for which its own finds medians."""
    if name not in GRADIENTS:
        return None

    def both(margin: Floats, _: Any) -> tuple[Floats, Floats]:
        gradient, curvature = GRADIENTS[name](margin.astype(float), lesson)
        return gradient, np.maximum(curvature, LEAST)

    return both


def _loss(booster: Any, part: tuple[Any, Lesson], settings: Settings) -> float:
    matrix, lesson = part
    return LOSSES[settings.objective](np.asarray(booster.predict(matrix, output_margin=True), float), lesson)
