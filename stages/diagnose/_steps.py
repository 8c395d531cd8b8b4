"""Steps: rows in time order gathered into equal steps of whole blocks, and which inputs only ever grow."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GROWING = 0.9  # correlation with time, within the reference, from which a mean only grows: a count, not a drift


def steps(block: pd.Series | None, rows: int, most: int) -> Ints:
    """Return each row's step, 0 … at most `most` − 1; rows of a block, which must follow each other, stay together."""
    number = np.arange(rows) if block is None else np.cumsum(np.r_[0, block.to_numpy()[1:] != block.to_numpy()[:-1]])
    blocks = int(number[-1]) + 1 if rows else 0
    return np.asarray(number // max(1, -(-blocks // most)), dtype=np.int64)


def means(values: Floats, step: Ints) -> Floats:
    """Return the mean of a column in each step, missing where all of it is."""
    known = ~np.isnan(values)
    count = np.bincount(step[known], minlength=int(step[-1]) + 1)
    total = np.bincount(step[known], weights=values[known], minlength=len(count))
    return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))


def growing(series: Floats, reference: int) -> npt.NDArray[np.bool_]:
    """Return which columns of steps × columns rise or fall with time throughout the reference."""
    known = np.nan_to_num(series[:reference], nan=0.0)
    time = np.arange(reference) - (reference - 1) / 2
    spread = known.std(axis=0) * time.std() * reference
    along = np.abs(time @ (known - known.mean(axis=0)))
    return np.asarray(along > GROWING * np.maximum(spread, 1e-12))
