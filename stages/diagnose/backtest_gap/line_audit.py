"""An audit of the lines that production was graded against: type, whole or half, and distance to the real lines."""

from typing import Any

import numpy as np

from stages.diagnose.backtest_gap.paired_rows import PairedRows
from stages.diagnose.backtest_gap.row_effects import estimate_rate
from stages.diagnose.backtest_gap.waterfall import GapChain
from stages.diagnose.units.array_types import Mask

LINE_TOLERANCE = 1e-6  # rounding error, in the target's unit
MIN_STRETCH_DAYS = 2  # the shortest stretch that is reported


def audit_lines(paired: PairedRows, chain: GapChain) -> dict[str, Any]:
    """Return shares of estimated and untyped lines, whole and half lines, distance to real lines, hit rates by type.

    `stretches` are runs of days on which most of production's lines are estimated. Without any line only `rows` is
    returned, which is 0.
    """
    has_line, is_estimated = paired.production.has_prediction & paired.production.has_line, paired.production.estimated
    if not has_line.any():
        return {"rows": 0}
    rows_by_type = {"actual": has_line & ~is_estimated, "estimated": has_line & is_estimated}
    tables = {name: paired.production.sum_bets(chain.bootstrap, rows) for name, rows in rows_by_type.items()}
    return {
        "rows": int(has_line.sum()),
        "estimated": float(is_estimated[has_line].mean()),
        "untold": _compute_untyped_share(paired, has_line),
        "endings": {name: _compute_ending_shares(paired, rows) for name, rows in rows_by_type.items()},
        "against_real": {name: _compare_with_real_lines(paired, rows) for name, rows in rows_by_type.items()},
        paired.measure.name: {
            name: estimate_rate(chain.bootstrap, table, paired.measure) for name, table in tables.items()
        },
        "estimated_minus_actual": chain.bootstrap.estimate_table_difference(tables["estimated"], tables["actual"]),
        "stretches": _find_estimated_stretches(paired, has_line),
    }


def _compute_untyped_share(paired: PairedRows, has_line: Mask) -> float:
    if "production_line_type" not in paired.rows:
        return 1.0
    return float(paired.rows["production_line_type"].isna().to_numpy()[has_line].mean())


def _compute_ending_shares(paired: PairedRows, rows: Mask) -> dict[str, float] | None:
    """Return the shares of lines at whole numbers, at halves, and at neither."""
    if not rows.any():
        return None
    ending = np.mod(paired.production.line[rows], 1)
    masks = {"whole": ending == 0, "half": ending == 0.5, "other": (ending != 0) & (ending != 0.5)}
    return {name: float(mask.mean()) for name, mask in masks.items()}


def _compare_with_real_lines(paired: PairedRows, rows: Mask) -> dict[str, Any] | None:
    """Return how many lines have a real counterpart, the share that differs from it, and the mean distance."""
    rows = rows & paired.backtest.has_line & ~paired.backtest.estimated
    if not rows.any():
        return None
    distances = np.abs(paired.production.line - paired.backtest.line)[rows]
    return {
        "rows": int(rows.sum()),
        "differ": float((distances > LINE_TOLERANCE).mean()),
        "distance": float(distances.mean()),
    }


def _find_estimated_stretches(paired: PairedRows, has_line: Mask) -> list[dict[str, Any]]:
    line_counts, estimated_counts = map(paired.count_by_day, (has_line, has_line & paired.production.estimated))
    played_days = np.flatnonzero(line_counts)
    is_mostly_estimated = 2 * estimated_counts[played_days] > line_counts[played_days]
    return paired.format_runs(is_mostly_estimated, played_days, MIN_STRETCH_DAYS)
