"""Quotes: what several books asked at several times, as one line each."""

import pandas as pd

from core import prices
from core.duplicates import surpassed

SIDES = ["over_price", "under_price"]
ASKED = ["line", "open_line", *SIDES, "n_books"]


def consensus(quotes: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return one row a key: the consensus of the books' newest quotes, its prices, the consensus of their opens.

    `quotes` hold the key, `book`, `quoted_at`, `line`, `open_line`, the American prices `over_price` and `under_price`,
    and `n_books`, each possibly missing but the key and the line. Quotes without a book are one book's, one without a
    time is its oldest; of equally new ones the lowest counts. A book's open is what its newest quote says it was, else
    its oldest quote where they are of several times. Prices are averaged over the books that quote the consensus,
    through their implied probabilities. `n_books` counts the books, unless a quote says that it stands for more.
    """
    book = [*key, "book"]
    held = quotes[[*book, "quoted_at", *ASKED]].assign(book=quotes["book"].fillna(""))
    newest = held[~surpassed(held, book, "quoted_at")].set_index(book).sort_index()  # means add in one order
    newest["open_line"] = newest["open_line"].fillna(_first_lines(held, book))
    newest = newest.reset_index().set_index(key)
    line = nearest_median(newest, "line", key)
    agreed = newest[newest["line"] == line.reindex(newest.index)]
    chance = agreed.assign(**{side: prices.implied(agreed[side]) for side in SIDES}).groupby(key)[SIDES].mean()
    asked = chance.assign(**{side: prices.american(chance[side]) for side in SIDES})
    books = newest.groupby(key).agg(said=("n_books", "max"), seen=("book", "size")).max(axis=1)
    opens = nearest_median(newest, "open_line", key)
    return pd.concat([line, opens, asked, books.rename("n_books")], axis=1).reset_index()


def nearest_median(quotes: pd.DataFrame, column: str, key: list[str]) -> pd.Series:
    """Return by key the quoted value nearest the median, the lower of two equally near: one that can be bet on.

    That is the middle one, or the lower of the two in the middle. Missing where every value is.
    """
    nearest: pd.Series = quotes.groupby(key)[column].quantile(0.5, interpolation="lower")
    return nearest


def _first_lines(held: pd.DataFrame, book: list[str]) -> pd.Series:
    """Return the oldest line of each book whose quotes are of several times, the lowest of equally old ones."""
    several = held[held["quoted_at"].notna() & held.duplicated(book, keep=False)]
    moved = several[several.groupby(book)["quoted_at"].transform("nunique") > 1]
    oldest: pd.Series = moved.sort_values(["quoted_at", "line"]).drop_duplicates(book).set_index(book)["line"]
    return oldest
