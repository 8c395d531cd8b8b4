"""The log loss of probabilities."""

import numpy as np

from trueline.core.stats.group_ops import MIN_PROBABILITY, Floats


def compute_log_losses(p: Floats, y: Floats) -> Floats:
    """Return −y·ln p − (1 − y)·ln(1 − p) in nats, element by element; p is clipped MIN_PROBABILITY from 0 and 1.

    >>> compute_log_losses(np.array([0.5, 1.0]), np.array([1.0, 1.0])).round(6).tolist()
    [0.693147, 0.0]
    """
    p = np.clip(p, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return -y * np.log(p) - (1 - y) * np.log1p(-p)
