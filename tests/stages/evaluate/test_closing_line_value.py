"""Closing-line value by hand, and for a forecast that knows the closing line."""

import numpy as np
import pandas as pd
import pytest

from stages.evaluate.market.closing_line_value import compute_closing_line_value
from trueline.core.stats.block_bootstrap import BlockBootstrap


def test_value_is_what_the_line_moved_towards_the_bet() -> None:
    predicted = np.array([22.0, 18, 22, 20.2, 22])
    opening = np.array([20.0, 20, 20, 20, np.nan])
    close = np.array([21.0, 20.5, 20, 25, 21])
    actual = np.array([21.0, 19, 19, 30, 30])
    found = compute_closing_line_value(predicted, opening, close, actual, 1.0, BlockBootstrap(pd.Series(range(5)), 0))
    assert found is not None
    assert (found["rows"], found["bets"], found["moved"]) == (4, 3, 0.75)
    assert found["value"]["value"] == pytest.approx((1 - 0.5 + 0) / 3)
    assert found["value_over"]["value"] == pytest.approx(0.5)
    assert found["value_under"]["value"] == pytest.approx(-0.5)
    assert found["positive"]["value"] == found["negative"]["value"] == pytest.approx(1 / 3)
    assert found["hit_rate_at_open"]["value"] == pytest.approx(2 / 3)  # over 20 won, under 20 won, over 20 lost
    assert found["hit_rate_at_close"]["value"] == pytest.approx(1 / 2)  # over 21 is a push
    assert found["open_minus_close_points"]["value"] == pytest.approx(100 / 6)


def test_one_who_knows_the_close_beats_the_open_and_not_the_close() -> None:
    random = np.random.default_rng(0)
    opening = random.integers(10, 30, 20000).astype(float) + 0.5
    close = np.asarray(opening + random.choice([-2.0, 0, 2.0], 20000), dtype=np.float64)
    actual = np.round(close + random.normal(0, 6, 20000))
    found = compute_closing_line_value(
        close, opening, close, actual, 1.0, BlockBootstrap(pd.Series(np.arange(20000) % 200), 0)
    )
    assert found is not None
    assert found["positive"]["value"] == 1
    assert found["hit_rate_at_open"]["low"] > 0.6
    assert found["hit_rate_at_close"]["low"] < 0.5 < found["hit_rate_at_close"]["high"]


def test_without_opening_lines_there_is_nothing_to_say() -> None:
    line = np.full(3, 10.0)
    assert (
        compute_closing_line_value(
            line + 2, np.full(3, np.nan), line, line, 1.0, BlockBootstrap(pd.Series(range(3)), 0)
        )
        is None
    )
