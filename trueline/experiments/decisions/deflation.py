"""Deflation: what is left of the best of many looks at the same test period, once luck is taken off.

The best of k tries that do not differ is better than any one of them was expected to be, by E[max of k] standard
deviations. That much is taken off the best score. Tries of related models err alike, so that the luckiest of them is
less lucky than that: the deflated score is cautious.
"""

import math
from functools import lru_cache

from trueline.experiments.store.metric_definitions import Metric

Z_95_PERCENT = 1.959963984540054  # standard deviations from the middle of a normal 95 % interval to its ends
INTEGRAL_LIMIT_SD, INTEGRAL_STEPS = (
    12.0,
    4800,
)  # of the integral, in standard deviations; beyond, nothing is left in double precision


@lru_cache(maxsize=1024)
def compute_expected_maximum(evaluation_count: int) -> float:
    """Return the mean of the largest of k independent standard normal draws: 0 for one, 0.564 for two, 1.867 for 20.

    Simpson's rule on the integral of 1 − Φ(x)^k above zero less that of Φ(x)^k below.
    """
    if evaluation_count < 1:
        raise ValueError("the largest of no draws is not a number; at least one look is needed")
    step = INTEGRAL_LIMIT_SD / INTEGRAL_STEPS
    heights = [_compute_integrand(index * step, evaluation_count) for index in range(INTEGRAL_STEPS + 1)]
    inner = 4 * math.fsum(heights[1:-1:2]) + 2 * math.fsum(heights[2:-1:2])
    return (heights[0] + inner + heights[-1]) * step / 3


def deflate_score(metric: Metric, best: float, low: float, high: float, evaluation_count: int) -> float:
    """Return the best score of k looks less what the luckiest of k equals gains; low and high are its 95 % interval."""
    sd = (high - low) / (2 * Z_95_PERCENT)
    luck = compute_expected_maximum(evaluation_count) * sd
    return best - luck if metric.more_is_better else best + luck


def _compute_integrand(x: float, evaluation_count: int) -> float:
    """Return 1 − Φ(x)^k − Φ(−x)^k, exact where Φ is near one."""
    tail = math.erfc(x / math.sqrt(2)) / 2
    return -math.expm1(evaluation_count * math.log1p(-tail)) - tail**evaluation_count
