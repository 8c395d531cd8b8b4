"""Deflation: the best score of many evaluations on one test period, less the part that luck alone explains.

The best of k equally good tries exceeds the expectation of each by E[max of k] standard deviations, which is deducted
from the best score. Tries of related models err alike, so their luckiest is less lucky than that, and the deflated
score is conservative.
"""

import math
from functools import lru_cache

from trueline.core.scorer_description import Metric

Z_95_PERCENT = 1.959963984540054  # half-width of a normal 95 % interval, in standard deviations
INTEGRAL_LIMIT_SD = 12.0  # upper limit of the integral, in standard deviations; beyond it the integrand is 0 in doubles
INTEGRAL_STEPS = 4800


@lru_cache(maxsize=1024)
def compute_expected_maximum(evaluation_count: int) -> float:
    """Return the mean maximum of k independent standard normals: 0 for one, 0.564 for two, 1.867 for 20.

    Simpson's rule on the integral of 1 − Φ(x)^k above zero minus that of Φ(x)^k below.
    """
    if evaluation_count < 1:
        raise ValueError("the maximum of no values is undefined; at least one evaluation is needed")
    step = INTEGRAL_LIMIT_SD / INTEGRAL_STEPS
    heights = [_compute_integrand(index * step, evaluation_count) for index in range(INTEGRAL_STEPS + 1)]
    inner = 4 * math.fsum(heights[1:-1:2]) + 2 * math.fsum(heights[2:-1:2])
    return (heights[0] + inner + heights[-1]) * step / 3


def deflate_score(metric: Metric, best: float, low: float, high: float, evaluation_count: int) -> float:
    """Return the best score of k evaluations less the expected gain of the luckiest of k equal tries.

    `low` and `high` are the bounds of its 95 % interval.
    """
    sd = (high - low) / (2 * Z_95_PERCENT)
    luck = compute_expected_maximum(evaluation_count) * sd
    return best - luck if metric.more_is_better else best + luck


def _compute_integrand(x: float, evaluation_count: int) -> float:
    """Return 1 − Φ(x)^k − Φ(−x)^k, accurate where Φ is near one."""
    tail = math.erfc(x / math.sqrt(2)) / 2
    return -math.expm1(evaluation_count * math.log1p(-tail)) - tail**evaluation_count
