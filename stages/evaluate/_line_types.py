"""Line types: the same predictions graded on real lines, on estimated ones and on both, and the difference in words."""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.blocks import Blocks
from core.grading import Picks, by_edge, grade, tally
from core.intervals import Interval
from stages.evaluate._phrases import beyond, gap, percent, points

Floats = npt.NDArray[np.float64]
Report = dict[str, Any]


def side_by_side(
    predicted: Floats, actual: Floats, real: Floats, estimated: Floats, edge: float, blocks: Blocks
) -> Report:
    """Return the tallies side by side, their differences in percentage points with intervals, and sentences.

    `estimated` are the rows that have only an estimated line; `mixed` takes the real line where there is one and the
    estimated one elsewhere; `same_rows` grades the rows that have both by each.
    """
    only, both = np.isnan(real), ~np.isnan(real) & ~np.isnan(estimated)
    lines = {"actual": real, "estimated": np.where(only, estimated, np.nan), "mixed": np.where(only, estimated, real)}
    twice = {"actual": np.where(both, real, np.nan), "estimated": np.where(both, estimated, np.nan)}
    return _beside(predicted, actual, lines, edge, blocks, "") | {
        "same_rows": _beside(predicted, actual, twice, edge, blocks, " of the same rows")
    }


def sentence(estimated: Interval, actual: Interval, difference: Interval, which: str) -> str:
    """Return how far a hit rate on estimated lines is from that on real ones, in one sentence (difference in points).

    `which` says, after "estimated lines", which they are.
    """
    if estimated["value"] is None:
        return f"No bet is graded on estimated lines{which}."
    said = f"On estimated lines{which} the same predictions hit {percent(estimated)}"
    if actual["value"] is None:
        return f"{said}, and no bet is graded on a real line: this says nothing of a market."
    if difference["value"] is None or difference["low"] is None:
        return f"{said} and on real ones {percent(actual)}: too few days to compare them."
    said = f"{said}, {gap(difference)} than the {percent(actual)} on real ones"
    return f"{said}: {'estimated lines are not a market' if beyond(difference) else 'the difference may be chance'}."


def _beside(
    predicted: Floats, actual: Floats, lines: dict[str, Floats], edge: float, blocks: Blocks, which: str
) -> Report:
    picks = {name: grade(by_edge(predicted, line, edge), line, actual) for name, line in lines.items()}
    report: Report = {name: _graded(picks[name], line, actual, blocks) for name, line in lines.items()}
    for name in list(lines)[1:]:
        report[f"{name}_minus_actual_points"] = _difference(picks[name], picks["actual"], blocks)
    estimated, real = (report[name]["hit_rate"] for name in ("estimated", "actual"))
    return report | {"sentence": sentence(estimated, real, report["estimated_minus_actual_points"], which)}


def _graded(picks: Picks, line: Floats, actual: Floats, blocks: Blocks) -> Report:
    rows = {"rows": int((~np.isnan(line)).sum()), "line_mae": blocks.mean(np.abs(line - actual))}
    return rows | tally(picks, blocks)


def _difference(one: Picks, other: Picks, blocks: Blocks) -> Interval:
    return points(blocks.difference((one.won, one.decided), (other.won, other.decided)))
