"""Constant answers: whether an arm says (nearly) the same of every text, whatever its scores."""

from typing import Any

import numpy as np

from core.races import Floats
from stages.evaluate._tag_board import Answers, Board

Report = dict[str, Any]

LEAST_ROWS = 10  # a fold, in the mean; among fewer, rows are alike by chance


def constant(board: Board, depth: int, same: float, least_tags: float) -> Report:
    """Return by arm how few things it says, whether that is a constant answer, and sentences about those that are.

    Shares are of rows that get the commonest tag set, or the commonest order of the `depth` likeliest tags, of their
    fold: every fold has a model of its own. An arm is constant where either share is `same` or more and the truth is
    more varied, or where it gives fewer than a share `least_tags` of the tags that occur. Not judged are folds of fewer
    than 10 rows in the mean, and the order where there are no more tags than `depth`.
    """
    judged = bool(board.fold.size >= LEAST_ROWS * len(board.folds()))
    occur = int((board.truth.sum(axis=0) > 0).sum())
    alike = _commonest(board, np.broadcast_to(board.truth, board.arms["tuned"].given.shape))
    arms = {name: _said(board, answers, depth) for name, answers in board.arms.items()}
    for found in arms.values():
        found["why"] = _why(found, alike, same, least_tags * occur) if judged else ""
    sentences = [_sentence(name, found, occur) for name, found in arms.items() if found["why"]]
    return {"judged": judged, "same_set_of_truth": alike, "tags_in_truth": occur, "arms": arms, "sentences": sentences}


def _said(board: Board, answers: Answers, depth: int) -> Report:
    sets, times = np.unique(answers.given.reshape(-1, len(board.tags)), axis=0, return_counts=True)
    most = sets[times.argmax()]
    leading = np.argsort(-answers.chance, axis=-1, kind="stable")[..., :depth].astype(np.float64)
    return {
        "distinct_sets": len(sets),
        "tags_given": int(sets.any(axis=0).sum()),
        "most_common": [tag for tag, own in zip(board.tags, most, strict=True) if own],
        "most_common_share": float(times.max() / times.sum()),
        "same_set": _commonest(board, answers.given),
        "same_ranking": _commonest(board, leading) if len(board.tags) > depth else None,
        "chance_sd": _spread(board, answers.chance),
    }


def _commonest(board: Board, said: Floats) -> float:
    """Return the share of rows of which the same is said as of most rows of their fold."""
    most = [np.unique(said[rows], axis=0, return_counts=True)[1].max() for rows in board.folds()]
    return float(sum(most) / board.fold.size)


def _spread(board: Board, chance: Floats) -> float:
    """Return the standard deviation of a tag's chance over the rows of a fold, in the mean of tags and folds."""
    return float(np.mean([chance[rows].std(axis=0).mean() for rows in board.folds()]))


def _why(found: Report, alike: float, same: float, least_tags: float) -> str:
    if alike < same and found["same_set"] >= same:
        return "one tag set"
    if alike < same and (found["same_ranking"] or 0.0) >= same:
        return "one ranking"
    return "few tags" if found["tags_given"] < least_tags else ""


def _sentence(name: str, found: Report, occur: int) -> str:
    most, learned = f"{{{', '.join(found['most_common'])}}}", "it has learned nothing"
    if found["why"] == "few tags":
        return f"{name} gives only {found['tags_given']} of {occur} tags, most often {most}."
    if found["why"] == "one ranking":
        return f"{name} ranks the tags alike for {100 * found['same_ranking']:.0f} % of the events: {learned}."
    alike = f"{100 * found['same_set']:.0f} % of the events"
    if found["most_common_share"] >= found["same_set"]:
        return f"{name} answers {most} for {alike}: {learned}."
    return f"{name} answers alike for {alike} of a fold, most often {most}: {learned}."
