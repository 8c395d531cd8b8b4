"""Consensus lines: the quotes of several books at several times as one line per key."""

from collections.abc import Sequence

import pandas as pd

from stages.prepare.props.main_line import choose_lines
from trueline.core.betting.american_odds import compute_implied_probability, convert_to_american_odds
from trueline.core.tables.duplicate_rows import flag_superseded_rows

PRICE_COLUMNS = ["over_price", "under_price"]
QUOTE_COLUMNS = ["line", "open_line", *PRICE_COLUMNS, "n_books"]
TIME_COLUMNS = ["quoted_at", "stood_until", "start"]


def compute_consensus_line(quotes: pd.DataFrame, key: list[str], coin_key: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row per key: the consensus of the books' newest lines, its prices and the consensus of opening lines.

    `quotes` has the key columns, `book`, `quoted_at`, `stood_until`, `start`, `line`, `open_line`, the American prices
    `over_price` and `under_price`, and `n_books`; all but the key and the line may be missing. It holds main lines, not
    alternates (`main_line.flag_alternate_lines`). Quotes without a book count as those of one book. A quote without a
    time is its book's oldest. A book's opening line is the one in its newest quote, or else the line of its oldest
    quote if it has quotes of several times. The consensus is the quoted line nearest the median, which, unlike the
    median, can always be bet on; of two equally near the one whose prices are nearest even, then either, by a hash of
    `coin_key` (or of the key), which has one value per key. Opening lines have no prices. Prices are averaged, as
    implied probabilities, over the books that quote the consensus. `n_books` counts the books, unless a quote says that
    it represents more.

    The close is one moment, that of a key's last quote: a quote that had ended by then does not count, and neither does
    one without a time beside one with. `quoted_from` to `quoted_until` is when some quote of the line stood, and
    `open_from` to `open_until` when some first quote of the opening line did; missing where no quote of it has a time.
    """
    newest = select_newest_quotes(quotes, key, coin_key)
    # not by the prices: they are known later than the opening line
    open_line = choose_lines(newest, "open_line", key, ["distance"], coin_key)
    opening_quotes = newest.set_index(key)
    newest = _select_closing_quotes(newest, key)
    consensus_line = choose_lines(newest, "line", key, ["distance", "unevenness"], coin_key)
    newest = newest.set_index(key)
    quotes_at_line = newest[newest["line"] == consensus_line.reindex(newest.index)]
    quotes_at_open = opening_quotes[opening_quotes["open_line"] == open_line.reindex(opening_quotes.index)]
    chance = (
        quotes_at_line.assign(
            **{column: compute_implied_probability(quotes_at_line[column]) for column in PRICE_COLUMNS}
        )
        .groupby(key)[PRICE_COLUMNS]
        .mean()
    )
    mean_prices = chance.assign(**{column: convert_to_american_odds(chance[column]) for column in PRICE_COLUMNS})
    book_counts = newest.groupby(key).agg(quoted=("n_books", "max"), counted=("book", "size")).max(axis=1)
    times = quotes_at_line.groupby(key).agg(
        quoted_from=("quoted_at", "min"), quoted_until=("stood_until", "max"), quoted_start=("start", "max")
    )
    open_times = quotes_at_open.groupby(key).agg(open_from=("open_from", "min"), open_until=("open_until", "max"))
    lines = pd.concat([consensus_line, open_line, mean_prices, book_counts.rename("n_books")], axis=1)
    return lines.join([times, open_times]).reset_index()


def select_newest_quotes(quotes: pd.DataFrame, key: list[str], coin_key: Sequence[str] = ()) -> pd.DataFrame:
    """Return the newest quote of each key and book, sorted by them, with its opening line as above."""
    book_key = [*key, "book"]
    columns = dict.fromkeys([*book_key, *coin_key, "quoted_at", *QUOTE_COLUMNS, *TIME_COLUMNS])
    known_quotes = quotes[list(columns)].assign(book=quotes["book"].fillna(""))
    newest = known_quotes[~flag_superseded_rows(known_quotes, book_key, "quoted_at")]
    newest = newest.set_index(book_key).sort_index()  # so that means always add in the same order
    newest["open_line"] = newest["open_line"].fillna(_find_first_lines(known_quotes, book_key))
    first_quotes = _select_first_quotes(known_quotes, book_key).reindex(newest.index)
    is_quoted = first_quotes["line"] == newest["open_line"]  # or else the source took the opening line from elsewhere
    open_times = {"open_from": first_quotes["quoted_at"], "open_until": first_quotes["stood_until"]}
    return newest.assign(**{name: times.where(is_quoted) for name, times in open_times.items()}).reset_index()


def _select_closing_quotes(newest: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return the quotes that stood when the last one of their key was made; all of a key without times."""
    closing_time = newest.groupby(key)["quoted_at"].transform("max")
    return newest[closing_time.isna() | (newest["quoted_at"] == closing_time) | (newest["stood_until"] >= closing_time)]


def _find_first_lines(quotes: pd.DataFrame, book_key: list[str]) -> pd.Series:
    """Return the oldest line of each book that has quotes of several times; of equally old ones, the lowest."""
    repeated_quotes = quotes[quotes["quoted_at"].notna() & quotes.duplicated(book_key, keep=False)]
    timed_quotes = repeated_quotes[repeated_quotes.groupby(book_key)["quoted_at"].transform("nunique") > 1]
    oldest: pd.Series = _select_first_quotes(timed_quotes, book_key)["line"]
    return oldest


def _select_first_quotes(quotes: pd.DataFrame, book_key: list[str]) -> pd.DataFrame:
    """Return the oldest quote of each book by its key, without those that have no time; the lowest of equally old."""
    timed_quotes = quotes.dropna(subset="quoted_at").sort_values(["quoted_at", "line"])
    return timed_quotes.drop_duplicates(book_key).set_index(book_key)
