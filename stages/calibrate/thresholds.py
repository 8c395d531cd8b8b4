"""thresholds: a straight line through each tag's log-odds, drawn toward all tags' line, and where a tag is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator
from scipy.special import expit, logit

from core.params import Knobs
from core.refusals import Refusal

if TYPE_CHECKING:  # the service applies what was fitted, and needs no tables
    from core.races import Codes, Floats

FAINT = 0.1  # pull of all tags' line toward the scores as they are: it keeps one finite that tells all apart


class Settings(Knobs):
    """How far one tag may leave the others, and what its threshold is for."""

    shrinkage: float = Field(gt=0)  # on half the squared differences from all tags' line, against summed losses
    thresholds: Literal["global", "per_tag"]
    threshold_shrinkage: float = Field(ge=0)  # rows with a tag; per_tag only
    aim: Literal["f1", "precision"]
    precision: float | None = Field(gt=0, le=1)  # the share of given tags that shall be right

    @model_validator(mode="after")
    def _aimed(self) -> Settings:
        if (self.aim == "precision") != (self.precision is not None):
            raise ValueError("aim: precision takes a precision, and aim: f1 takes null")
        return self


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return each tag's slope, intercept and threshold; score and target are rows × tags.

    All tags together learn log-odds = a·score + b·(log-odds of the tag's frequency) + c; then each tag its own slope
    and intercept (Platt 1999), drawn toward that line, for which a rare tag has few rows. No slope is negative.
    Thresholds follow from the chances themselves, not from outcomes counted anew: where the expected F1 is greatest,
    half of it is the threshold (Lipton, Elkan and Naryanaswamy 2014); or where as many tags are given as can be at the
    expected precision asked for, none where no chance is that high. A tag's own threshold is drawn toward the global
    one, in log-odds, as `threshold_shrinkage` rows with the tag would draw it.
    Refuses no rows, no tags, targets other than 0 and 1, and scores that are not finite.
    """
    _check(score, target)
    given = target.sum(axis=0)
    frequency = logit((given + 0.5) / (len(target) + 1))
    base = np.broadcast_to(frequency, score.shape)
    every = np.stack([score, base, np.ones_like(score)], axis=-1).reshape(-1, 3)
    a, b, c = _line(every, target.ravel(), np.array([1.0, 0.0, 0.0]), FAINT)
    lines = [
        _line(np.stack([own, np.ones_like(own)], axis=-1), won, np.array([a, b * rate + c]), settings.shrinkage)
        for own, won, rate in zip(score.T, target.T, frequency, strict=True)
    ]
    slope, intercept = np.array(lines).T
    p = expit(slope * score + intercept)
    return {
        "all": {"score": a, "frequency": b, "intercept": c},
        "slope": slope.tolist(),
        "intercept": intercept.tolist(),
        "threshold": _thresholds(p, given, settings).tolist(),
    }


def apply(state: dict[str, Any], score: Floats, group: Codes) -> dict[str, Floats]:
    """Return chances (under "") and, as 1 and 0, the tags that are given; both rows × tags."""
    p = np.asarray(expit(np.array(state["slope"]) * score + np.array(state["intercept"])))
    return {"": p, "given": (p >= np.array(state["threshold"])).astype(float)}


def _check(score: Floats, target: Floats) -> None:
    if not score.size:
        raise Refusal("thresholds was given no rows or no tags; choose folds that leave calibrate some.")
    if not ((target == 0) | (target == 1)).all():
        raise Refusal("thresholds needs targets of 0 or 1, a column a tag; choose another calibrator for this task.")
    if odd := int((~np.isfinite(score)).any(axis=1).sum()):
        raise Refusal(
            f"thresholds was given {odd} of {len(score)} rows with scores missing or infinite; mend the learner."
        )


def _line(x: Floats, target: Floats, start: Floats, pull: float) -> Floats:
    """Return coefficients of greatest likelihood, drawn toward where they start; the first is the score's, ≥ 0."""
    free = _likeliest(x, target, start, pull)
    return free if free[0] >= 0 else np.append(0.0, _likeliest(x[:, 1:], target, start[1:], pull))


def _likeliest(x: Floats, target: Floats, start: Floats, pull: float) -> Floats:
    from scipy.optimize import minimize  # here: applying does without it, and the service is ready sooner

    def loss(line: Floats) -> tuple[float, Floats]:
        z, away = x @ line, line - start
        value = np.logaddexp(0, z).sum() - target @ z + pull / 2 * away @ away
        return float(value), np.asarray(x.T @ (expit(z) - target) + pull * away)

    def curvature(line: Floats) -> Floats:
        p = expit(x @ line)
        return np.asarray((x * (p * (1 - p))[:, None]).T @ x + pull * np.eye(len(start)))

    return np.asarray(
        minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-10 * len(x)}).x
    )


def _thresholds(p: Floats, given: Floats, settings: Settings) -> Floats:
    """Return each tag's threshold."""
    common = _threshold(p.ravel(), settings)
    if settings.thresholds == "global":
        return np.full(len(given), common)
    own = np.array([_threshold(chances, settings) for chances in p.T])
    part = given / np.maximum(given + settings.threshold_shrinkage, 1e-9)
    return np.asarray(expit(part * logit(own) + (1 - part) * logit(common)))


def _threshold(p: Floats, settings: Settings) -> float:
    """Return the threshold that suits the aim among these chances, of rows or of rows and tags."""
    sure = np.sort(p)[::-1]
    right, number = np.cumsum(sure), np.arange(1, len(sure) + 1)
    if settings.precision is None:
        return float((right / (number + right[-1])).max())  # half of F1 = 2·right / (number + all that are right)
    enough = int((right >= settings.precision * number).sum())  # the mean of the surest falls as more are taken
    above, below = sure[enough - 1] if enough else 1.0, sure[enough] if enough < len(sure) else 0.0
    return float((above + below) / 2)  # between two chances: no rounding moves one across
