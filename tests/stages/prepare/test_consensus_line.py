"""Consensus lines against plain loops over the same quotes, and in the cases that the rules were made for."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.props.consensus_line import compute_consensus_line, find_nearest_median

KEY = ["player", "day"]
FOUND = ["line", "open_line", "over_price", "under_price", "n_books"]
Quote = dict[str, Any]
missing = st.just(math.nan)
halves = st.integers(0, 16).map(lambda number: number / 2)
american = st.one_of(st.integers(-300, -100), st.integers(100, 300), st.sampled_from([0, 50, -99])).map(float)
quotes = st.fixed_dictionaries(
    {
        "player": st.sampled_from("ABC"),
        "day": st.integers(1, 2),
        "book": st.sampled_from(["one", "two", "three", None]),
        "quoted_at": st.one_of(st.integers(1, 4).map(lambda hour: pd.Timestamp(2024, 3, 1, hour)), st.just(pd.NaT)),
        "line": halves,
        "open_line": st.one_of(halves, missing),
        "over_price": st.one_of(american, missing),
        "under_price": st.one_of(american, missing),
        "n_books": st.one_of(st.integers(1, 6).map(float), missing),
    }
)


def table(rows: list[Quote]) -> pd.DataFrame:
    columns = [*KEY, "book", "quoted_at", *FOUND]
    return pd.DataFrame(rows, columns=columns).astype({"quoted_at": "datetime64[us]"} | dict.fromkeys(FOUND, float))


def quote(line: float, book: str | None = "one", hour: int | None = None, **asked: float) -> Quote:
    at = pd.NaT if hour is None else pd.Timestamp(2024, 3, 1, hour)
    return {"player": "A", "day": 1, "book": book, "quoted_at": at, "line": line} | asked


def one(*rows: Quote) -> dict[str, float]:
    """Return what comes of quotes that are all of one key."""
    found = compute_consensus_line(table(list(rows)), KEY)
    assert len(found) == 1
    return {name: float(found[name].iloc[0]) for name in FOUND}


def age(row: Quote) -> tuple[Any, ...]:
    """Order quotes of a book from what counts least to what counts most: newer, then lower, then missing last."""
    when: int = -1 if pd.isna(row["quoted_at"]) else int(row["quoted_at"].hour)
    return (when, *(-math.inf if math.isnan(row[name]) else -row[name] for name in FOUND))


def nearest(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return math.nan
    middle = float(np.median(known))
    best = known[0]
    for value in known:
        nearer = abs(value - middle) < abs(best - middle)
        if nearer or (abs(value - middle) == abs(best - middle) and value < best):
            best = value
    return best


def opened(book: list[Quote], newest: Quote) -> float:
    if not math.isnan(newest["open_line"]):
        return float(newest["open_line"])
    dated = [row for row in book if not pd.isna(row["quoted_at"])]
    if len({row["quoted_at"] for row in dated}) < 2:
        return math.nan
    first = min(row["quoted_at"] for row in dated)
    return float(min(row["line"] for row in dated if row["quoted_at"] == first))


def chance(price: float) -> float:
    return 100 / (price + 100) if price > 0 else -price / (100 - price)


def mean_chance(prices: list[float]) -> float:
    chances = [chance(price) for price in prices if abs(price) >= 100]
    return sum(chances) / len(chances) if chances else math.nan


def by_hand(rows: list[Quote]) -> list[float]:
    """Return what FOUND names, prices as chances, of quotes that are all of one key."""
    books: dict[str | None, list[Quote]] = {}
    for row in rows:
        books.setdefault(row["book"], []).append(row)
    newest = {book: max(own, key=age) for book, own in books.items()}
    line = nearest([row["line"] for row in newest.values()])
    agreed = [row for row in newest.values() if row["line"] == line]
    quoted = max([row["n_books"] for row in newest.values() if not math.isnan(row["n_books"])], default=0)
    return [
        line,
        nearest([opened(books[book], row) for book, row in newest.items()]),
        mean_chance([row["over_price"] for row in agreed]),
        mean_chance([row["under_price"] for row in agreed]),
        max(quoted, len(books)),
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(quotes, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_a_consensus_is_what_loops_over_its_quotes_make_it_in_any_order(rows: list[Quote], random: Any) -> None:
    keys = sorted({(row["player"], row["day"]) for row in rows})
    expected = [by_hand([row for row in rows if (row["player"], row["day"]) == key]) for key in keys]
    found = compute_consensus_line(table(rows), KEY)
    assert list(zip(found["player"], found["day"], strict=True)) == keys
    as_chances = found.assign(**{side: found[side].map(chance) for side in ("over_price", "under_price")})
    np.testing.assert_allclose(as_chances[FOUND], np.array(expected), rtol=1e-12)
    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(compute_consensus_line(table(shuffled), KEY), found, check_exact=True)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(halves, missing), min_size=1, max_size=9))
def test_the_value_nearest_the_median_is_one_of_those_quoted(values: list[float]) -> None:
    found = find_nearest_median(pd.DataFrame({"day": 1, "line": values}), "line", ["day"])
    np.testing.assert_array_equal(found, [nearest(values)])


def test_no_quotes_make_no_lines_and_keep_their_columns() -> None:
    found = compute_consensus_line(table([]), KEY)
    assert found.columns.tolist() == [*KEY, *FOUND]
    assert all(found[name].dtype == float for name in FOUND)
    assert found.empty


def test_the_newest_quote_of_a_book_replaces_its_older_ones() -> None:
    assert one(quote(21.5, hour=5, over_price=-120), quote(20.5, hour=2, over_price=-105))["line"] == 21.5
    assert one(quote(20.5), quote(21.5, hour=2))["line"] == 21.5  # without a time it is the oldest


def test_of_two_books_the_lower_line_is_taken_rather_than_one_that_nobody_quotes() -> None:
    assert one(quote(20.5), quote(21.5, "two"))["line"] == 20.5
    assert one(quote(20.5), quote(21.5, "two"), quote(30.5, "three"))["line"] == 21.5
    assert one(quote(18.5), quote(20.5, "two"), quote(21.5, "three"), quote(30.5, "four"))["line"] == 20.5


def test_prices_are_those_of_the_books_that_quote_the_line_and_are_averaged_as_chances() -> None:
    books = [quote(20.5, over_price=-110, under_price=-110), quote(20.5, "two", over_price=110, under_price=-130)]
    found = one(*books, quote(22.5, "three", over_price=-400, under_price=300))
    assert found["line"] == 20.5
    assert abs(found["over_price"]) == pytest.approx(100)  # 11/21 and 10/21 are even; the prices' own mean is 0
    assert found["under_price"] == pytest.approx(-119.54545454545455)


def test_a_single_price_stays_what_it_is() -> None:
    found = one(quote(20.5, over_price=-115, under_price=105))
    assert found["over_price"] == pytest.approx(-115)
    assert found["under_price"] == pytest.approx(105)
    assert math.isnan(one(quote(20.5, over_price=-50))["over_price"])


def test_the_opening_line_is_the_quoted_one_or_else_the_oldest_line() -> None:
    assert one(quote(20.5, hour=1), quote(21.5, hour=2), quote(22.5, hour=3))["open_line"] == 20.5
    assert one(quote(20.5, hour=1), quote(22.5, hour=3, open_line=19.5))["open_line"] == 19.5
    assert math.isnan(one(quote(20.5, hour=1))["open_line"])
    assert math.isnan(one(quote(20.5), quote(21.5, hour=1))["open_line"])  # nobody knows when the other was


def test_opens_have_a_consensus_of_their_own() -> None:
    books = [quote(24.5, open_line=20.5), quote(24.5, "two", open_line=21.5), quote(30.5, "three")]
    assert one(*books)["open_line"] == 20.5


def test_a_quote_that_represents_several_books_counts_for_all_of_them() -> None:
    assert one(quote(20.5, None, n_books=7))["n_books"] == 7
    assert one(quote(20.5, n_books=1), quote(20.5, "two"), quote(20.5, "three"))["n_books"] == 3
    assert one(quote(20.5, hour=1), quote(20.5, hour=2))["n_books"] == 1


def test_quotes_without_a_book_are_one_books() -> None:
    found = one(quote(20.5, None, hour=1), quote(24.5, None, hour=2), quote(22.5, "two"))
    assert (found["line"], found["n_books"]) == (22.5, 2)
