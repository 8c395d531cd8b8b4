"""Short histories: blocks get shorter where they must, long histories keep theirs, and the folds are whole."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueline.core.errors import UserError
from trueline.core.splits.short_history import shorten_blocks
from trueline.core.splits.walk_forward import WalkForwardSettings, walk_forward

FOLDS: dict[str, Any] = {
    "first_day": None, "first_test": 0.6, "last_test": None, "test_days": 14, "calibrate_days": 10,
    "calibrate_rows": None, "tune_folds": 2, "tune_days": 10,
    "window_days": None, "embargo_days": 0, "label_delay_days": 0,
    "shorten": True, "sealed_days": None, "final": "newest",
}  # fmt: skip


def make_days(count: int, gap: int = 1) -> pd.Series:
    return pd.Series(pd.date_range("2024-09-01", periods=count, freq=f"{gap}D"))


@given(
    st.integers(6, 90), st.sampled_from([1, 2, 7]), st.integers(1, 40), st.integers(1, 30), st.integers(1, 3),
    st.floats(0.3, 0.8),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_neither_takes_more_than_half_of_the_days_before_the_first_test(
    count: int, gap: int, calibrate_days: int, tune_days: int, tune_folds: int, first_test: float
) -> None:
    time = make_days(count, gap)
    changed = {"calibrate_days": calibrate_days, "tune_days": tune_days, "tune_folds": tune_folds}
    walk = WalkForwardSettings(**FOLDS | changed | {"first_test": first_test})
    shorter, note = shorten_blocks(time, walk)
    first_test_day = time.iloc[0] + pd.Timedelta(days=int(((time.iloc[-1] - time.iloc[0]).days + 1) * first_test))
    days_before = int((time < first_test_day).sum())
    assert shorter.calibrate_days == max(1, min(calibrate_days, days_before // 2))
    assert shorter.tune_days == max(1, min(tune_days, days_before // 2 // tune_folds))
    assert (note is None) == (shorter == walk)
    assert shorten_blocks(time, walk.model_copy(update={"shorten": False})) == (
        walk.model_copy(update={"shorten": False}),
        None,
    )
    if days_before > tune_folds:
        roles = walk_forward(time, time.astype(str), shorter)
        assert (roles.filter(like="tune_") == "fit").any().all()


def test_a_long_history_keeps_its_folds_and_a_month_gets_folds_and_a_sentence() -> None:
    walk = WalkForwardSettings(**FOLDS)
    assert shorten_blocks(make_days(100), walk) == (walk, None)
    with pytest.raises(UserError, match="too few for these folds"):
        walk_forward(make_days(30), make_days(30).astype(str), walk.model_copy(update={"tune_days": 20}))
    shorter, note = shorten_blocks(make_days(30), walk.model_copy(update={"tune_days": 20}))
    assert (shorter.calibrate_days, shorter.tune_days) == (9, 4)
    assert note is not None
    assert "9 calibrate instead of 10, 4 are in a tuning block instead of 20" in note
