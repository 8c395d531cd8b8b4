"""Race losses: the log loss of win probabilities within groups that share one win."""

import numpy as np

from trueline.core.stats.group_ops import MIN_PROBABILITY, Codes, Floats


def compute_race_losses(p: Floats, win_share: Floats, code: Codes) -> Floats:
    """Return −ln p(winner) in nats for each group, in order of the codes; a dead heat shares the win.

    >>> compute_race_losses(np.array([0.5, 0.5, 1.0, 0.0]), np.array([0.0, 1.0, 1.0, 0.0]), np.array([0, 0, 1, 1]))
    array([0.69314718, 0.        ])
    """
    return np.bincount(code, weights=-win_share * np.log(np.maximum(p, MIN_PROBABILITY))).astype(float)


def compute_uniform_losses(code: Codes) -> Floats:
    """Return ln(number of runners) in nats for each group: the loss of equal probabilities."""
    return np.asarray(np.log(np.bincount(code)), dtype=np.float64)
