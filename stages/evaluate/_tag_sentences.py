"""Sentences: what the figures of tags say, in words."""

from typing import Any

import numpy as np

from core.intervals import Interval
from stages.evaluate._tag_board import Board
from stages.evaluate._tag_ladder import JUDGED, Judged

Report = dict[str, Any]


def summary(report: Report) -> list[str]:
    """Return how the tuned arm stands beside every rung, and whatever else a reader of its scores must know."""
    rungs = {name: rung["micro_f1"] for name, rung in report["ladder"].items()}
    own, rows = rungs["tuned"], report["rows"]["scored"]
    beside = [
        f"{found['micro_f1']['verdict']} than {name} ({rungs[name]['value']:.3f})"
        if found["micro_f1"]["verdict"] != "undecided"
        else f"undecided against {name} ({rungs[name]['value']:.3f})"
        for name, found in report["tuned_against"].items()
    ]
    first = f"tuned reaches a micro-F1 of {own['value']:.3f}{_within(own)} on {rows} rows: {', '.join(beside)}."
    honest = [report["honest"]] if report["honest"] else []
    floor = report["against_floor"].items()
    earned = [f"{name} against the floor: {found['micro_f1']['verdict']}." for name, found in floor if name != "tuned"]
    return [first, *earned, *honest, *report["constant"]["sentences"], report["labels"]["sentence"]]


def honest(board: Board, judged: dict[str, Judged], clock: bool) -> str | None:
    """Return what must be said of the tuned arm where the choice of its knobs has seen the rows that judge it."""
    if clock or "default" not in judged:
        return None
    if np.array_equal(board.arms["tuned"].chance, board.arms["default"].chance):
        return None
    own, other = (float(judged[name]["micro_f1"][0]) for name in ("tuned", "default"))
    return (
        "Without a clock the knobs of tuned were chosen on folds that hold every row scored here; the arm that had no "
        f"such help is default, with a micro-F1 of {other:.3f} against {own:.3f}."
    )


def compared(found: Report, names: tuple[str, str]) -> list[str]:
    """Return a sentence for each figure by which two runs are compared."""
    return [_compared(figure, found[figure], names) for figure in JUDGED]


def _compared(figure: str, found: Report, names: tuple[str, str]) -> str:
    ahead = found["difference"]
    said = f"The {figure} of {names[0]} less that of {names[1]} is {ahead['value']:+.4f}"
    if ahead["low"] is None:
        return f"{said}: too few clusters to compare them."
    noise = "the difference is noise" if found["verdict"] == "undecided" else found["verdict"]
    return f"{said} ({ahead['low']:+.4f} to {ahead['high']:+.4f}): {noise}."


def _within(interval: Interval) -> str:
    low, high = interval["low"], interval["high"]
    return "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
