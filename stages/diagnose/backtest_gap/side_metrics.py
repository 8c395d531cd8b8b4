"""Metrics of each side under one filter (rows, bets, figure, errors), and comparisons on parts of the rows."""

from typing import Any

import numpy as np
import pandas as pd

from stages.diagnose.backtest_gap.paired_rows import PairedRows, SourceBets, convert_to_floats
from stages.diagnose.backtest_gap.waterfall import GapChain
from stages.diagnose.units.array_types import Ints, Mask
from trueline.core.stats.block_bootstrap import BlockBootstrap, Floats, compute_interval, count_nonzero_blocks
from trueline.core.stats.confidence_intervals import Interval


def compute_metrics(paired: PairedRows, bootstrap: BlockBootstrap, source: SourceBets, rows: Mask) -> dict[str, Any]:
    """Return a side's metrics on some of the rows that it grades: counts and figure; of bets also pushes and errors."""
    row_numbers, measure = np.flatnonzero(rows & source.graded), paired.measure
    bet_sums = source.sum_bets(bootstrap, row_numbers)
    if not measure.has_lines:
        days = int((paired.count_by_day(row_numbers) > 0).sum())
        return {"rows": len(row_numbers), "days": days, measure.name: bootstrap.estimate_table(bet_sums)}
    error_sums, line_error_sums = (
        sum_errors(paired, bootstrap, forecast, row_numbers) for forecast in (source.prediction, source.line)
    )
    bet_count = int(source.bet[row_numbers].sum())
    return {
        "rows": len(row_numbers),
        "days": count_nonzero_blocks(error_sums),
        "bets": bet_count,
        "pushes": bet_count - int(bet_sums[:, 1].sum()),
        measure.name: bootstrap.estimate_table(bet_sums),
        "mae": bootstrap.estimate_table(error_sums),
        "line_mae": bootstrap.estimate_table(line_error_sums),
    }


def sum_errors(paired: PairedRows, bootstrap: BlockBootstrap, forecast: Floats, rows: Ints) -> Floats:
    """Return the table of a forecast's absolute errors by day, on some rows."""
    return bootstrap.sum_columns_by_block(np.abs(forecast[rows] - paired.target[rows]), None, rows)


def compute_gaps(paired: PairedRows, chain: GapChain) -> dict[str, Interval]:
    """Return production minus backtest: in the figure, as recorded, by equal rules and on common rows, and in MAE."""
    production, backtest, name = paired.production, paired.backtest, paired.measure.name
    recorded_gap = compute_interval(chain.gap, count_nonzero_blocks(chain.backtest, chain.production))
    gaps = {
        name: recorded_gap,
        f"{name}_by_equal_rules": chain.bootstrap.estimate_table_difference(chain.production, chain.backtest),
        f"{name}_on_common_rows": chain.bootstrap.estimate_table_difference(
            chain.common_tables[1], chain.common_tables[0]
        ),
    }
    if not paired.measure.has_lines:
        return gaps
    error_sums = [
        sum_errors(paired, chain.bootstrap, source.prediction, np.flatnonzero(source.graded))
        for source in (production, backtest)
    ]
    return gaps | {"mae": chain.bootstrap.estimate_table_difference(*error_sums)}


def compare_like_for_like(paired: PairedRows, chain: GapChain, is_late: Mask) -> dict[str, Any]:
    """Return both sides' metrics on the rows that both grade on real lines, without predictions made after the events.

    `on_backtest_lines` is the figure, and the number of decided bets, of production's predictions against the
    backtest's lines.
    """
    production, backtest = paired.production, paired.backtest
    rows, bootstrap = chain.is_common & ~production.estimated & ~backtest.estimated & ~is_late, chain.bootstrap
    regraded = paired.grade_against_lines(bootstrap, production, backtest.line[rows], rows)
    return {
        "backtest": compute_metrics(paired, bootstrap, backtest, rows),
        "production": compute_metrics(paired, bootstrap, production, rows),
        "on_backtest_lines": {
            "decided": int(regraded[:, 1].sum()),
            paired.measure.name: bootstrap.estimate_table(regraded),
        },
        "gap": bootstrap.estimate_table_difference(
            *(source.sum_bets(bootstrap, rows) for source in (production, backtest))
        ),
    }


def compare_served_rows(paired: PairedRows, chain: GapChain) -> dict[str, Any]:
    """Return the backtest's metrics on the rows that production also served, and the figure's distance to all rows.

    This is a semi-join on entity and day: production's predictions and lines are not used.
    """
    is_served = paired.production.has_prediction & paired.backtest.graded
    served_bets = paired.backtest.sum_bets(chain.bootstrap, is_served)
    return {
        "served": compute_metrics(paired, chain.bootstrap, paired.backtest, is_served),
        "served_minus_all": chain.bootstrap.estimate_table_difference(served_bets, chain.backtest),
    }


def sum_recorded_bets(rows: pd.DataFrame, paired: PairedRows) -> Floats | None:
    """Return production's scores and weights by day as its own log counts them, or None if this report counts so too.

    Every row of the log counts, repeated ones too, by its `production_result` (1 won, 0 lost, missing: no decision),
    or by the rules of this report if the log has no results.
    """
    if "production_result" in rows:
        is_logged = rows["production"].notna().to_numpy()
        result = np.where(is_logged, convert_to_floats(rows, "production_result"), np.nan)
        columns = (np.nan_to_num(result), np.isfinite(result))
    elif len(rows) > len(paired.rows):
        production = PairedRows.from_rows(rows, paired.edge, paired.measure).production
        columns = (production.score, production.weight)
    else:
        return None
    day_index = np.searchsorted(paired.days, rows["day"].to_numpy("datetime64[D]"))
    return np.column_stack([np.bincount(day_index, weights=values, minlength=len(paired.days)) for values in columns])
