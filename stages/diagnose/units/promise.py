"""A promise of the market about some rows, and what was paid."""

from typing import NamedTuple


class Promise(NamedTuple):
    """What the market promised about some rows and what was paid, as a share, with the t value of the difference."""

    name: str
    promised: float
    paid: float
    deviation: float  # in the measure of the limit
    t: float
    limit: float

    def is_broken(self, least_t: float) -> bool:
        """Whether paid is beyond the limit from promised, and by more standard errors than `least_t`."""
        return abs(self.deviation) > self.limit and abs(self.t) > least_t
