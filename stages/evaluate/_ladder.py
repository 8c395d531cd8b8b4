"""The ladder: forecasts on the same rows, from the line and plain means up to the tuned arm, and how alike they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.intervals import verdict
from stages.evaluate._board import Board, Floats, Mask

Report = dict[str, Any]

ARMS = ("tuned", "default", "floor", "natural")
RUNGS = ("line", "last_5", "last_10", "season_mean", "floor", "default", "tuned")
HUGS = 0.99  # correlation of prediction and line above which the model says what the line says
FEW_PICKS = 0.02  # share of rows with a bet below which it hardly dares to differ


def all_rows(board: Board) -> Report:
    """Return the errors of every arm on all rows, with a line or without."""
    return {arm: _errors(board, arm, np.ones(len(board.rows), bool)) for arm in ARMS if arm in board}


def ladder(board: Board) -> Report:
    """Return every rung on those rows with a real line for which all have a forecast; the others are counted."""
    rungs = [name for name in RUNGS if name in board and (~np.isnan(board[name]) & board.lined).any()]
    common = ~board.rows[rungs].isna().any(axis=1).to_numpy()
    left_out = int(board.lined.sum() - common.sum())
    return {"rows": int(common.sum()), "left_out": left_out, "rungs": {n: _rung(board, n, common) for n in rungs}}


def likeness(board: Board, edges: Sequence[float]) -> Report:
    """Return how often the tuned arm is closer than the line (a tie is not), and how far it departs from it.

    `hugs_line` where their correlation is above 0.99 or fewer than 2 % of the rows have a bet at the headline edge:
    such a model repeats the market, whatever its hit rate.
    """
    lined = board.lined
    tuned, line = board["tuned"][lined], board["line"][lined]
    varied = tuned.std() > 0 and line.std() > 0
    correlation = float(np.corrcoef(tuned, line)[0, 1]) if varied else None
    closer = np.where(lined, board.error("tuned") < board.error("line"), np.nan)
    few = board.bets("tuned").bet[lined].mean() < FEW_PICKS
    return {
        "model_beats_line": board.blocks.mean(closer),
        "mean_edge": board.blocks.mean(board["tuned"] - board["line"]),
        "edge_sd": float((tuned - line).std()),
        "correlation": correlation,
        "picks_share": {f"{edge:g}": float(board.bets("tuned", edge).bet[lined].mean()) for edge in edges},
        "hugs_line": bool(few or (correlation or 0.0) > HUGS),
    }


def resampling(board: Board) -> Report:
    """Return whether resampling helped: the tuned arm's absolute errors beside those of the same on natural rows."""
    if "natural" not in board:
        return {"verdict": "none", "difference": None}
    difference = board.blocks.mean(board.error("tuned") - board.error("natural"))
    return {"verdict": verdict(difference), "difference": difference}


def folds(board: Board) -> list[Report]:
    """Return the errors of the tuned arm and of the line fold by fold in time, so that retraining can be seen."""
    errors = {"mae": board.error("tuned"), "mae_with_line": np.where(board.lined, board.error("tuned"), np.nan)}
    table = board.rows[["fold", "group"]].assign(**errors, line_mae=board.error("line"))
    # rows are in time order, so folds appear in theirs
    return [{"fold": name, **_fold(rows)} for name, rows in table.groupby("fold", sort=False)]


def _fold(rows: pd.DataFrame) -> Report:
    means = {name: _mean(rows[name].dropna().to_numpy()) for name in ("mae", "mae_with_line", "line_mae")}
    counts = {"rows": len(rows), "rows_with_line": int(rows["line_mae"].count()), "days": rows["group"].nunique()}
    return counts | means


def _errors(board: Board, name: str, rows: Mask) -> Report:
    ahead = np.where(rows, board[name] - board["target"], np.nan)
    known = ahead[~np.isnan(ahead)]
    return {
        "rows": len(known),
        "mae": board.blocks.mean(np.abs(ahead)),
        "rmse": None if not len(known) else float(np.sqrt(np.square(known).mean())),
        "bias": _mean(known),
    }


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _rung(board: Board, name: str, common: Mask) -> Report:
    own, tuned, line = (np.where(common, board.error(each), np.nan) for each in (name, "tuned", "line"))
    rung = _errors(board, name, common)
    if name != "line":
        bets = board.bets(name).only(common)
        rung |= {"hit_rate": board.blocks.ratio(bets.won, bets.decided), "of_line_mae": board.blocks.ratio(own, line)}
    if name != "tuned":
        ahead = board.blocks.mean(tuned - own)
        rung |= {"tuned_minus_this": ahead, "tuned_is": verdict(ahead, "better", "worse")}
    return rung
