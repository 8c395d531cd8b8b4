"""Shapley values: what each of a few factors contributes to a change, averaged over all orders of changing them."""

from math import comb

import numpy as np
import numpy.typing as npt

from trueline.core.errors import UserError

Floats = npt.NDArray[np.float64]

MAX_FACTORS = 12  # 4,096 values of the set function, each perhaps with thousands of bootstrap resamples


def compute_shapley_values(values: Floats) -> Floats:
    """Return the exact contribution of each of k factors; they sum to values[-1] − values[0].

    `values` has 2^k entries along the first axis: entry m is the figure when exactly the factors whose bits are set in
    m have changed. Further axes (bootstrap resamples) are carried along: (2^k, …) becomes (k, …). A missing value makes
    every contribution of its resample missing. Raises UserError for a length that is not 2^k with 1 ≤ k ≤ MAX_FACTORS.

    >>> compute_shapley_values(np.array([0.0, 1.0, 2.0, 5.0])).tolist()
    [2.0, 3.0]
    """
    set_values = np.asarray(values, dtype=np.float64)
    factor_count = max(len(set_values).bit_length() - 1, 0)
    if len(set_values) != 1 << factor_count or not 1 <= factor_count <= MAX_FACTORS:
        raise UserError(
            f"{len(set_values)} values of a set function were given; give 2^k of them for 1 to {MAX_FACTORS} factors."
        )
    subsets = np.arange(len(set_values))
    size = np.bitwise_count(subsets)
    order_shares = np.array(
        [1 / (factor_count * comb(factor_count - 1, earlier_count)) for earlier_count in range(factor_count)]
    )
    contributions = []
    for factor in range(factor_count):
        without_factor = subsets[subsets & 1 << factor == 0]
        increments = set_values[without_factor | 1 << factor] - set_values[without_factor]
        contributions.append(np.tensordot(order_shares[size[without_factor]], increments, axes=1))
    return np.stack(contributions)
