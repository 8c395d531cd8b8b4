"""Value scale: numbers keep their distances, powers of ten their ratios, and names are spread evenly."""

import pytest

from trueline.experiments.pages.value_scale import make_scale


def test_numbers_keep_their_distances_and_larger_ones_come_later() -> None:
    scale = make_scale([2.0, 4.0, 10.0], 0, 100)
    assert scale(4.0) - scale(2.0) == pytest.approx((scale(10.0) - scale(4.0)) / 3)
    assert 0 < scale(2.0) < scale(10.0) < 100


def test_positive_numbers_over_powers_of_ten_keep_their_ratios() -> None:
    scale = make_scale([0.001, 0.01, 0.1], 0, 100)
    assert scale(0.01) - scale(0.001) == pytest.approx(scale(0.1) - scale(0.01))
    assert [text for text, _ in scale.list_ticks()] == ["0.001", "0.01", "0.1"]
    assert not make_scale([0.0, 0.001, 0.1], 0, 100).is_log


def test_names_are_spread_evenly_and_cut_where_they_are_long() -> None:
    scale = make_scale(["trees", "a very long name indeed", "forest"], 0, 90)
    assert scale.list_ticks() == [("a very long…", 15.0), ("forest", 45.0), ("trees", 75.0)]


def test_a_single_value_is_in_the_middle() -> None:
    assert make_scale([3.0, 3.0], 0, 100)(3.0) == pytest.approx(50)
    assert make_scale(["one"], 0, 100)("one") == pytest.approx(50)
