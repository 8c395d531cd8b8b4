"""The outlook: a predictive distribution beside the line, the chances it gives either side, and whether they hold."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import counts
from core.intervals import verdict
from core.reliability import calibration_error, reliability
from stages.evaluate._board import Board, Floats


@dataclass(frozen=True)
class Outlook:
    """An arm's distribution on every row; the chances are missing where there is no real line."""

    mean: Floats
    spread: Floats  # standard deviation
    whole: bool  # the quantity counts in whole numbers
    over: Floats
    push: Floats
    under: Floats


def outlook(board: Board, arm: str) -> Outlook | None:
    """Return an arm's distribution; None where its calibrator gave a point alone.

    The quantity is taken to be whole where every outcome is.
    """
    if f"{arm}:mean" not in board or f"{arm}:spread" not in board:
        return None
    mean, spread, whole = board[f"{arm}:mean"], board[f"{arm}:spread"], counts.whole_numbers(board["target"])
    return Outlook(mean, spread, whole, *counts.chances(board["line"], mean, spread, whole))


def held(board: Board, future: Outlook, bins: int) -> pd.DataFrame:
    """Return the chance of over beside how often it came, in bins of equal count, on rows with a real line."""
    lined = board.lined
    return reliability(future.over[lined], (board["target"] > board["line"])[lined], bins)


def judge(board: Board, future: Outlook, bins: int) -> dict[str, Any]:
    """Return the score of the distribution (CRPS, units of the target) beside that of the line.

    The CRPS of the line as a certainty is its absolute error, which any spread would better; so the arm is compared
    with its own distribution moved to the line. `pit` are the shares of outcomes by where in their distribution they
    fell, in bins of equal width: even where the distribution is true.
    """
    crps = counts.crps(board["target"], future.mean, future.spread, future.whole)
    of_line = _at_line(board, future)
    ahead = board.blocks.mean(crps - of_line)
    table = held(board, future, bins)
    return {
        "crps_of_all_rows": board.blocks.mean(crps),
        "crps": board.blocks.mean(np.where(board.lined, crps, np.nan)),
        "line_mae": board.blocks.mean(board.error("line")),
        "crps_of_line_with_same_spread": board.blocks.mean(of_line),
        "tuned_minus_line": ahead,
        "tuned_is": verdict(ahead, "better", "worse"),
        "reliability": table.to_dict("records"),
        "calibration_error": calibration_error(table),
        "pit": _places(board["target"], future, bins).tolist(),
    }


def _at_line(board: Board, future: Outlook) -> Floats:
    """Return the CRPS of the tuned arm's distribution moved so that its forecast is the line; missing without one."""
    lined = board.lined
    moved = future.mean + board["line"] - board["tuned"]
    crps = np.full(len(moved), np.nan)
    crps[lined] = counts.crps(board["target"][lined], moved[lined], future.spread[lined], future.whole)
    return crps


def _places(actual: Floats, future: Outlook, bins: int) -> Floats:
    """Return the share of outcomes in each bin; a whole outcome is spread evenly over its step (Czado et al. 2009)."""
    law, ends = (actual, future.mean, future.spread, future.whole), (np.zeros(len(actual)), np.ones(len(actual)))
    below, upto = (counts.pit(*law, end) for end in ends)
    step = np.maximum(upto - below, np.finfo(float).tiny)
    passed = [float(np.clip((edge - below) / step, 0, 1).mean()) for edge in np.linspace(0, 1, bins + 1)[1:-1]]
    return np.diff(np.array([0.0, *passed, 1.0]))
