"""thresholds: a straight line through each tag's log-odds, drawn toward all tags' line, and where a tag is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator
from scipy.special import expit, logit

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings

if TYPE_CHECKING:  # the service applies what was fitted, and needs no tables
    from trueline.core.stats.group_ops import Codes, Floats

COMMON_LINE_PULL = 0.1  # pull of all tags' line toward the scores as they are: it keeps one finite that tells all apart


class Settings(StageSettings):
    """How far one tag may leave the others, and what its threshold is for."""

    shrinkage: float = Field(gt=0)  # on half the squared differences from all tags' line, against summed losses
    thresholds: Literal["global", "per_tag"]
    threshold_shrinkage: float = Field(ge=0)  # rows with a tag; per_tag only
    aim: Literal["f1", "precision"]
    precision: float | None = Field(gt=0, le=1)  # the share of given tags that shall be right

    @model_validator(mode="after")
    def _validate_aim(self) -> Settings:
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
    _validate_inputs(score, target)
    tag_counts = target.sum(axis=0)
    frequency = logit((tag_counts + 0.5) / (len(target) + 1))
    frequency_column = np.broadcast_to(frequency, score.shape)
    common_design = np.stack([score, frequency_column, np.ones_like(score)], axis=-1).reshape(-1, 3)
    a, b, c = _fit_line(common_design, target.ravel(), np.array([1.0, 0.0, 0.0]), COMMON_LINE_PULL)
    lines = [
        _fit_line(
            np.stack([tag_scores, np.ones_like(tag_scores)], axis=-1),
            tag_targets,
            np.array([a, b * tag_frequency + c]),
            settings.shrinkage,
        )
        for tag_scores, tag_targets, tag_frequency in zip(score.T, target.T, frequency, strict=True)
    ]
    slope, intercept = np.array(lines).T
    p = expit(slope * score + intercept)
    return {
        "all": {"score": a, "frequency": b, "intercept": c},
        "slope": slope.tolist(),
        "intercept": intercept.tolist(),
        "threshold": _choose_thresholds(p, tag_counts, settings).tolist(),
    }


def apply(state: dict[str, Any], score: Floats, group: Codes) -> dict[str, Floats]:
    """Return chances (under "") and, as 1 and 0, the tags that are given; both rows × tags."""
    p = np.asarray(expit(np.array(state["slope"]) * score + np.array(state["intercept"])))
    return {"": p, "given": (p >= np.array(state["threshold"])).astype(float)}


def _validate_inputs(score: Floats, target: Floats) -> None:
    if not score.size:
        raise UserError("thresholds was given no rows or no tags; choose folds that leave calibrate some.")
    if not ((target == 0) | (target == 1)).all():
        raise UserError("thresholds needs targets of 0 or 1, a column a tag; choose another calibrator for this task.")
    if invalid_rows := int((~np.isfinite(score)).any(axis=1).sum()):
        raise UserError(
            f"thresholds was given {invalid_rows} of {len(score)} rows with scores missing or infinite; mend the learner."
        )


def _fit_line(x: Floats, target: Floats, start: Floats, pull: float) -> Floats:
    """Return coefficients of greatest likelihood, drawn toward where they start; the first is the score's, ≥ 0."""
    unbounded_line = _maximise_likelihood(x, target, start, pull)
    return (
        unbounded_line
        if unbounded_line[0] >= 0
        else np.append(0.0, _maximise_likelihood(x[:, 1:], target, start[1:], pull))
    )


def _maximise_likelihood(x: Floats, target: Floats, start: Floats, pull: float) -> Floats:
    from scipy.optimize import minimize  # here: applying does without it, and the service is ready sooner

    def compute_loss(line: Floats) -> tuple[float, Floats]:
        z, difference = x @ line, line - start
        value = np.logaddexp(0, z).sum() - target @ z + pull / 2 * difference @ difference
        return float(value), np.asarray(x.T @ (expit(z) - target) + pull * difference)

    def compute_curvature(line: Floats) -> Floats:
        p = expit(x @ line)
        return np.asarray((x * (p * (1 - p))[:, None]).T @ x + pull * np.eye(len(start)))

    return np.asarray(
        minimize(
            compute_loss,
            start,
            jac=True,
            hess=compute_curvature,
            method="trust-exact",
            options={"gtol": 1e-10 * len(x)},
        ).x
    )


def _choose_thresholds(p: Floats, tag_counts: Floats, settings: Settings) -> Floats:
    """Return each tag's threshold."""
    global_threshold = _choose_threshold(p.ravel(), settings)
    if settings.thresholds == "global":
        return np.full(len(tag_counts), global_threshold)
    tag_thresholds = np.array([_choose_threshold(chances, settings) for chances in p.T])
    tag_weight = tag_counts / np.maximum(tag_counts + settings.threshold_shrinkage, 1e-9)
    return np.asarray(expit(tag_weight * logit(tag_thresholds) + (1 - tag_weight) * logit(global_threshold)))


def _choose_threshold(p: Floats, settings: Settings) -> float:
    """Return the threshold that suits the aim among these chances, of rows or of rows and tags."""
    sorted_p = np.sort(p)[::-1]
    expected_hits, given_counts = np.cumsum(sorted_p), np.arange(1, len(sorted_p) + 1)
    if settings.precision is None:
        return float(
            (expected_hits / (given_counts + expected_hits[-1])).max()
        )  # half of F1 = 2·right / (number + all that are right)
    cutoff = int(
        (expected_hits >= settings.precision * given_counts).sum()
    )  # the mean of the surest falls as more are taken
    above, below = sorted_p[cutoff - 1] if cutoff else 1.0, sorted_p[cutoff] if cutoff < len(sorted_p) else 0.0
    return float((above + below) / 2)  # between two chances: no rounding moves one across
