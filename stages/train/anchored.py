"""anchored: another learner's forecast, believed against an anchor only as far as it has earned."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from sklearn.linear_model import Ridge

from core import models
from core.inputs import offset
from core.models import Watch
from core.params import Knobs
from core.refusals import Refusal
from core.rows import Floats, Rows
from core.shelf import tool
from core.stacking import Learners, forward, learned
from core.threads import one_thread


class Settings(Knobs):
    """The input that is the anchor, what else may move it, and the learner whose forecast is weighed against it."""

    anchor: str  # in the target's unit; rows without one get the forecast as it is
    beside: list[str]  # inputs that correct the anchor together with the forecast, missing ones at 0
    hidden: list[str]  # inputs that the forecast may not see, for they hold the anchor in another guise
    members: list[str] = Field(min_length=1, max_length=1)
    member_settings: dict[str, dict[str, Any]]
    inner_folds: int = Field(ge=1)  # blocks of anchored rows that are forecast from the rows before them
    l2: float = Field(gt=0)  # pull toward the anchor, against squared errors summed over rows


@dataclass(frozen=True)
class Model:
    """The fitted member, and how much of each term is added to the anchor."""

    member: Any
    word: str
    coefficients: dict[str, float]
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
    """Return the member fitted on all rows, and the ridge of target − anchor on what it forecast of anchored rows.

    The forecasts that are weighed were made by members fitted on earlier rows only. Where too few rows are anchored
    the anchor stands. It has no rounds of its own, so nothing stops early and nothing is watched.
    """
    if settings.anchor not in rows.x:
        raise Refusal(
            f"anchored needs the input {settings.anchor!r}, which the features do not hold; let them make it."
        )
    learners = learned("anchored learner", settings.members, settings.member_settings)
    own = rows.only(_visible(rows.x, settings))
    anchored = _known(rows.x, settings)
    scores = _forecasts(own, anchored, learners, settings.inner_folds, seed)
    judged = anchored & ~np.isnan(scores)
    coefficients = _earned(rows.chosen(judged), scores[judged], settings)
    [(word, (learner, knobs))] = learners.items()
    member = learner.fit(own, knobs, seed)
    importance = _importance(rows.x[judged], scores[judged], member.importance, coefficients, settings)
    return Model(member, word, coefficients, settings.model_dump(), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return the anchor moved by what has been earned; the member's forecast where there is no anchor."""
    settings = Settings(**model.settings)
    forecast: Floats = tool("train", model.word).score(model.member, x[_visible(x, settings)])
    moved = offset(x, settings.anchor) + (_terms(x, forecast, settings) * list(model.coefficients.values())).sum(axis=1)
    return np.where(_known(x, settings), moved, forecast)


def save(model: Model, folder: Path) -> None:
    """Write anchored.json and the member in a folder of its own."""
    models.write({key: value for key, value in vars(model).items() if key != "member"}, folder / "anchored.json")
    tool("train", model.word).save(model.member, folder / model.word)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    held = models.read(folder / "anchored.json")
    return Model(tool("train", held["word"]).load(folder / held["word"]), **held)


def _visible(x: pd.DataFrame, settings: Settings) -> list[str]:
    unseen = {settings.anchor, *settings.beside, *settings.hidden}
    return [str(name) for name in x.columns if name not in unseen]


def _known(x: pd.DataFrame, settings: Settings) -> npt.NDArray[np.bool_]:
    return np.asarray(x[settings.anchor].notna())


def _terms(x: pd.DataFrame, forecast: Floats, settings: Settings) -> Floats:
    disagreement = forecast - offset(x, settings.anchor)
    return np.column_stack([disagreement, *(offset(x, name) for name in settings.beside)])


def _forecasts(rows: Rows, anchored: npt.NDArray[np.bool_], learners: Learners, folds: int, seed: int) -> Floats:
    """Return a forecast of each row from the second block of anchored days on, missing before it."""
    times = np.unique(rows.time[anchored])
    if len(times) <= folds:
        return np.full(len(rows.y), np.nan)
    starts = [block[0] for block in np.array_split(times, folds + 1)][1:]
    return forward(rows, learners, starts, seed)[:, 0]


def _earned(rows: Rows, scores: Floats, settings: Settings) -> dict[str, float]:
    """Return how much of each term is best added to the anchor: nothing where the rows are too few to tell."""
    names = ["disagreement", *settings.beside]
    if len(rows.y) <= len(names):
        return dict.fromkeys(names, 0.0)
    short = rows.y - offset(rows.x, settings.anchor)
    with one_thread():
        # no intercept: an anchor that is off by a constant is for the calibrator to mend
        line = Ridge(settings.l2, fit_intercept=False, solver="cholesky")
        line.fit(_terms(rows.x, scores, settings), short, rows.weight)
    return dict(zip(names, line.coef_.tolist(), strict=True))


def _importance(
    x: pd.DataFrame, scores: Floats, own: dict[str, float], coefficients: dict[str, float], settings: Settings
) -> dict[str, float]:
    """Return each input's share of the spread of anchored rows' scores, the forecast's part shared out as in `own`."""
    names = [str(name) for name in x.columns]
    if x.empty:
        return dict.fromkeys(names, 0.0) | own
    earned, *others = coefficients.values()
    spread = {name: float(np.std(offset(x, name))) for name in (settings.anchor, *settings.beside)}
    weights = [1 - earned, *others]
    parts = {name: abs(weight) * wide for weight, (name, wide) in zip(weights, spread.items(), strict=True)}
    parts |= {name: abs(earned) * float(np.std(scores)) * share for name, share in own.items()}
    return models.shares([parts.get(name, 0.0) for name in names], names)
