"""The main line of a book that offers several at one time, against what its prices say."""

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.props.main_line import choose_lines, flag_alternate_lines

KEY = ["player", "book", "quoted_at"]
LADDER = {-10.0: (-900, 550), -5.0: (-260, 200), 0.0: (-115, -105), 5.0: (210, -275), 10.0: (600, -1000)}


def ladder(main: float, rungs: list[float], **columns: Any) -> pd.DataFrame:
    rows = [{"line": main + rung, "over_price": LADDER[rung][0], "under_price": LADDER[rung][1]} for rung in rungs]
    key: dict[str, Any] = {"player": "A", "book": "one", "quoted_at": pd.Timestamp("2024-03-01")}
    return pd.DataFrame(rows).astype(float).assign(**key | columns)


@settings(deadline=None, max_examples=60)
@given(
    st.floats(11, 40).map(lambda line: round(2 * line) / 2),
    st.lists(st.sampled_from([-10.0, -5.0, 5.0, 10.0]), unique=True),
    st.sampled_from([("over_price", "under_price"), ("over_price",), ("under_price",)]),
    st.randoms(use_true_random=False),
)
def test_the_rung_whose_prices_are_nearest_even_is_the_line_in_any_order(
    main: float, rungs: list[float], priced: tuple[str, ...], random: Any
) -> None:
    rows = ladder(main, random.sample([0.0, *rungs], len(rungs) + 1))
    rows.loc[:, [side for side in ("over_price", "under_price") if side not in priced]] = math.nan
    is_alternate = flag_alternate_lines(rows, KEY)
    assert rows.loc[~is_alternate, "line"].tolist() == [main]


@pytest.mark.parametrize("when", [pd.Timestamp("2024-03-01"), pd.NaT])
@pytest.mark.parametrize("book", ["one", None])
def test_without_prices_the_middle_rung_is_the_line(book: str | None, when: Any) -> None:
    rows = ladder(20.5, [-10.0, 0.0, 5.0], book=book, quoted_at=when).assign(over_price=math.nan, under_price=math.nan)
    assert rows.loc[~flag_alternate_lines(rows, KEY), "line"].tolist() == [20.5]


def test_a_rung_with_both_prices_counts_before_one_with_a_nearer_single_price() -> None:
    rows = ladder(20.5, [-5.0, 0.0]).assign(over_price=[-260.0, -110.0], under_price=[200.0, math.nan])
    assert flag_alternate_lines(rows, KEY).tolist() == [False, True]


def test_books_and_times_have_ladders_of_their_own_and_copies_are_no_alternates() -> None:
    one, two = ladder(20.5, [0.0, 5.0]), ladder(25.5, [0.0], book="two")
    later = ladder(22.5, [-5.0, 0.0], quoted_at=pd.Timestamp("2024-03-02"))
    rows = pd.concat([one, two, later, later], ignore_index=True)
    assert flag_alternate_lines(rows, KEY).tolist() == [False, True, False, True, False, True, False]


def test_no_quotes_have_no_alternates() -> None:
    assert flag_alternate_lines(ladder(20.5, [0.0]).head(0), KEY).empty


def test_equal_lines_are_chosen_by_a_hash_of_the_key_that_no_order_changes() -> None:
    rows = pd.DataFrame([{"day": f"d{day}", "line": line} for day in range(300) for line in (20.5, 21.5)])
    rows = rows.assign(over_price=math.nan, under_price=math.nan)
    chosen = choose_lines(rows, "line", ["day"], ["distance", "unevenness"])
    assert abs(chosen.mean() - 21) < 0.1
    shuffled = rows.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(choose_lines(shuffled, "line", ["day"], ["distance", "unevenness"]), chosen)
