"""thresholds: a Platt line per tag, shrunk toward that of all tags, and the probability from which a tag is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator
from scipy.special import expit, logit

from trueline.core.errors import UserError
from trueline.core.runtime.params import StageSettings

if TYPE_CHECKING:  # the service applies a fitted state without pandas
    from trueline.core.stats.group_ops import Codes, Floats

# penalty that shrinks the line of all tags toward the identity: it stays finite if the scores separate all tags
COMMON_LINE_PULL = 0.1


class Settings(StageSettings):
    """How far the line of a tag may depart from that of all tags, and what the thresholds are chosen for."""

    shrinkage: float = Field(
        gt=0
    )  # on half the squared distance from the line of all tags, against losses summed over rows
    thresholds: Literal["global", "per_tag"]
    threshold_shrinkage: float = Field(ge=0)  # in rows with the tag; per_tag only
    aim: Literal["f1", "precision"]
    precision: float | None = Field(gt=0, le=1)  # the share of given tags that should be right

    @model_validator(mode="after")
    def _validate_aim(self) -> Settings:
        if (self.aim == "precision") != (self.precision is not None):
            raise ValueError("aim precision needs a number for precision, and aim f1 needs null")
        return self


def fit(score: Floats, target: Floats, group: Codes, settings: Settings) -> dict[str, Any]:
    """Return each tag's slope, intercept and threshold; score and target are rows × tags.

    First one line is fitted to all tags: log-odds = a·score + b·(log-odds of the tag's frequency) + c. Then each tag
    gets its own slope and intercept (Platt 1999), shrunk toward that line because a rare tag has few rows. No slope is
    negative. Thresholds follow from the calibrated probabilities, not from the outcomes again: with aim f1, the
    threshold is half of the greatest expected F1 (Lipton, Elkan and Naryanaswamy 2014); with aim precision, as many
    tags are given as the expected precision allows, and none if no probability is that high. A tag's own threshold is
    shrunk toward the global one, in log-odds, with the weight of `threshold_shrinkage` rows with the tag.
    Raises UserError if there are no rows or no tags, a target is neither 0 nor 1, or a score is not finite.
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
    """Return the probabilities (under "") and, as 1 and 0, which tags are given; both are rows × tags."""
    p = np.asarray(expit(np.asarray(state["slope"]) * score + np.asarray(state["intercept"])))
    return {"": p, "given": (p >= np.asarray(state["threshold"])).astype(float)}


def _validate_inputs(score: Floats, target: Floats) -> None:
    if not score.size:
        raise UserError("thresholds was given no rows or no tags; choose folds that leave some rows to calibrate on.")
    if not ((target == 0) | (target == 1)).all():
        raise UserError(
            "thresholds needs targets of 0 or 1, one column per tag; choose another calibrator for this task."
        )
    if invalid_rows := int((~np.isfinite(score)).any(axis=1).sum()):
        raise UserError(
            f"thresholds was given {invalid_rows} of {len(score)} rows with scores missing or infinite; "
            "fix the learner."
        )


def _fit_line(x: Floats, target: Floats, start: Floats, pull: float) -> Floats:
    """Return the coefficients of maximum likelihood, shrunk toward `start`; the first, of the score, is at least 0."""
    unbounded_line = _maximise_likelihood(x, target, start, pull)
    if unbounded_line[0] >= 0:
        return unbounded_line
    return np.append(0.0, _maximise_likelihood(x[:, 1:], target, start[1:], pull))


def _maximise_likelihood(x: Floats, target: Floats, start: Floats, pull: float) -> Floats:
    from scipy.optimize import minimize  # here, because apply() does not need it and the service starts sooner

    def compute_loss(line: Floats) -> tuple[float, Floats]:
        z, difference = x @ line, line - start
        value = np.logaddexp(0, z).sum() - target @ z + pull / 2 * difference @ difference
        return float(value), np.asarray(x.T @ (expit(z) - target) + pull * difference)

    def compute_curvature(line: Floats) -> Floats:
        p = expit(x @ line)
        return np.asarray((x * (p * (1 - p))[:, None]).T @ x + pull * np.eye(len(start)))

    options: Any = {"gtol": 1e-10 * len(x)}
    solution = minimize(compute_loss, start, jac=True, hess=compute_curvature, method="trust-exact", options=options)
    return np.asarray(solution.x)


def _choose_thresholds(p: Floats, tag_counts: Floats, settings: Settings) -> Floats:
    """Return each tag's threshold."""
    global_threshold = _choose_threshold(p.ravel(), settings)
    if settings.thresholds == "global":
        return np.full(len(tag_counts), global_threshold)
    tag_thresholds = np.array([_choose_threshold(chances, settings) for chances in p.T])
    tag_weight = tag_counts / np.maximum(tag_counts + settings.threshold_shrinkage, 1e-9)
    return np.asarray(expit(tag_weight * logit(tag_thresholds) + (1 - tag_weight) * logit(global_threshold)))


def _choose_threshold(p: Floats, settings: Settings) -> float:
    """Return the threshold that suits the aim for these probabilities, of one tag or of all."""
    sorted_p = np.sort(p)[::-1]
    expected_hits, given_counts = np.cumsum(sorted_p), np.arange(1, len(sorted_p) + 1)
    if settings.precision is None:
        # half of the expected F1 = 2·hits / (given + all true tags)
        return float((expected_hits / (given_counts + expected_hits[-1])).max())
    # the mean of the highest probabilities falls as more are taken, so these are the first so many
    cutoff = int((expected_hits >= settings.precision * given_counts).sum())
    above, below = sorted_p[cutoff - 1] if cutoff else 1.0, sorted_p[cutoff] if cutoff < len(sorted_p) else 0.0
    return float((above + below) / 2)  # halfway between two probabilities, so that rounding moves none across
