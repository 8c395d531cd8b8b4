"""Bootstrap sums: sums over blocks in the sample and in every resample, so that arithmetic on them has an interval."""

from typing import Any

import numpy as np
import numpy.typing as npt

from trueline.core.stats.confidence_intervals import (
    BOOTSTRAP_DRAWS,
    CONFIDENCE_LEVEL,
    MIN_BLOCKS,
    Interval,
    compute_percentile_interval,
    draw_block_weights,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class BootstrapSums:
    """Rows in numbered blocks (days), and how often each block occurs in every bootstrap resample.

    A table holds two sums for every block; tables of rows that do not overlap can be added. A figure is an array whose
    first entry is the value on all blocks and whose other entries are its values in the resamples: differences, shares
    and Shapley values of figures are figures too, all from the same resamples. With fewer than MIN_BLOCKS blocks there
    are no resamples. For equal bits whatever the number of processors, compute figures within
    `single_thread.limit_to_one_thread`.
    """

    def __init__(self, code: Ints, seed: int, draws: int = BOOTSTRAP_DRAWS) -> None:
        """Draw the resamples; `code` is the number of each row's block, from 0 on."""
        self.block_code = code
        self.block_count = int(code.max()) + 1 if len(code) else 0
        full_sample = np.ones((1, self.block_count))
        drawn_weights = draw_block_weights(self.block_count, seed, draws) if self.block_count >= MIN_BLOCKS else ()
        self._block_weights = np.vstack([full_sample, *drawn_weights])

    def sum_columns_by_block(
        self, numerators: npt.ArrayLike, denominators: npt.ArrayLike | None, rows: Mask | Ints | None = None
    ) -> Floats:
        """Return the sums of two columns in each block, shaped (blocks, 2).

        Without `denominators` the rows with a numerator are counted. With `rows`, the columns are given for these rows
        only. A row in which either is missing counts for neither.
        """
        code = self.block_code if rows is None else self.block_code[rows]
        numerator = np.asarray(numerators)
        denominator = ~np.isnan(numerator) if denominators is None else np.asarray(denominators)
        if numerator.dtype == bool and denominator.dtype == bool:
            return np.column_stack([self._count_by_block(code, numerator), self._count_by_block(code, denominator)])
        is_missing = np.isnan(numerator) | np.isnan(denominator)
        if is_missing.any():
            numerator, denominator = np.where(is_missing, 0.0, numerator), np.where(is_missing, 0.0, denominator)
        return np.column_stack([self._sum_by_block(code, numerator), self._sum_by_block(code, denominator)])

    def _sum_by_block(self, code: Ints, values: npt.NDArray[Any]) -> Floats:
        if values.dtype == bool:
            return self._count_by_block(code, values)
        return np.bincount(code, weights=values, minlength=self.block_count).astype(np.float64)

    def _count_by_block(self, code: Ints, is_counted: Mask) -> Floats:
        counted_code = code if is_counted.all() else code[is_counted]
        return np.bincount(counted_code, minlength=self.block_count).astype(np.float64)

    def compute_ratio(self, table: Floats) -> Floats:
        """Return the figure sum(numerators) / sum(denominators), missing if the denominator is 0."""
        numerator, denominator = (self._block_weights @ table).T
        ratio: Floats = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
        return ratio


def count_nonzero_blocks(*tables: Floats) -> int:
    """Return the number of blocks whose denominator is not 0, for the table with the fewest."""
    return min(int(np.count_nonzero(table[:, 1])) for table in tables)


def compute_interval(figure: Floats, block_count: int, level: float = CONFIDENCE_LEVEL) -> Interval:
    """Return a figure's value with its percentile interval; no interval if `block_count` is below MIN_BLOCKS."""
    return compute_percentile_interval(figure[0], figure[1:], block_count, level)
