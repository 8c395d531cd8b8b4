"""Row grading: a score and a weight for each row, so that any part of the rows has the figure Σ score / Σ weight.

A won bet has the score 1 and a decided one the weight 1. A share of a win weighs as much as the row had of it, and a
chance 1; their score is the weighted log loss.
"""

from dataclasses import dataclass

import numpy as np

from stages.diagnose.units.array_types import Floats, Ints, Mask
from trueline.core.gap_measure import Grading
from trueline.core.stats.group_ops import MIN_PROBABILITY
from trueline.core.stats.probability_scores import compute_log_losses


@dataclass(frozen=True)
class RowGrades:
    """Which rows are graded and which are bets, with the score and weight of each."""

    graded: Mask
    bet: Mask
    score: Floats | Mask
    weight: Floats | Mask


def grade_bets(prediction: Floats, line: Floats, pick: Floats | None, target: Floats, edge: float) -> RowGrades:
    """Grade picks against lines; without logged picks the distance from the line decides."""
    from trueline.core.betting.grading import grade_picks  # here, so that only betting tasks depend on it

    graded = np.isfinite(prediction) & np.isfinite(line) & np.isfinite(target)
    picks = grade_picks(np.where(graded, choose_picks(prediction, pick, line, edge), 0), line, target)
    return RowGrades(graded, picks.is_bet, picks.is_won, picks.is_decided)


def choose_picks(prediction: Floats, pick: Floats | None, line: Floats, edge: float) -> Ints:
    """Return the sides that are bet: as logged, or by the distance from the line."""
    from trueline.core.betting.grading import pick_by_edge

    return pick_by_edge(prediction, line, edge) if pick is None else np.nan_to_num(np.sign(pick)).astype(np.int64)


def grade_probabilities(grading: Grading, prediction: Floats, target: Floats, group: Ints) -> RowGrades:
    """Grade shares or chances by their log loss; of shares only groups in which every row has one."""
    graded = np.isfinite(prediction) & np.isfinite(target)
    if grading == "shares":
        graded &= (np.bincount(group, weights=~graded) == 0)[group] if len(group) else graded
        weight = np.where(graded, target, 0.0)
        score = -weight * np.log(np.maximum(np.where(graded, prediction, 1.0), MIN_PROBABILITY))
    else:
        weight = graded.astype(float)
        score = np.where(graded, compute_log_losses(np.where(graded, prediction, 0.5), np.nan_to_num(target)), 0.0)
    return RowGrades(graded, graded, score, weight)
