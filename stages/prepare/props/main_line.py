"""Main lines: which of several quoted lines counts, of one book's at one time or of several books'."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trueline.core.betting.american_odds import compute_implied_probability, remove_margin
from trueline.core.history.grouped_rows import Floats

Flags = pd.Series
NO_PRICE = 2.0  # unevenness without a price: greater than that of any price
ONE_PRICE = 1.0  # added if only one side has a price: its margin is unknown, so two prices say more
MOST_UNEVEN = 0.05  # of a main line: the distance of its fair probability from one half
LEAST_RATIO = 1.25  # of two lines that cannot both be main lines of one quantity
DECIMALS = 9  # rounded, so that equal distances tie exactly


def flag_alternate_lines(quotes: pd.DataFrame, key: list[str], coin_key: Sequence[str] = ()) -> Flags:
    """Return True for quotes of a line that is an alternate to the main line of their key.

    `key` names one book at one time, its values may be missing; `quotes` also has `line`, `over_price` and
    `under_price`, in American odds. The main line is the one whose prices are nearest even, or without prices the
    middle one; `coin_key` is as in `choose_lines`. Copies of the main line are no alternates.
    """
    repeated = quotes[quotes.duplicated(key, keep=False)]
    offers = repeated.assign(offer=repeated.groupby(key, dropna=False, sort=False).ngroup())
    main_lines = choose_lines(offers, "line", ["offer"], ["unevenness", "distance"], coin_key or key)
    is_alternate = offers["line"] != offers["offer"].map(main_lines)
    return is_alternate.reindex(quotes.index, fill_value=False)


def find_rival_lines(quotes: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Return the quotes of a key, a book at one time, that has two lines far apart, both at nearly even prices.

    No market of one quantity has: more is less likely than less. Prices that are the same everywhere say nothing.
    """
    prices = quotes[["over_price", "under_price"]]
    if prices.stack().nunique() < 2:
        return quotes.iloc[:0]
    even = quotes[_compute_unevenness(quotes) <= MOST_UNEVEN]
    lines = even.groupby(key, dropna=False)["line"]
    return even[lines.transform("max") >= LEAST_RATIO * lines.transform("min")]


def choose_lines(
    quotes: pd.DataFrame, column: str, key: list[str], criteria: list[str], coin_key: Sequence[str] = ()
) -> pd.Series:
    """Return one of the quoted values per key, the smallest by the criteria in their order; missing if every value is.

    The criteria are `distance`, from the key's median, and `unevenness`, of the prices. Of values that are equal in all
    of them a hash of `coin_key` (of the key, if empty) takes the lower or the higher: always the lower would be a bias.
    """
    is_repeated = quotes.duplicated(key, keep=False) & quotes[column].notna()
    repeated = quotes[is_repeated]
    ranks: dict[str, pd.Series | Floats] = {
        "distance": (repeated[column] - repeated.groupby(key)[column].transform("median")).abs().round(DECIMALS),
        "unevenness": _compute_unevenness(repeated),
    }
    sign = np.where(_toss_coins(repeated[list(coin_key or key)]), 1.0, -1.0)
    ranked = repeated.assign(**{name: ranks[name] for name in criteria}, coin=sign * repeated[column])
    best = ranked.sort_values([*criteria, "coin"]).drop_duplicates(key)
    singles = quotes[~quotes.duplicated(key, keep=False)]
    chosen = pd.concat([singles, best]).set_index(key)[column]
    every_key = quotes.drop_duplicates(key).set_index(key).index
    return chosen.reindex(every_key).sort_index()


def _compute_unevenness(quotes: pd.DataFrame) -> Floats:
    """Return how far the fair probability of over is from one half; larger if only one side has a price, or neither."""
    over, under = quotes["over_price"], quotes["under_price"]
    both_prices = np.abs(remove_margin(over, under, "proportional")[0] - 0.5)
    over_chance, under_chance = compute_implied_probability(over), compute_implied_probability(under)
    one_price = ONE_PRICE + np.abs(np.where(np.isnan(over_chance), under_chance, over_chance) - 0.5)
    unevenness = np.where(np.isnan(both_prices), one_price, both_prices)
    return np.asarray(np.round(np.where(np.isnan(unevenness), NO_PRICE, unevenness), DECIMALS), dtype=np.float64)


def _toss_coins(keys: pd.DataFrame) -> Flags:
    return pd.Series(pd.util.hash_pandas_object(keys.astype(str), index=False) % 2 == 0)
