"""Samples: single answers for the eye, and which tag is given where another was meant."""

from typing import Any

import numpy as np
import pandas as pd

from core.races import Floats
from stages.evaluate._tag_board import Board

NAME_LENGTH = 80  # characters
NOTHING = "(none)"


def samples(board: Board, facts: pd.DataFrame, count: int, depth: int, seed: int) -> list[dict[str, Any]]:
    """Return rows that the seed draws, by id: the truth, and what the tuned arm said in the first repeat."""
    drawn = np.random.default_rng(seed).permutation(len(board.row_id))[:count]
    return [_sample(board, str(facts["name"].iloc[row]), int(row), depth) for row in sorted(drawn)]


def confusions(board: Board, most: int, seed: int) -> pd.DataFrame:
    """Return pairs of a true tag and the tag that the tuned arm gave in the first repeat, a pair a line.

    A tag that was found is paired with itself. A missed one is paired with every wrong one of its row, for which of
    them stands for it is not known, or with `(none)`; so are wrong tags of rows that miss none. Rows come as the seed
    draws them, whole, until `most` lines are full.
    """
    pairs: list[tuple[str, str]] = []
    for row in np.random.default_rng(seed).permutation(len(board.row_id)):
        own = _pairs(board, int(row))
        if len(pairs) + len(own) > most:
            break
        pairs += own
    return pd.DataFrame(sorted(pairs), columns=["actual", "predicted"])


def _sample(board: Board, name: str, row: int, depth: int) -> dict[str, Any]:
    truth, given, chance = _of_row(board, row)
    top = np.argsort(-chance, kind="stable")[:depth]
    return {
        "row_id": board.row_id[row],
        "name": name[:NAME_LENGTH],
        "truth": _named(board, truth),
        "given": _named(board, given),
        "missed": _named(board, truth * (1 - given)),
        "wrong": _named(board, given * (1 - truth)),
        "top": [{"tag": board.tags[number], "chance": float(chance[number])} for number in top],
    }


def _pairs(board: Board, row: int) -> list[tuple[str, str]]:
    truth, given, _ = _of_row(board, row)
    missed, wrong = _named(board, truth * (1 - given)), _named(board, given * (1 - truth))
    found = [(tag, tag) for tag in _named(board, truth * given)]
    if not missed and not wrong:
        return found
    return found + [(one, other) for one in missed or [NOTHING] for other in wrong or [NOTHING]]


def _of_row(board: Board, row: int) -> tuple[Floats, Floats, Floats]:
    tuned = board.arms["tuned"]
    return board.truth[row], tuned.given[0, row], tuned.chance[0, row]


def _named(board: Board, flags: Floats) -> list[str]:
    return [board.tags[number] for number in np.flatnonzero(flags > 0)]
