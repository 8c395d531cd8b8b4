"""Price forms: prices written as odds to one, American odds or probabilities instead of decimal odds."""

from typing import Literal

import numpy as np
import pandas as pd

PriceForm = Literal["decimal", "to_one", "american", "probability"]

MOST_IMPOSSIBLE = 0.005  # share of prices of at most 1, which decimal odds never are
PLAUSIBLE_BOOK = (0.9, 1.35)  # the sum of 1/price of a typical race, between an exchange and a bookmaker


def convert_to_decimal(prices: pd.Series, form: PriceForm) -> pd.Series:
    """Return numeric prices of one form as decimal odds.

    >>> [convert_to_decimal(pd.Series([price]), form)[0] for price, form in ((2.5, "to_one"), (-200, "american"))]
    [3.5, 1.5]
    """
    if form == "to_one":
        return prices + 1
    if form == "probability":
        return 1 / prices.where(prices > 0)
    if form == "american":
        return (1 + prices / 100).where(prices > 0, 1 - 100 / prices.where(prices < 0))
    return prices


def describe_strange_books(prices: pd.Series, races: pd.Series) -> str | None:
    """Return a sentence if the prices of the typical race sum to no book, with the form that would make them one."""
    is_complete = prices.notna().groupby(races).transform("all") & races.notna()
    prices, races = prices[is_complete], races[is_complete]
    impossible_share = float((prices <= 1).mean()) if len(prices) else 0.0
    book = _compute_typical_book(prices, races)
    if not len(prices) or (PLAUSIBLE_BOOK[0] <= book <= PLAUSIBLE_BOOK[1] and impossible_share < MOST_IMPOSSIBLE):
        return None
    forms: tuple[PriceForm, ...] = ("to_one", "probability", "american")
    books = {form: _compute_typical_book(convert_to_decimal(prices, form), races) for form in forms}
    likely = min(books, key=lambda form: abs(np.log(books[form])) if books[form] > 0 else np.inf)
    fits = PLAUSIBLE_BOOK[0] <= books[likely] <= PLAUSIBLE_BOOK[1] and abs(np.log(books[likely])) < abs(np.log(book))
    remedy = f" (it is {books[likely]:.2f} with prepare.racing.odds set to {likely})" if fits else ""
    return f"{impossible_share:.1%} of the prices are at most 1, and 1/price typically sums to {book:.2f}{remedy}"


def _compute_typical_book(prices: pd.Series, races: pd.Series) -> float:
    return float((1 / prices.where(prices > 0)).groupby(races).sum().median()) if len(prices) else np.nan
