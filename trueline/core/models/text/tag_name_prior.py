"""Tag-name prior: how much a tag's own name in the text says about the tag, learned over all tags at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trueline.core.errors import UserError
from trueline.core.models import model_json
from trueline.core.models.text.vocabulary import TEXT_INPUT
from trueline.core.text.tag_mentions import MENTION_PREFIX

if TYPE_CHECKING:  # the service needs the names, but no tables
    import pandas as pd

    from trueline.core.splits.fold_data import Floats, FoldData
    from trueline.core.splits.iterative_stratification import Ints

MIN_TEXT_SLOPE = 0.5  # what names add is at most doubled, however little the text's own scores are worth
EVEN_ODDS_INFORMATION = 0.25  # p·(1 − p) of a row whose odds are even
LINE_PENALTY = 0.1  # keeps a line finite if scores and names separate all tags
NEWTON_STEPS = 50
MAX_NEWTON_STEP = 2.0  # in log-odds
NEWTON_TOLERANCE = 1e-10  # in log-odds
MIN_NAME_PROBABILITY = 0.003  # neither does a name settle its tag, nor its absence rule it out, more surely than this


def require_tagged_rows(rows: FoldData, plugin_name: str) -> None:
    """Raise UserError if there are no rows or no tags."""
    if not rows.tags or not len(rows.y):
        raise UserError(f"{plugin_name} needs rows with tags, but got {len(rows.y)} rows with {len(rows.tags)} tags.")


def get_name_mentions(x: pd.DataFrame, tags: tuple[str, ...] | list[str]) -> Floats:
    """Return rows × tags: 1 where the text contains the tag's own name, 0 where it does not or nothing is known."""
    columns = [MENTION_PREFIX + tag for tag in tags]
    mentions: Floats = x.reindex(columns=columns, fill_value=0).to_numpy(float)
    return np.nan_to_num(mentions)


def compute_tag_prior(y: Floats, weight: Floats) -> Floats:
    """Return each tag's log-odds with half a row added on either side (Jeffreys 1946), so that none is infinite."""
    tag_weight = weight @ y
    return np.asarray(np.log(tag_weight + 0.5) - np.log(weight.sum() - tag_weight + 0.5))


def fit_name_evidence(has_name: Floats, y: Floats, weight: Floats, shrinkage: float) -> Floats:
    """Return 2 × tags: what to add to a tag's log-odds where the text lacks its name, and where it contains it.

    A tag's rate among the rows with its name is shrunk toward the rate among all names of all tags, with the weight of
    `shrinkage` rows, because a rare tag has few rows and names work alike; its rate among the other rows is shrunk
    toward its rate among all rows. `has_name` and `y` are rows × tags of 0 and 1. All zeros if no row has any name.
    """
    if not has_name.any():
        return np.zeros((2, y.shape[1]))
    base_rate = (weight @ y + 0.5) / (weight.sum() + 1)
    hits, names = weight @ (y * has_name), weight @ has_name
    name_rate = (hits.sum() + 1) / (names.sum() + 2)
    with_name = (hits + shrinkage * name_rate) / (names + shrinkage)
    without_name = (weight @ (y * (1 - has_name)) + shrinkage * base_rate) / (weight @ (1 - has_name) + shrinkage)
    return np.asarray(
        [
            _compute_clipped_log_odds(without_name) - _compute_clipped_log_odds(base_rate),
            _compute_clipped_log_odds(with_name) - _compute_clipped_log_odds(base_rate),
        ]
    )


def fit_added_evidence(text_scores: Floats, has_name: Floats, y: Floats, weight: Floats, shrinkage: float) -> Floats:
    """Return 2 × tags like `fit_name_evidence`, but only of what names add to what the rest of the text already says.

    `text_scores`, rows × tags, are log-odds from the text by models that were not fitted on these rows. One line is
    fitted to all tags, log-odds = slope·score + a + b where the name is. Each tag has its own a and b, shrunk toward
    the common ones with the weight of `shrinkage` rows of even odds; what they add is divided by the slope, as it is
    added to a score. So evidence that proves nothing on rows that the text was not learned from comes out as none. All
    zeros if no row has any name.
    """
    if not has_name.any():
        return np.zeros((2, y.shape[1]))
    design = np.stack([text_scores, np.ones_like(text_scores), has_name], axis=-1).reshape(-1, 3)
    slope, without, added = _fit_common_line(design, y.ravel(), np.repeat(weight, y.shape[1]))
    slope = max(slope, MIN_TEXT_SLOPE)
    is_named = has_name > 0
    offset, common = slope * text_scores, np.full(y.shape[1], without)
    without_name = _fit_tag_shifts(offset, y, weight[:, None] * ~is_named, common, shrinkage)
    with_name = _fit_tag_shifts(offset, y, weight[:, None] * is_named, without_name + added, shrinkage)
    return np.asarray(np.array([without_name, with_name]) / slope)


def combine_evidence(alone: Floats, added: Floats, named_weight: Floats, shrinkage: float) -> Floats:
    """Return 2 × tags: what a name adds to the text where the text could learn it, else what it says alone.

    `named_weight` is the weight of each tag's fit rows with its name: a text learns a name from these only, and hardly
    from fewer than half of `shrinkage` rows. Squares make the passage short: twice as many rows give four fifths.
    """
    share = named_weight**2 / (named_weight**2 + (shrinkage / 2) ** 2)
    return np.asarray(share * added + (1 - share) * alone)


def is_added_evidence_better(
    text_scores: Floats, has_name: Floats, y: Floats, weight: Floats, row_part: Ints, shrinkage: float
) -> bool:
    """Return whether rows lose less by what names add to the text than by what names say alone.

    The evidence of each part of the rows is learned from the other parts, so neither wins by fitting noise. If all rows
    are one part, what names add is taken.
    """
    part_numbers = np.unique(row_part)
    if len(part_numbers) == 1:
        return True
    alone, added = np.zeros_like(y), np.zeros_like(y)
    for number in part_numbers:
        is_other, is_own = row_part != number, row_part == number
        other_rows = has_name[is_other], y[is_other], weight[is_other]
        evidence_alone = fit_name_evidence(*other_rows, shrinkage)
        evidence_added = fit_added_evidence(text_scores[is_other], *other_rows, shrinkage)
        blended = combine_evidence(evidence_alone, evidence_added, weight[is_other] @ has_name[is_other], shrinkage)
        alone[is_own] = lookup_name_evidence(has_name[is_own], evidence_alone)
        added[is_own] = lookup_name_evidence(has_name[is_own], blended)
    losses = [_compute_line_loss(text_scores + evidence, y, weight) for evidence in (alone, added)]
    return losses[1] < losses[0]


def lookup_name_evidence(has_name: Floats, name_evidence: Floats) -> Floats:
    """Return rows × tags of log-odds to add to those from the rest of the text."""
    return np.asarray(np.where(has_name > 0, name_evidence[1], name_evidence[0]))


def compute_tag_importance(rows: FoldData, text_move: float, name_moves: Floats) -> dict[str, float]:
    """Return input → share of how far the text and each tag's name move the scores; 0 for all other inputs."""
    moves = dict.fromkeys(map(str, rows.x.columns), 0.0) | {TEXT_INPUT: text_move}
    for tag, value in zip(rows.tags, name_moves.tolist(), strict=True):
        if MENTION_PREFIX + tag in moves:
            moves[MENTION_PREFIX + tag] = value
    return model_json.compute_importance(list(moves.values()), moves)


def _compute_clipped_log_odds(p: Floats) -> Floats:
    clipped = np.clip(p, MIN_NAME_PROBABILITY, 1 - MIN_NAME_PROBABILITY)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _fit_common_line(design: Floats, target: Floats, weight: Floats) -> Floats:
    """Return the three coefficients of maximum likelihood, with a small penalty on their distance from (1, 0, 0)."""
    start = np.array([1.0, 0.0, 0.0])
    line = start.copy()
    for _ in range(NEWTON_STEPS):
        p = _compute_probability(design @ line)
        gradient = design.T @ (weight * (p - target)) + LINE_PENALTY * (line - start)
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + LINE_PENALTY * np.eye(len(start))
        step = np.linalg.solve(curvature, gradient)
        line -= step * min(1.0, MAX_NEWTON_STEP / max(float(np.abs(step).max()), NEWTON_TOLERANCE))
        if np.abs(step).max() < NEWTON_TOLERANCE:
            break
    return line


def _compute_line_loss(score: Floats, y: Floats, weight: Floats) -> float:
    """Return the weighted sum of log losses (nats) after the best calibration by one line for all tags."""
    design = np.stack([score, np.ones_like(score), np.zeros_like(score)], axis=-1).reshape(-1, 3)
    log_odds = (design @ _fit_common_line(design, y.ravel(), np.repeat(weight, y.shape[1]))).reshape(y.shape)
    return float(weight @ (np.logaddexp(0, log_odds) - y * log_odds).sum(axis=1))


def _fit_tag_shifts(offset: Floats, y: Floats, weight: Floats, common: Floats, shrinkage: float) -> Floats:
    """Return what each tag's log-odds exceed the offset by, shrunk toward `common`.

    `offset`, `y` and `weight` are rows × tags, `common` has one number per tag.
    """
    pull = EVEN_ODDS_INFORMATION * shrinkage
    shift = common.copy()
    for _ in range(NEWTON_STEPS):
        p = _compute_probability(offset + shift)
        gradient = (weight * (p - y)).sum(axis=0) + pull * (shift - common)
        step = gradient / ((weight * p * (1 - p)).sum(axis=0) + pull)
        shift -= np.clip(step, -MAX_NEWTON_STEP, MAX_NEWTON_STEP)
        if np.abs(step).max() < NEWTON_TOLERANCE:
            break
    return shift


def _compute_probability(log_odds: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)))
