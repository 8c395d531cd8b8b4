"""gradient_boosting: scikit-learn's boosted trees by histogram."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from core import estimators, models
from core.codes import Levels, levels, names, unfolded
from core.inputs import offset
from core.models import EVERY, Watch
from core.objectives import LOSSES, Lesson
from core.odds import winners
from core.params import Knobs
from core.refusals import Refusal
from core.rows import Floats, Rows
from core.threads import one_thread

TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
LEVELS = 100  # of a category; rarer ones count as missing
SAMPLE = 2000  # rows on which importance is measured
NAMES = {"logistic": "log_loss", "squared": "squared_error", "absolute": "absolute_error"}


class Settings(Knobs):
    """The knobs of histogram gradient boosting."""

    loss: Literal["logistic", "squared", "absolute"]
    iterations: int = Field(ge=1)
    depth: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    min_leaf: int = Field(ge=1)
    columns: float = Field(gt=0, le=1)  # share of the inputs that each split may choose from
    l2: float = Field(ge=0)
    positive_weight: float = Field(gt=0)  # logistic only
    offset: str | None  # quantities only: the input that scores start from, where the inputs have it


@dataclass(frozen=True)
class Model:
    """A fitted estimator, the inputs it takes in order, and the levels of the categories among them."""

    trees: Any
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
    """Return trees fitted on the rows; with patience, refitted with as many as lose least on the later ones.

    All the rounds are fitted before the first is watched.
    """
    columns, known = [str(name) for name in rows.x.columns], levels(rows.x, LEVELS)
    x, lesson = _binnable(unfolded(rows.x, columns, known)), _lesson(rows, settings)
    held = None if later is None else (unfolded(later.x, columns, known), _truth(later, settings))
    settled: dict[str, int | float] = {}
    with one_thread():
        trees = _estimator(settings, settings.iterations, seed).fit(x, lesson.target, lesson.weight)
        if watch is not None:
            _watch(watch, trees, {"fit": (x, lesson), **({"later": held} if held else {})}, settings)
        if patience and held:
            settled["iterations"] = best = _best(list(_losses(trees, held, settings)), patience)
            trees = _estimator(settings, best, seed).fit(x, lesson.target, lesson.weight)
        importance = models.shares(_harm(trees, x, lesson, settings, seed), names(columns, known))
    return Model(trees, columns, known, settings.model_dump(), settled, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return log-odds for shares, or the quantity itself."""
    with one_thread():
        scores = _scores(model.trees, unfolded(x, model.columns, model.levels))
    return scores + offset(x, model.settings["offset"])


def save(model: Model, folder: Path) -> None:
    """Write trees.skops and model.json."""
    models.write({key: value for key, value in vars(model).items() if key != "trees"}, folder / "model.json")
    estimators.save(model.trees, folder / "trees.skops")


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    return Model(estimators.load(folder / "trees.skops", TRUSTED), **models.read(folder / "model.json"))


def _binnable(x: Floats) -> Floats:
    """Return the inputs with 0 in those that no row has: scikit-learn cannot cut bins in nothing, nor split on 0."""
    return np.where(np.isnan(x).all(axis=0), 0.0, x)


def _lesson(rows: Rows, settings: Settings) -> Lesson:
    if settings.loss != "logistic":
        return _truth(rows, settings)
    if settings.offset in rows.x.columns:
        raise Refusal(
            f"offset is {settings.offset!r}, an input, with loss logistic; only quantities start from one here: "
            "set offset to null, or take catboost_trees or xgboost_trees, whose log-odds can start anywhere."
        )
    return Lesson(*winners(rows, settings.positive_weight), rows.group)


def _truth(later: Rows, settings: Settings) -> Lesson:
    """Return what later rows are judged by: who won, or what a quantity has beyond its offset."""
    shares = settings.loss == "logistic"
    target = (later.y > 0).astype(float) if shares else later.y - offset(later.x, settings.offset)
    return Lesson(target, later.weight, later.group)


def _estimator(settings: Settings, iterations: int, seed: int) -> Any:
    kind = HistGradientBoostingClassifier if settings.loss == "logistic" else HistGradientBoostingRegressor
    return kind(
        loss=NAMES[settings.loss],
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


def _scores(trees: Any, x: Floats) -> Floats:
    raw = trees.decision_function(x) if hasattr(trees, "decision_function") else trees.predict(x)
    return np.asarray(raw, float)


def _losses(trees: Any, part: tuple[Floats, Lesson], settings: Settings) -> Iterator[float]:
    """Yield the loss after each round."""
    x, lesson = part
    staged = trees.staged_decision_function(x) if settings.loss == "logistic" else trees.staged_predict(x)
    for scores in staged:
        yield LOSSES[settings.loss](np.ravel(scores), lesson)


def _best(losses: list[float], patience: int) -> int:
    """Return the round of least loss among those that patience would have reached."""
    best = 0
    for step, loss in enumerate(losses):
        if loss < losses[best]:
            best = step
        if step - best >= patience:
            break
    return best + 1


def _watch(watch: Watch, trees: Any, parts: dict[str, tuple[Floats, Lesson]], settings: Settings) -> None:
    curves = [_losses(trees, part, settings) for part in parts.values()]
    for step, losses in enumerate(zip(*curves, strict=True), start=1):
        if step % EVERY == 0 or step == settings.iterations:
            watch(step, dict(zip(parts, losses, strict=True)))


def _harm(trees: Any, x: Floats, lesson: Lesson, settings: Settings, seed: int) -> list[float]:
    """Return how much more is lost, never below 0, when an input of a sample of the fit rows is shuffled."""
    random = np.random.default_rng(seed)
    chosen = np.sort(random.permutation(len(x))[:SAMPLE])
    sample, known = x[chosen], Lesson(lesson.target[chosen], lesson.weight[chosen], lesson.group[chosen])
    measure = LOSSES[settings.loss]
    before = measure(_scores(trees, sample), known)
    harm = []
    for column in range(x.shape[1]):
        shuffled = sample.copy()
        shuffled[:, column] = random.permutation(shuffled[:, column])
        harm.append(max(0.0, measure(_scores(trees, shuffled), known) - before))
    return harm
