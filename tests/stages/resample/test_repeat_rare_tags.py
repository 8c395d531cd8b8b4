"""repeat_rare_tags: rows with rare tags count more, and no rows are synthetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.resample import repeat_rare_tags
from tests.tag_fixtures import planted, tagged
from trueline.core.errors import UserError
from trueline.core.splits.fold_data import FoldData

FEW = settings(deadline=None, max_examples=30)


def weights(rows: FoldData, per_tag: float, most: float) -> np.ndarray:
    weight, made = repeat_rare_tags.resample(
        rows, repeat_rare_tags.Settings(rows_per_tag=per_tag, most_times=most), seed=0
    )
    assert made.empty
    assert not repeat_rare_tags.USES_INPUTS
    without_inputs, _ = repeat_rare_tags.resample(
        rows.select_inputs([]), repeat_rare_tags.Settings(rows_per_tag=per_tag, most_times=most), seed=0
    )
    np.testing.assert_array_equal(without_inputs, weight)
    return weight


@FEW
@given(seed=st.integers(0, 999), per_tag=st.floats(0.5, 60), most=st.floats(1, 8))
def test_a_row_counts_as_often_as_its_rarest_tag_needs(seed: int, per_tag: float, most: float) -> None:
    random = np.random.default_rng(seed)
    y = (random.random((30, 4)) < np.array([0.9, 0.3, 0.1, 0.03])).astype(float)
    number = y.sum(axis=0)
    times = [max([1.0, *(min(most, per_tag / number[tag]) for tag in np.flatnonzero(row))]) for row in y]
    weight = weights(tagged(["a"] * 30, y), per_tag, most)
    assert weight.mean() == pytest.approx(1)
    np.testing.assert_allclose(weight / weight.min(), np.array(times) / min(times))


def test_repeated_as_often_as_needed_a_rare_tag_has_the_rows_asked_for() -> None:
    y = np.zeros((40, 2))
    y[:30, 0], y[38:, 1] = 1, 1
    weight = weights(tagged(["a"] * 40, y, ("p", "q")), per_tag=10, most=100)
    assert weight[38:].sum() / weight[0] == pytest.approx(10)
    assert set(np.round(weight[:38] / weight[0], 9)) == {1.0}


def test_rows_without_a_tag_or_with_frequent_ones_only_stay_as_they_are() -> None:
    assert (weights(planted(1), per_tag=5, most=10) == 1).all()
    assert (weights(tagged(["a"] * 4, np.zeros((4, 3)), ("p", "q", "r")), per_tag=5, most=10) == 1).all()


def test_rows_of_a_task_without_tags_are_rejected() -> None:
    rows = planted(1)
    with pytest.raises(UserError, match="these rows have no tags; use the resampler none"):
        weights(FoldData(**vars(rows) | {"y": rows.y[:, 0], "tags": ()}), per_tag=5, most=2)
