"""anchored: an anchor, such as the line, moved toward another learner's forecast as far as that has earned."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from sklearn.linear_model import Ridge

from trueline.core.compute.single_thread import limit_to_one_thread
from trueline.core.errors import UserError
from trueline.core.models.model_json import NO_MONITOR, Monitor, compute_importance, read_model_json, write_model_json
from trueline.core.models.tabular.input_encoding import get_score_offset
from trueline.core.models.tabular.stacking import Learners, load_learners, score_forward
from trueline.core.runtime.params import StageSettings
from trueline.core.runtime.plugins import load_plugin
from trueline.core.splits.fold_data import Floats, FoldData


class Settings(StageSettings):
    """The anchor, the inputs that may correct it, and the learner whose forecast is weighed against it."""

    anchor: str  # an input in the unit of the target; rows without one get the forecast as it is
    beside: list[str]  # inputs that correct the anchor together with the forecast; 0 where missing
    hidden: list[str]  # inputs that the forecast may not see, because they contain the anchor in another form
    members: list[str] = Field(min_length=1, max_length=1)
    member_settings: dict[str, dict[str, Any]]
    inner_folds: int = Field(ge=1)  # blocks of anchored rows that are forecast from earlier rows
    l2: float = Field(gt=0)  # penalty that pulls toward the anchor, against squared errors summed over rows


@dataclass(frozen=True)
class Model:
    """The fitted member, and how much of each term is added to the anchor."""

    member: Any
    word: str
    coefficients: dict[str, float]
    settings: dict[str, Any]
    settled: dict[str, int | float]
    importance: dict[str, float]


def fit(rows: FoldData, settings: Settings, seed: int, monitor: Monitor = NO_MONITOR) -> Model:
    """Return the member fitted on all rows, and a ridge regression of target − anchor on its forecasts.

    The forecasts in the regression come from members fitted on earlier rows only. If too few rows are anchored, the
    anchor is not moved. There are no rounds, so nothing stops early and nothing is watched. Raises UserError if the
    anchor is not among the inputs, or the member is unknown or has no valid settings.
    """
    if settings.anchor not in rows.x:
        raise UserError(
            f"anchored needs the input {settings.anchor!r}, which is not among the features; add it to them."
        )
    learners = load_learners("anchored learner", settings.members, settings.member_settings)
    member_rows = rows.select_inputs(_select_member_inputs(rows.x, settings))
    is_anchored = _has_anchor(rows.x, settings)
    scores = _predict_forward(member_rows, is_anchored, learners, settings.inner_folds, seed)
    is_scored = is_anchored & ~np.isnan(scores)
    coefficients = _fit_coefficients(rows.select_rows(is_scored), scores[is_scored], settings)
    [(learner_name, (learner, member_settings))] = learners.items()
    member = learner.fit(member_rows, member_settings, seed)
    importance = _compute_importance(rows.x[is_scored], scores[is_scored], member.importance, coefficients, settings)
    return Model(member, learner_name, coefficients, settings.model_dump(), {}, importance)


def score(model: Model, x: pd.DataFrame) -> Floats:
    """Return the anchor moved by the fitted terms; for a row without an anchor, the member's forecast."""
    settings = Settings(**model.settings)
    forecast: Floats = load_plugin("train", model.word).score(model.member, x[_select_member_inputs(x, settings)])
    moved_anchor = get_score_offset(x, settings.anchor) + (
        _build_terms(x, forecast, settings) * list(model.coefficients.values())
    ).sum(axis=1)
    return np.where(_has_anchor(x, settings), moved_anchor, forecast)


def save(model: Model, folder: Path) -> None:
    """Write anchored.json and the member in a folder of its own."""
    write_model_json({key: value for key, value in vars(model).items() if key != "member"}, folder / "anchored.json")
    load_plugin("train", model.word).save(model.member, folder / model.word)


def load(folder: Path) -> Model:
    """Return the model that `save` wrote."""
    stored_fields = read_model_json(folder / "anchored.json")
    return Model(load_plugin("train", stored_fields["word"]).load(folder / stored_fields["word"]), **stored_fields)


def _select_member_inputs(x: pd.DataFrame, settings: Settings) -> list[str]:
    hidden_inputs = {settings.anchor, *settings.beside, *settings.hidden}
    return [str(name) for name in x.columns if name not in hidden_inputs]


def _has_anchor(x: pd.DataFrame, settings: Settings) -> npt.NDArray[np.bool_]:
    return np.asarray(x[settings.anchor].notna())


def _build_terms(x: pd.DataFrame, forecast: Floats, settings: Settings) -> Floats:
    disagreement = forecast - get_score_offset(x, settings.anchor)
    return np.column_stack([disagreement, *(get_score_offset(x, name) for name in settings.beside)])


def _predict_forward(
    rows: FoldData, is_anchored: npt.NDArray[np.bool_], learners: Learners, folds: int, seed: int
) -> Floats:
    """Return a forecast of each row from the second block of anchored times on, NaN before it.

    All are NaN if there are too few times for the blocks.
    """
    times = np.unique(rows.time[is_anchored])
    if len(times) <= folds:
        return np.full(len(rows.y), np.nan)
    starts = [block[0] for block in np.array_split(times, folds + 1)][1:]
    return score_forward(rows, learners, starts, seed)[:, 0]


def _fit_coefficients(rows: FoldData, scores: Floats, settings: Settings) -> dict[str, float]:
    """Return how much of each term to add to the anchor, by ridge regression; 0 without more rows than terms."""
    term_names = ["disagreement", *settings.beside]
    if len(rows.y) <= len(term_names):
        return dict.fromkeys(term_names, 0.0)
    anchor_error = rows.y - get_score_offset(rows.x, settings.anchor)
    with limit_to_one_thread():
        # no intercept: the calibrator corrects an anchor that is off by a constant
        ridge = Ridge(settings.l2, fit_intercept=False, solver="cholesky")
        ridge.fit(_build_terms(rows.x, scores, settings), anchor_error, rows.weight)
    return dict(zip(term_names, ridge.coef_.tolist(), strict=True))


def _compute_importance(
    x: pd.DataFrame,
    scores: Floats,
    member_importance: dict[str, float],
    coefficients: dict[str, float],
    settings: Settings,
) -> dict[str, float]:
    """Return each input's share of the spread of anchored scores; `member_importance` divides the forecast's part."""
    names = [str(name) for name in x.columns]
    if x.empty:
        return dict.fromkeys(names, 0.0) | member_importance
    forecast_weight, *beside_weights = coefficients.values()
    spread_by_input = {name: float(np.std(get_score_offset(x, name))) for name in (settings.anchor, *settings.beside)}
    input_weights = [1 - forecast_weight, *beside_weights]
    contributions = {
        name: abs(weight) * input_spread
        for weight, (name, input_spread) in zip(input_weights, spread_by_input.items(), strict=True)
    }
    forecast_spread = abs(forecast_weight) * float(np.std(scores))
    contributions |= {name: forecast_spread * share for name, share in member_importance.items()}
    return compute_importance([contributions.get(name, 0.0) for name in names], names)
