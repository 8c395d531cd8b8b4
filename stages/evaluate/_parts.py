"""Parts: bets by direction, confidence, season, month, line, place and kind of season."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.grading import Picks, tally
from core.intervals import Interval
from stages.evaluate._board import Board, Floats

Labels = npt.NDArray[np.object_]

# the least value of each step, in units of the target
TIERS = {"below": -np.inf, "low": 1.0, "medium": 3.0, "high": 5.0}  # distance of prediction from line
LINES = {"below 10": -np.inf, "10 to 20": 10.0, "20 and above": 20.0}


def parts(board: Board, picks: Picks) -> dict[str, Any]:
    """Return for every part its bets, pushes and days with bets, its hit rate and its return at −110.

    A figure over fewer than FEWEST days is the word "insufficient".
    """
    return {name: _levels(board, picks, labels) for name, labels in _labels(board, picks).items()}


def _levels(board: Board, picks: Picks, labels: Labels) -> dict[str, Any]:
    levels = {}
    for level in sorted(set(labels[picks.bet])):
        found = tally(picks.only(labels == level), board.blocks)
        rates = {name: _or_insufficient(found[name]) for name in ("hit_rate", "roi")}
        levels[level] = {"n": found["bets"], "pushes": found["pushes"], "days": found["roi"]["n"]} | rates
    return levels


def _or_insufficient(interval: Interval) -> Interval | str:
    return "insufficient" if interval["low"] is None else interval


def _labels(board: Board, picks: Picks) -> dict[str, Labels]:
    home = board["home"]
    place = np.where(np.isnan(home), "missing", np.where(home > 0, "home", "away"))
    return {
        "direction": np.where(picks.direction > 0, "over", "under").astype(object),
        "confidence": _steps(np.abs(board["tuned"] - board["line"]), TIERS),
        "season": _words(board.rows["season"]),
        "month": board.rows["time"].dt.strftime("%Y-%m").to_numpy(dtype=object),
        "line": _steps(board["line"], LINES),
        "place": place.astype(object),
        "season_type": _words(board.rows["season_type"]),
    }


def _steps(values: Floats, least: dict[str, float]) -> Labels:
    """Return the name of the highest step that each value reaches; steps come in rising order."""
    names = np.array(list(least), dtype=object)
    return np.asarray(names[np.searchsorted(list(least.values()), np.nan_to_num(values), side="right") - 1])


def _words(values: pd.Series) -> Labels:
    words = values.map(lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    return words.where(values.notna(), "missing").to_numpy(dtype=object)
