"""Shapley values: what each of a few factors contributes to a change, averaged over every order of making it."""

from math import comb

import numpy as np
import numpy.typing as npt

from trueline.core.errors import UserError

Floats = npt.NDArray[np.float64]

MAX_FACTORS = 12  # factors: 4,096 values of the set function, each perhaps over thousands of draws


def compute_shapley_values(values: Floats) -> Floats:
    """Return what each of k factors contributes, exactly; over the factors it sums to values[-1] − values[0].

    `values` has 2^k entries along the first axis: entry m is the figure when exactly the factors whose bits are set in
    m have changed. Further axes (bootstrap draws) are carried along: (2^k, …) becomes (k, …). A missing value makes
    every contribution of its draw missing. Refuses a length that is no power of two, and more than MOST factors.
    """
    set_values = np.asarray(values, dtype=np.float64)
    factor_count = max(len(set_values).bit_length() - 1, 0)
    if len(set_values) != 1 << factor_count or not 1 <= factor_count <= MAX_FACTORS:
        raise UserError(
            f"{len(set_values)} values of a set function; give 2^k of them for k factors, 1 to {MAX_FACTORS}."
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
