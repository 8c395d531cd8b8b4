"""The chain from the backtest's figure to production's, and the contribution of each difference between them.

The rows that both sides grade are graded again with every mixture of the two sides' predictions, lines and types of
line. Rows that only one side grades are removed (backtest) or added (production) by the reason why the other side lacks
them: its days, its players, or no real line. The effects of both parts are averaged over all orders (Shapley values)
and add up to the gap.
"""

import math
from dataclasses import dataclass

import numpy as np

from stages.diagnose.backtest_gap.paired_rows import PairedRows, SourceBets
from stages.diagnose.units.array_types import Ints, Mask
from trueline.core.stats.block_bootstrap import BlockBootstrap, Floats, compute_interval, count_nonzero_blocks
from trueline.core.stats.confidence_intervals import CONFIDENCE_LEVEL, Interval
from trueline.core.stats.shapley import compute_shapley_values

PREDICTIONS, LINE_TIMING, LINE_TYPE = 1, 2, 4  # bits: what is taken from production on the rows that both grade
DATES, PLAYERS = 1, 2  # bits, with LINE_TYPE, for the rows that one side alone grades: why the other side lacks them
LINE_CAUSES = ("line_timing", "line_type")  # only where predictions are graded against lines


@dataclass(frozen=True)
class ChainStep:
    """One step of the chain, with the table of scores and weights by day."""

    step: str
    table: Floats


@dataclass(frozen=True)
class GapChain:
    """The tables and contributions of both sides, on the same bootstrap resamples of days."""

    bootstrap: BlockBootstrap
    is_common: Mask  # rows that both sides grade
    backtest: Floats  # table of scores and weights on all rows of the side
    production: Floats
    common_tables: tuple[Floats, Floats]  # on the common rows, by each side's own predictions and lines
    steps: list[ChainStep]
    contributions: dict[str, Floats]  # by cause: the data's own value first, then that of each resample

    @property
    def gap(self) -> Floats:
        """Production's figure as recorded minus the backtest's."""
        return self.bootstrap.compute_ratio(self.steps[-1].table) - self.bootstrap.compute_ratio(self.steps[0].table)

    @property
    def residual(self) -> float:
        """The part of the gap that the causes do not explain, which is rounding error."""
        return float(self.gap[0] - math.fsum(contribution[0] for contribution in self.contributions.values()))

    def estimate_rate(self, step: ChainStep) -> Interval:
        """Return the figure at one step."""
        return self.bootstrap.estimate_table(step.table)

    def estimate_contribution(self, cause: str, level: float = CONFIDENCE_LEVEL) -> Interval:
        """Return the contribution of a cause; n is the number of days with decided bets, on the side that has fewer."""
        return compute_interval(self.contributions[cause], count_nonzero_blocks(self.backtest, self.production), level)


def build_gap_chain(paired: PairedRows, bootstrap: BlockBootstrap, recorded: Floats | None) -> GapChain:
    """Build the chain; `recorded` is the table of production as its own log counts it, if that differs."""
    backtest, production = paired.backtest, paired.production
    is_common = backtest.graded & production.graded
    mixed_tables = _build_mixed_tables(paired, bootstrap, is_common)
    backtest_only = _build_one_sided_tables(paired, bootstrap, backtest, production, is_common)
    production_only = _build_one_sided_tables(paired, bootstrap, production, backtest, is_common)
    # set bits take from production: its rows are added with their bit, the backtest's rows are removed with it
    leaving_tables = [mixed_tables[0] + table for table in backtest_only[::-1]]
    coming_tables = [mixed_tables[7] + table for table in production_only]
    recorded_table = coming_tables[7] if recorded is None else recorded
    rates = [
        np.stack([bootstrap.compute_ratio(table) for table in tables])
        for tables in (mixed_tables, leaving_tables, coming_tables)
    ]
    common_effects, leaving_effects, coming_effects = (compute_shapley_values(values) for values in rates)
    contributions = {
        "predictions": common_effects[0],
        "line_timing": common_effects[1],
        "line_type": common_effects[2] + leaving_effects[2] + coming_effects[2],
        "dates": leaving_effects[0] + coming_effects[0],
        "players": leaving_effects[1] + coming_effects[1],
        "grading": bootstrap.compute_ratio(recorded_table) - rates[2][7],
    }
    line_steps = [
        ChainStep("and its lines where both are of one type", mixed_tables[PREDICTIONS | LINE_TIMING]),
        ChainStep("and its lines of another type", mixed_tables[7]),
    ]
    if not paired.measure.has_lines:
        contributions, line_steps = (
            {name: effect for name, effect in contributions.items() if name not in LINE_CAUSES},
            [],
        )
    steps = [
        ChainStep("the backtest, all its rows", leaving_tables[0]),
        ChainStep("the rows that both grade", mixed_tables[0]),
        ChainStep("with production's predictions", mixed_tables[PREDICTIONS]),
        *line_steps,
        ChainStep("production, all its rows", coming_tables[7]),
        ChainStep("as production recorded it", recorded_table),
    ]
    common_tables = mixed_tables[0], mixed_tables[7]
    return GapChain(bootstrap, is_common, leaving_tables[0], coming_tables[7], common_tables, steps, contributions)


def _build_mixed_tables(paired: PairedRows, bootstrap: BlockBootstrap, is_common: Mask) -> list[Floats]:
    """Return the tables of the common rows for every combination of bits that are taken from production."""
    rows = np.flatnonzero(is_common)
    backtest, production = paired.backtest, paired.production
    lines = backtest.line[rows], production.line[rows]
    types_differ = (backtest.estimated != production.estimated)[rows]
    lines_differ = (lines[0] != lines[1]) & ~(np.isnan(lines[0]) & np.isnan(lines[1]))
    differing = PREDICTIONS * _has_different_bets(backtest, production, rows)
    differing |= LINE_TIMING * bool((lines_differ & ~types_differ).any()) | LINE_TYPE * bool(types_differ.any())
    tables: dict[int, Floats] = {}
    for bits in range(8):
        if bits & ~differing == 0:
            is_production = np.where(types_differ, bool(bits & LINE_TYPE), bool(bits & LINE_TIMING))
            source, line = production if bits & PREDICTIONS else backtest, np.where(is_production, lines[1], lines[0])
            tables[bits] = paired.grade_against_lines(bootstrap, source, line, rows)
    return [tables[bits & differing] for bits in range(8)]


def _has_different_bets(backtest: SourceBets, production: SourceBets, rows: Ints) -> bool:
    if backtest.pick is None and production.pick is None:
        return not np.array_equal(backtest.prediction[rows], production.prediction[rows])
    if backtest.pick is None or production.pick is None:
        return True
    return not np.array_equal(backtest.pick[rows], production.pick[rows], equal_nan=True)


def _build_one_sided_tables(
    paired: PairedRows, bootstrap: BlockBootstrap, source: SourceBets, other_source: SourceBets, is_common: Mask
) -> list[Floats]:
    """Return the tables of the rows that one side alone grades, for every combination of bits that are its own.

    Without the bit of its own days or players, the rows that the other side lacks for that reason are dropped. Without
    that of its own line type, an estimated line is replaced by the other side's real one, or else the row is dropped,
    unless the other side grades estimated lines too.
    """
    rows = np.flatnonzero(source.graded & ~is_common)
    accepted = bool((other_source.estimated & other_source.graded).any())
    is_unacceptable = source.estimated[rows] & (not accepted)
    real_line = np.where(other_source.estimated[rows], np.nan, other_source.line[rows])
    served_days = paired.count_by_day(other_source.has_prediction) > 0
    is_excused = is_unacceptable & other_source.has_prediction[rows]  # the other side would grade it on a real line
    reason_codes = np.where(served_days[paired.day_index[rows]], np.where(is_excused, 0, PLAYERS), DATES)
    rows_by_reason = {reason: rows[reason_codes == reason] for reason in (0, DATES, PLAYERS)}
    replaced_line = np.where(is_unacceptable, real_line, source.line[rows])
    policies = [
        {
            reason: paired.grade_against_lines(bootstrap, source, replaced_line[reason_codes == reason], reason_rows)
            for reason, reason_rows in rows_by_reason.items()
        },
        {reason: source.sum_bets(bootstrap, reason_rows) for reason, reason_rows in rows_by_reason.items()},
    ]
    return [_sum_tables(policies[bits // LINE_TYPE], bits) for bits in range(8)]


def _sum_tables(tables: dict[int, Floats], bits: int) -> Floats:
    """Return the sum of the tables without a reason and of those whose reason bits are set."""
    return sum((table for reason, table in tables.items() if not reason & ~bits), 0 * tables[0])
