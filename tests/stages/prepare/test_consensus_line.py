"""Consensus lines against plain loops over the same quotes, and in the cases that the rules were made for."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.prepare.props.consensus_line import compute_consensus_line

KEY = ["player", "day"]
FOUND = ["line", "open_line", "over_price", "under_price", "n_books"]
TIMES = ["quoted_from", "quoted_until", "quoted_start", "open_from", "open_until"]
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
        "stood": st.integers(0, 3),
    }
)


def table(rows: list[Quote]) -> pd.DataFrame:
    """Return quotes that stood for so many hours, or else for a day."""
    columns = [*KEY, "book", "quoted_at", "start", "stood", *FOUND]
    made = pd.DataFrame(rows, columns=columns).astype({"quoted_at": "datetime64[us]"} | dict.fromkeys(FOUND, float))
    hours = pd.to_timedelta(made.pop("stood").astype(float).fillna(24), unit="h")
    return made.assign(stood_until=made["quoted_at"] + hours, start=made["quoted_at"])


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


def nearest(values: list[float]) -> list[float]:
    """Return the values that are nearest the median of all: one, or two that are equally near."""
    known = [value for value in values if not math.isnan(value)]
    distances = [abs(value - float(np.median(known))) for value in known]
    return sorted({value for value, distance in zip(known, distances, strict=True) if distance == min(distances)})


def unevenness(row: Quote) -> float:
    over, under = (chance(row[side]) if abs(row[side]) >= 100 else math.nan for side in ("over_price", "under_price"))
    if not math.isnan(over + under):
        return round(abs(over / (over + under) - 0.5), 9)
    one_side = under if math.isnan(over) else over
    return 2 if math.isnan(one_side) else 1 + round(abs(one_side - 0.5), 9)


def end(row: Quote) -> Any:
    return row["quoted_at"] + pd.Timedelta(hours=row["stood"])


def standing(newest: dict[str | None, Quote]) -> dict[str | None, Quote]:
    """Return the quotes that stood when the last one was made, or all if none has a time."""
    times = [row["quoted_at"] for row in newest.values() if not pd.isna(row["quoted_at"])]
    return {book: row for book, row in newest.items() if not times or end(row) >= max(times)}


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


def by_hand(rows: list[Quote], line: float, open_line: float) -> list[float]:
    """Return what FOUND names, prices as chances, of quotes of one key, given the lines that were chosen if it may be.

    Where two values are equally good, either may be chosen.
    """
    books: dict[str | None, list[Quote]] = {}
    for row in rows:
        books.setdefault(row["book"], []).append(row)
    every_newest = {book: max(own, key=age) for book, own in books.items()}
    newest = standing(every_newest)
    near = nearest([row["line"] for row in newest.values()])
    evenness = {value: min(unevenness(row) for row in newest.values() if row["line"] == value) for value in near}
    best = [value for value in near if evenness[value] == min(evenness.values())]
    opens = nearest([opened(books[book], row) for book, row in every_newest.items()]) or [math.nan]
    line = line if line in best else best[0]
    agreed = [row for row in newest.values() if row["line"] == line]
    quoted = max([row["n_books"] for row in newest.values() if not math.isnan(row["n_books"])], default=0)
    return [
        line,
        open_line if open_line in opens else opens[0],
        mean_chance([row["over_price"] for row in agreed]),
        mean_chance([row["under_price"] for row in agreed]),
        max(quoted, len(newest)),
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(quotes, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_a_consensus_is_what_loops_over_its_quotes_make_it_in_any_order(rows: list[Quote], random: Any) -> None:
    keys = sorted({(row["player"], row["day"]) for row in rows})
    found = compute_consensus_line(table(rows), KEY)
    expected = [
        by_hand([row for row in rows if (row["player"], row["day"]) == key], line, open_line)
        for key, line, open_line in zip(keys, found["line"], found["open_line"], strict=True)
    ]
    assert list(zip(found["player"], found["day"], strict=True)) == keys
    as_chances = found.assign(**{side: found[side].map(chance) for side in ("over_price", "under_price")})
    np.testing.assert_allclose(as_chances[FOUND], np.array(expected), rtol=1e-12)
    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(compute_consensus_line(table(shuffled), KEY), found, check_exact=True)


def test_no_quotes_make_no_lines_and_keep_their_columns() -> None:
    found = compute_consensus_line(table([]), KEY)
    assert found.columns.tolist() == [*KEY, *FOUND, *TIMES]
    assert all(found[name].dtype == float for name in FOUND)
    assert found.empty


def test_the_newest_quote_of_a_book_replaces_its_older_ones() -> None:
    assert one(quote(21.5, hour=5, over_price=-120), quote(20.5, hour=2, over_price=-105))["line"] == 21.5
    assert one(quote(20.5), quote(21.5, hour=2))["line"] == 21.5  # without a time it is the oldest


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(halves, missing), min_size=1, max_size=9))
def test_the_consensus_is_a_quoted_line_as_near_the_median_as_any(lines: list[float]) -> None:
    known = [line for line in lines if not math.isnan(line)]
    found = compute_consensus_line(table([quote(line, str(no)) for no, line in enumerate(known)]), KEY)["line"]
    assert set(found) <= set(nearest(lines)) if known else found.empty


def test_of_two_books_the_line_whose_prices_are_nearest_even_is_taken() -> None:
    even: Quote = {"over_price": -110.0, "under_price": -115.0}
    uneven: Quote = {"over_price": -160.0, "under_price": 130.0}
    assert one(quote(20.5, **uneven), quote(21.5, "two", **even))["line"] == 21.5
    assert one(quote(20.5, **even), quote(21.5, "two", **uneven))["line"] == 20.5
    assert one(quote(20.5), quote(21.5, "two", **uneven))["line"] == 21.5
    assert one(quote(20.5), quote(21.5, "two"), quote(30.5, "three"))["line"] == 21.5
    assert one(quote(18.5), quote(20.5, "two", **uneven), quote(21.5, "three", **even), quote(9, "4"))["line"] == 20.5


def test_of_two_books_with_equal_prices_the_lower_line_is_taken_half_the_time() -> None:
    pairs = [quote(line, book) | {"day": day} for day in range(400) for line, book in ((20.5, "one"), (21.5, "two"))]
    found = compute_consensus_line(table(pairs), KEY)
    assert set(found["line"]) == {20.5, 21.5}
    assert abs(found["line"].mean() - 21) < 0.1


def test_opening_lines_are_not_chosen_by_the_prices_which_come_later() -> None:
    books = [quote(20.5, open_line=19.5) | {"day": day} for day in range(60)]
    books += [quote(21.5, "two", open_line=20.5) | {"day": day} for day in range(60)]
    other = [row | {"over_price": -200.0, "under_price": 170.0} if row["book"] == "two" else row for row in books]
    opens = [compute_consensus_line(table(rows), KEY)["open_line"].tolist() for rows in (books, other)]
    assert opens[0] == opens[1]
    assert set(opens[0]) == {19.5, 20.5}


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
    assert one(*books, quote(24.5, "four", open_line=20.5))["open_line"] == 20.5


def test_a_quote_that_represents_several_books_counts_for_all_of_them() -> None:
    assert one(quote(20.5, None, n_books=7))["n_books"] == 7
    assert one(quote(20.5, n_books=1), quote(20.5, "two"), quote(20.5, "three"))["n_books"] == 3
    assert one(quote(20.5, hour=1), quote(20.5, hour=2))["n_books"] == 1


def test_quotes_without_a_book_are_one_books() -> None:
    found = one(quote(20.5, None, hour=1), quote(24.5, None, hour=2), quote(22.5, "two", hour=2))
    assert found["line"] in (22.5, 24.5)
    assert found["n_books"] == 2


def test_a_quote_that_had_ended_before_the_close_and_one_of_unknown_time_do_not_count() -> None:
    ended, untimed, last = quote(20.5, hour=1) | {"stood": 2}, quote(21.5, "two"), quote(30.5, "three", hour=4)
    found = one(ended, untimed, last)
    assert (found["line"], found["n_books"]) == (30.5, 1)
    assert one(ended | {"stood": 3}, quote(20.5, "two", hour=4), last)["line"] == 20.5


def test_a_line_stood_from_its_first_quote_to_the_end_of_its_last() -> None:
    books = [quote(20.5, hour=1, open_line=19.5), quote(19.5, hour=0) | {"stood": 1}, quote(20.5, "two", hour=2)]
    found = compute_consensus_line(table([*books, quote(25.5, "three", hour=3)]), KEY).iloc[0]
    hours = [found[name].hour + 24 * (found[name].day - 1) for name in ("quoted_from", "quoted_until")]
    assert (found["line"], *hours) == (20.5, 1, 26)
    assert [found[name].hour for name in ("open_from", "open_until")] == [0, 1]
    elsewhere = compute_consensus_line(table([quote(20.5, hour=1, open_line=18.5)]), KEY).iloc[0]
    assert elsewhere[["open_from", "open_until"]].isna().all()
