"""Rules that learn no text: always the frequent tags, and a tag where its own name stands."""

import numpy as np
import pandas as pd

from core.folds import NO_CLOCK
from core.mentions import SAYS
from core.races import Floats
from stages.evaluate._tag_board import TARGET, Answers, Board


def prior(board: Board, prepared: pd.DataFrame) -> Answers:
    """Return each tag's frequency among rows that its fold does not score, and always the same frequent tags.

    With a clock those are the rows before the fold's first one. One threshold, the same for all tags, makes the F1 of
    the tags pooled greatest on those rows. Half a row is added on either side of a frequency (Jeffreys 1946), so that
    none is 0 or 1. A delay of the labels is not kept.
    """
    truth = prepared[[TARGET + tag for tag in board.tags]].to_numpy(np.float64)
    chance = np.empty((board.repeats, *board.truth.shape))
    given = np.empty_like(chance)
    for scored in board.folds():
        known = truth[_known(prepared, set(board.row_id[scored.any(axis=0)]))]
        chance[scored] = (known.sum(axis=0) + 0.5) / (len(known) + 1)
        given[scored] = frequent(known)
    return Answers(chance, given)


def frequent(known: Floats) -> Floats:
    """Return 1 for the tags that are best given to every row of known truth (rows × tags), by pooled F1.

    A tag raises the F1 if its frequency is at least half of it (Lipton, Elkan and Naryanaswamy 2014).
    """
    rows_with = known.sum(axis=0)
    most = np.sort(rows_with)[::-1]
    given = len(known) * np.arange(1, len(most) + 1)
    best = (2 * np.cumsum(most) / np.maximum(given + most.sum(), 1)).max()
    return np.asarray((rows_with > 0) & (rows_with >= best / 2 * len(known)), dtype=np.float64)


def tag_name(board: Board, facts: pd.DataFrame, base: Answers) -> Answers:
    """Return a tag where its name stands in the text; such tags rank first, and else the more frequent ones."""
    said = facts[[SAYS + tag for tag in board.tags]].to_numpy(np.float64)
    every = np.broadcast_to(said, base.chance.shape)
    return Answers((every + base.chance) / 2, every, are_chances=False)


def has_clock(prepared: pd.DataFrame) -> bool:
    """Return whether the rows have times of their own."""
    return bool((prepared["time"] != NO_CLOCK).any())


def _known(prepared: pd.DataFrame, scored: set[str]) -> pd.Series:
    own = prepared["row_id"].isin(scored)
    return prepared["time"] < prepared.loc[own, "time"].min() if has_clock(prepared) else ~own
