"""Quotes: what several books asked at several times, as one line each."""

import pandas as pd

from trueline.core.betting import american_odds
from trueline.core.tables.duplicate_rows import flag_superseded_rows

PRICE_COLUMNS = ["over_price", "under_price"]
QUOTE_COLUMNS = ["line", "open_line", *PRICE_COLUMNS, "n_books"]


def compute_consensus_line(quotes: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return one row a key: the consensus of the books' newest quotes, its prices, the consensus of their opens.

    `quotes` hold the key, `book_key`, `quoted_at`, `consensus_line`, `open_line`, the American prices `over_price` and `under_price`,
    and `n_books`, each possibly missing but the key and the line. Quotes without a book are one book's, one without a
    time is its oldest; of equally new ones the lowest counts. A book's open is what its newest quote says it was, else
    its oldest quote where they are of several times. Prices are averaged over the books that quote the consensus,
    through their implied probabilities. `n_books` counts the books, unless a quote says that it stands for more.
    """
    book_key = [*key, "book"]
    known_quotes = quotes[[*book_key, "quoted_at", *QUOTE_COLUMNS]].assign(book=quotes["book"].fillna(""))
    newest = (
        known_quotes[~flag_superseded_rows(known_quotes, book_key, "quoted_at")].set_index(book_key).sort_index()
    )  # means add in one order
    newest["open_line"] = newest["open_line"].fillna(_find_first_lines(known_quotes, book_key))
    newest = newest.reset_index().set_index(key)
    consensus_line = find_nearest_median(newest, "line", key)
    quotes_at_line = newest[newest["line"] == consensus_line.reindex(newest.index)]
    chance = (
        quotes_at_line.assign(
            **{column: american_odds.compute_implied_probability(quotes_at_line[column]) for column in PRICE_COLUMNS}
        )
        .groupby(key)[PRICE_COLUMNS]
        .mean()
    )
    mean_prices = chance.assign(
        **{column: american_odds.convert_to_american_odds(chance[column]) for column in PRICE_COLUMNS}
    )
    book_counts = newest.groupby(key).agg(said=("n_books", "max"), seen=("book", "size")).max(axis=1)
    open_line = find_nearest_median(newest, "open_line", key)
    return pd.concat([consensus_line, open_line, mean_prices, book_counts.rename("n_books")], axis=1).reset_index()


def find_nearest_median(quotes: pd.DataFrame, column: str, key: list[str]) -> pd.Series:
    """Return by key the quoted value nearest the median, the lower of two equally near: one that can be bet on.

    That is the middle one, or the lower of the two in the middle. Missing where every value is.
    """
    nearest: pd.Series = quotes.groupby(key)[column].quantile(0.5, interpolation="lower")
    return nearest


def _find_first_lines(quotes: pd.DataFrame, book_key: list[str]) -> pd.Series:
    """Return the oldest line of each book whose quotes are of several times, the lowest of equally old ones."""
    repeated_quotes = quotes[quotes["quoted_at"].notna() & quotes.duplicated(book_key, keep=False)]
    timed_quotes = repeated_quotes[repeated_quotes.groupby(book_key)["quoted_at"].transform("nunique") > 1]
    oldest: pd.Series = (
        timed_quotes.sort_values(["quoted_at", "line"]).drop_duplicates(book_key).set_index(book_key)["line"]
    )
    return oldest
