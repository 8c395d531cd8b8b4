"""Quote sides: quotes that come as two rows, over and under with one price each, as one row with both prices."""

import pandas as pd

from trueline.core.errors import UserError

SIDE_PRICES = {"over": "over_price", "under": "under_price"}
SIDE_WORDS = {"over": "over", "o": "over", "higher": "over", "more": "over", "hi": "over"}
SIDE_WORDS |= {"under": "under", "u": "under", "lower": "under", "less": "under", "lo": "under"}
QUOTE_KEY = ["player_id", "date", "start_time", "stat", "line", "line_type", "book", "quoted_at"]


def join_quote_sides(quotes: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the quotes with both prices in one row, and how many rows were joined to another.

    A row that names its `side` has its price in `price`. Raises UserError for a side that is neither over nor under.
    """
    quotes = _assign_prices(quotes)
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


def _assign_prices(quotes: pd.DataFrame) -> pd.DataFrame:
    """Move each `price` to the column of its side."""
    given_sides = quotes["side"].dropna()
    if given_sides.empty:
        return quotes
    side_names = {side: SIDE_WORDS.get(side.casefold()) for side in given_sides.unique()}
    if unknown_sides := [side for side, word in side_names.items() if word is None]:
        raise UserError(
            f"lines: side is {unknown_sides[0]!r}; allowed are over and under: rename it by prepare.props.values, e.g. "
            f"{{side: {{{unknown_sides[0]}: over}}}}."
        )
    word_of_row = quotes["side"].map(side_names.get)
    prices = {
        name: quotes[name].where(word_of_row != side, quotes[name].fillna(quotes["price"]))
        for side, name in SIDE_PRICES.items()
    }
    return quotes.assign(**prices)
