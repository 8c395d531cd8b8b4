"""Drift: do the latest predictions spread as those of the backtest did?"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

BINS = 10  # of equal count in the backtest
LEAST = 500  # predictions; from fewer the index is mostly chance
HALF_LIFE = 20_000  # predictions after which an old one counts half
TINY = 1e-4  # of a bin that is empty


class Drift:
    """A population stability index over bins that hold equal shares of the reference."""

    def __init__(self, edges: Sequence[float], shares: Sequence[float]) -> None:
        self._edges, self._shares = list(edges), list(shares)
        self._counts = [0.0] * len(self._shares)

    @classmethod
    def against(cls, reference: Iterable[float]) -> "Drift | None":
        """Return the index against a reference, None where that is too small."""
        known = sorted(value for value in reference if math.isfinite(value))
        if len(known) < LEAST:
            return None
        edges = sorted({known[len(known) * step // BINS] for step in range(1, BINS)})
        ends = [0, *(bisect_left(known, edge) for edge in edges), len(known)]
        return cls(edges, [(end - start) / len(known) for start, end in pairwise(ends)])

    def see(self, numbers: Iterable[float]) -> None:
        """Count predictions."""
        for number in numbers:
            self._counts[bisect_right(self._edges, number)] += 1
        if sum(self._counts) > 2 * HALF_LIFE:
            self._counts = [count / 2 for count in self._counts]

    def index(self) -> float | None:
        """Return Σ (share − reference)·ln(share / reference), None before there are enough predictions.

        Below 0.1 nothing moved, above 0.25 much did: the usual bounds.
        """
        seen = sum(self._counts)
        if seen < LEAST:
            return None
        shares = [
            (max(count / seen, TINY), max(share, TINY)) for count, share in zip(self._counts, self._shares, strict=True)
        ]
        return math.fsum((now - then) * math.log(now / then) for now, then in shares)
