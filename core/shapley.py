"""Shapley values: what each of a few factors contributes to a change, averaged over every order of making it."""

from math import comb

import numpy as np
import numpy.typing as npt

from core.refusals import Refusal

Floats = npt.NDArray[np.float64]

MOST = 12  # factors: 4,096 values of the set function, each perhaps over thousands of draws


def shapley(values: Floats) -> Floats:
    """Return what each of k factors contributes, exactly; over the factors it sums to values[-1] − values[0].

    `values` has 2^k entries along the first axis: entry m is the figure when exactly the factors whose bits are set in
    m have changed. Further axes (bootstrap draws) are carried along: (2^k, …) becomes (k, …). A missing value makes
    every contribution of its draw missing. Refuses a length that is no power of two, and more than MOST factors.
    """
    found = np.asarray(values, dtype=np.float64)
    count = max(len(found).bit_length() - 1, 0)
    if len(found) != 1 << count or not 1 <= count <= MOST:
        raise Refusal(f"{len(found)} values of a set function; give 2^k of them for k factors, 1 to {MOST}.")
    members = np.arange(len(found))
    size = np.bitwise_count(members)
    shares = np.array([1 / (count * comb(count - 1, before)) for before in range(count)])
    parts = []
    for factor in range(count):
        without = members[members & 1 << factor == 0]
        steps = found[without | 1 << factor] - found[without]
        parts.append(np.tensordot(shares[size[without]], steps, axes=1))
    return np.stack(parts)
