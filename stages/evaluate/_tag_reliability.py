"""Reliability of tags: chances of all rows and tags beside how often the tag is true, clusters drawn together."""

import numpy as np
import pandas as pd

from core.reliability import COLUMNS
from stages.evaluate._tag_board import Board
from stages.evaluate._tag_draws import Draws


def reliability(board: Board, draws: Draws, bins: int) -> pd.DataFrame:
    """Return mean chance of the tuned arm and rate of truth in bins of equal count of cells, from low to high.

    A cell is a row, a tag and a repeat. Intervals keep the cells of a cluster together; a bin that fewer than FEWEST
    clusters have a cell in has none.
    """
    chance = board.arms["tuned"].chance
    flat, rows, held = chance.ravel(), len(board.truth), min(bins, chance.size)
    true = np.broadcast_to(board.truth, chance.shape).ravel()
    number = np.empty(chance.size, dtype=np.int64)
    number[np.argsort(flat, kind="stable")] = np.arange(chance.size) * held // chance.size
    row = np.broadcast_to(np.arange(rows)[:, None], chance.shape).ravel()
    cell = row * held + number
    parts = [np.bincount(cell, weights=each, minlength=rows * held) for each in (np.ones(chance.size), true, flat)]
    count, came, promised = (part.reshape(rows, held).astype(np.float64) for part in parts)
    clusters = (draws.of_clusters(count) > 0).sum(axis=0)
    below, above = draws.sums(count), draws.sums(came)
    rate = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    found = [draws.interval(rate[:, each], int(clusters[each])) for each in range(held)]
    ends = [[each[end] for each in found] for end in ("value", "low", "high")]
    size = count.sum(axis=0)
    return pd.DataFrame(dict(zip(COLUMNS, [promised.sum(axis=0) / size, *ends, size.astype(int)], strict=True)))
