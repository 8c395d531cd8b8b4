"""Time bins: rows in time order gathered into equal steps of whole blocks, and which inputs only ever grow."""

import numpy as np
import pandas as pd

from stages.diagnose.units.array_types import Floats, Ints, Mask

# an input whose mean correlates more than this with time within the reference is a growing count, not drifting
MIN_TREND_CORRELATION = 0.9


def assign_steps(block: pd.Series | None, row_count: int, max_steps: int) -> Ints:
    """Return each row's step, from 0 to at most `max_steps` − 1; contiguous rows of a block share a step."""
    block_number = (
        np.arange(row_count) if block is None else np.cumsum(np.r_[0, block.to_numpy()[1:] != block.to_numpy()[:-1]])
    )
    block_count = int(block_number[-1]) + 1 if row_count else 0
    return np.asarray(block_number // max(1, -(-block_count // max_steps)), dtype=np.int64)


def average_steps(values: Floats, step: Ints) -> Floats:
    """Return the mean of a column in each step, NaN where the whole step is missing."""
    present = ~np.isnan(values)
    count = np.bincount(step[present], minlength=int(step[-1]) + 1)
    total = np.bincount(step[present], weights=values[present], minlength=len(count))
    return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))


def find_monotone_columns(series: Floats, reference: int) -> Mask:
    """Return which columns of `series` (steps × columns) rise or fall with time throughout the reference."""
    filled = np.nan_to_num(series[:reference], nan=0.0)
    centred_time = np.arange(reference) - (reference - 1) / 2
    spread = filled.std(axis=0) * centred_time.std() * reference
    trend = np.abs(centred_time @ (filled - filled.mean(axis=0)))
    return np.asarray(trend > MIN_TREND_CORRELATION * np.maximum(spread, 1e-12))
