"""Quote sides: quotes that come as two rows, over and under with one price each, as one row with both prices."""

import re

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.tables.number_parsing import LEAST_AMERICAN_ODDS

SIDE_PRICES = {"over": "over_price", "under": "under_price"}
SIDE_WORDS = {"over": "over", "o": "over", "higher": "over", "more": "over", "hi": "over"}
SIDE_WORDS |= {"under": "under", "u": "under", "lower": "under", "less": "under", "lo": "under"}
FIRST_WORD = re.compile(r"(?<=[a-z])\s*[\d.,½]+\s*$")  # "Over 12.5" is over
MOST_APART = pd.Timedelta(seconds=60)  # between the times of the two sides of one quote
QUOTE_KEY = ["player_id", "date", "start_time", "stat", "line", "line_type", "book", "quoted_at"]


def join_quote_sides(quotes: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the quotes with both prices in one row, and how many rows were joined to another.

    A row that names its `side` has its price in `price`. Raises UserError for a side that is neither over nor under.
    """
    quotes = _align_times(_assign_prices(quotes))
    has_over, has_under = quotes["over_price"].notna(), quotes["under_price"].notna()
    halves = quotes[has_over ^ has_under]
    quote_no = halves.groupby(QUOTE_KEY, dropna=False, sort=False).ngroup()
    quoted_prices = halves.groupby(quote_no)[list(SIDE_PRICES.values())].first()  # the first that is not missing
    pairs = quoted_prices[quoted_prices.notna().all(axis=1)]
    is_half_of_pair = quote_no.isin(pairs.index)
    paired = quote_no[is_half_of_pair]
    first_halves = paired[~paired.duplicated()]
    joined = quotes.drop(index=paired.index[paired.duplicated()])
    joined.loc[first_halves.index, pairs.columns] = pairs.loc[first_halves].to_numpy()
    return joined, len(paired) - len(first_halves)


def mask_impossible_odds(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return typed quotes without prices nearer to 0 than American odds are: probabilities, say."""
    prices = quotes[["over_price", "under_price", "price"]]
    return quotes.assign(**prices.mask(prices.abs() < LEAST_AMERICAN_ODDS))


def _align_times(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return quotes in which the sides of one quote, written seconds apart, have the time of the later."""
    is_over, is_under = quotes["over_price"].notna(), quotes["under_price"].notna()
    halves = quotes[(is_over ^ is_under) & quotes["quoted_at"].notna()]
    if halves.empty:
        return quotes
    key = [name for name in QUOTE_KEY if name != "quoted_at"]
    offer = halves.groupby(key, dropna=False, sort=False).ngroup()
    ranked = halves.assign(offer=offer, is_over=is_over).sort_values(["offer", "quoted_at", "is_over"])
    has_pair = ranked.duplicated(["offer", "quoted_at"], keep=False)
    ranked = ranked[~has_pair]
    following = ranked.shift(-1)
    gap = following["quoted_at"] - ranked["quoted_at"]
    fits = (following["offer"] == ranked["offer"]) & (following["is_over"] != ranked["is_over"]) & (gap <= MOST_APART)
    run = (fits != fits.shift()).cumsum()
    is_first = fits & (fits.groupby(run).cumcount() % 2 == 0)  # of three in a row the first two are one quote
    later_times = following["quoted_at"][is_first]
    times = quotes["quoted_at"].copy()
    times.loc[later_times.index] = later_times
    return quotes.assign(quoted_at=times)


def _assign_prices(quotes: pd.DataFrame) -> pd.DataFrame:
    """Move each `price` to the column of its side."""
    given_sides = quotes["side"].dropna()
    if given_sides.empty:
        return quotes
    side_names = {cell: SIDE_WORDS.get(FIRST_WORD.sub("", cell.casefold())) for cell in given_sides.unique()}
    if unknown_sides := [cell for cell, direction in side_names.items() if direction is None]:
        raise UserError(
            f"lines: side is {unknown_sides[0]!r}; allowed are over and under: rename it by prepare.props.values, e.g. "
            f"{{side: {{{unknown_sides[0]}: over}}}}."
        )
    word_of_row = quotes["side"].map(side_names.get)
    prices = {
        name: quotes[name].where(word_of_row != side_word, quotes[name].fillna(quotes["price"]))
        for side_word, name in SIDE_PRICES.items()
    }
    return quotes.assign(**prices)
