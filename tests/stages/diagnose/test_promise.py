"""A promise is broken only where what was paid is both far from what was promised and beyond chance."""

import pytest

from stages.diagnose.units.promise import Promise


@pytest.mark.parametrize(
    ("deviation", "t", "is_broken"),
    [(0.1, 5.0, True), (-0.1, -5.0, True), (0.01, 5.0, False), (-0.1, -3.0, False), (0.02, 5.0, False)],
)
def test_both_limits_must_be_exceeded(deviation: float, t: float, is_broken: bool) -> None:
    promise = Promise("wins", 0.5, 0.5 + deviation, deviation, t, limit=0.02)
    assert promise.is_broken(least_t=4.0) == is_broken
