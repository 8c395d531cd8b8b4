"""Line types: the same predictions graded on real lines, on estimated lines and on both, with sentences."""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.evaluate.market.number_phrases import (
    convert_to_points,
    format_percent,
    format_points_difference,
    is_clear_of_zero,
)
from stages.evaluate.market.payouts import Payout
from trueline.core.betting.grading import Picks, grade_picks, pick_by_edge, summarise_picks
from trueline.core.stats.block_bootstrap import BlockBootstrap
from trueline.core.stats.confidence_intervals import Interval

Floats = npt.NDArray[np.float64]
Report = dict[str, Any]


def compare_line_types(
    predicted: Floats,
    actual: Floats,
    real: Floats,
    estimated: Floats,
    edge: float,
    blocks: BlockBootstrap,
    payout: Payout,
) -> Report:
    """Return the bets by type of line, the differences in percentage points with intervals, and sentences.

    `estimated` holds the rows that have only an estimated line; `mixed` takes the real line where there is one and the
    estimated one elsewhere; `same_rows` grades the rows that have both, by each of them.
    """
    lacks_real, has_both = np.isnan(real), ~np.isnan(real) & ~np.isnan(estimated)
    lines_by_type = {
        "actual": real,
        "estimated": np.where(lacks_real, estimated, np.nan),
        "mixed": np.where(lacks_real, estimated, real),
    }
    same_row_lines = {"actual": np.where(has_both, real, np.nan), "estimated": np.where(has_both, estimated, np.nan)}
    return _grade_line_types(predicted, actual, lines_by_type, edge, blocks, payout, "") | {
        "same_rows": _grade_line_types(predicted, actual, same_row_lines, edge, blocks, payout, " of the same rows")
    }


def describe_estimated_lines(estimated: Interval, actual: Interval, difference: Interval, scope: str) -> str:
    """Return one sentence that compares the hit rate on estimated lines with that on real ones.

    `difference` is in percentage points. `scope` is inserted after "estimated lines" and tells which rows are meant.
    """
    if estimated["value"] is None:
        return f"No bet is graded on estimated lines{scope}."
    text = f"On estimated lines{scope} the same predictions hit {format_percent(estimated)}"
    if actual["value"] is None:
        return f"{text}, and no bet is graded on a real line: this says nothing of a market."
    if difference["value"] is None or difference["low"] is None:
        return f"{text} and on real ones {format_percent(actual)}: too few days to compare them."
    text = f"{text}, {format_points_difference(difference)} than the {format_percent(actual)} on real ones"
    conclusion = "estimated lines are not a market" if is_clear_of_zero(difference) else "the difference may be chance"
    return f"{text}: {conclusion}."


def _grade_line_types(
    predicted: Floats,
    actual: Floats,
    lines_by_type: dict[str, Floats],
    edge: float,
    blocks: BlockBootstrap,
    payout: Payout,
    scope: str,
) -> Report:
    picks = {
        name: grade_picks(pick_by_edge(predicted, line, edge), line, actual) for name, line in lines_by_type.items()
    }
    report: Report = {
        name: _summarise_graded_line(picks[name], line, actual, blocks, payout) for name, line in lines_by_type.items()
    }
    for name in list(lines_by_type)[1:]:
        report[f"{name}_minus_actual_points"] = _compute_hit_rate_difference(picks[name], picks["actual"], blocks)
    estimated, real = (report[name]["hit_rate"] for name in ("estimated", "actual"))
    return report | {
        "sentence": describe_estimated_lines(estimated, real, report["estimated_minus_actual_points"], scope)
    }


def _summarise_graded_line(
    picks: Picks, line: Floats, actual: Floats, blocks: BlockBootstrap, payout: Payout
) -> Report:
    line_summary = {"rows": int((~np.isnan(line)).sum()), "line_mae": blocks.estimate_mean(np.abs(line - actual))}
    return line_summary | summarise_picks(picks, blocks, payout.find_odds(picks.direction))


def _compute_hit_rate_difference(first_picks: Picks, second_picks: Picks, blocks: BlockBootstrap) -> Interval:
    return convert_to_points(
        blocks.estimate_difference(
            (first_picks.is_won, first_picks.is_decided), (second_picks.is_won, second_picks.is_decided)
        )
    )
