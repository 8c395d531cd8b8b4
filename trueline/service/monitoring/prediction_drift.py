"""Prediction drift: whether the latest predictions are distributed like those of the backtest."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

BINS = 10  # of equal count in the backtest
MIN_PREDICTIONS = 500  # with fewer the index is mostly chance
HALF_LIFE_PREDICTIONS = 20_000  # predictions after which an old one counts half
MIN_BIN_SHARE = 1e-4  # share that an empty bin counts as


class PredictionDrift:
    """Population stability index over bins that hold equal shares of the reference."""

    def __init__(self, edges: Sequence[float], shares: Sequence[float]) -> None:
        self._edges, self._shares = list(edges), list(shares)
        self._counts = [0.0] * len(self._shares)

    @classmethod
    def from_reference(cls, reference: Iterable[float]) -> "PredictionDrift | None":
        """Return the index against a reference; None if fewer than MIN_PREDICTIONS of its values are finite."""
        values = sorted(value for value in reference if math.isfinite(value))
        if len(values) < MIN_PREDICTIONS:
            return None
        edges = sorted({values[len(values) * step // BINS] for step in range(1, BINS)})
        ends = [0, *(bisect_left(values, edge) for edge in edges), len(values)]
        return cls(edges, [(end - start) / len(values) for start, end in pairwise(ends)])

    def describe_reference(self) -> dict[str, list[float]]:
        """Return the edges of the bins and the reference's share of each."""
        return {"edges": self._edges, "shares": self._shares}

    def add_predictions(self, numbers: Iterable[float]) -> None:
        """Count predictions."""
        for number in numbers:
            self._counts[bisect_right(self._edges, number)] += 1
        if sum(self._counts) > 2 * HALF_LIFE_PREDICTIONS:
            self._counts = [count / 2 for count in self._counts]

    def compute_index(self) -> float | None:
        """Return Σ (share − reference)·ln(share / reference); None before there are MIN_PREDICTIONS predictions.

        By the usual rule of thumb, nothing moved below 0.1, and much did above 0.25.
        """
        total = sum(self._counts)
        if total < MIN_PREDICTIONS:
            return None
        pairs = zip(self._counts, self._shares, strict=True)
        shares = [(max(count / total, MIN_BIN_SHARE), max(share, MIN_BIN_SHARE)) for count, share in pairs]
        return math.fsum((latest - reference) * math.log(latest / reference) for latest, reference in shares)
