"""Line bets: the lines that books quote on each game, each with its best prices, and what the market expects of it."""

import numpy as np
import pandas as pd

from trueline.core.betting.american_odds import (
    MarginMethod,
    compute_implied_probability,
    compute_win_profit,
    convert_to_american_odds,
    remove_margin,
)
from trueline.core.stats.group_ops import Floats

LINE_KEY = ["game_row", "line"]
SIDES = ("over", "under")


def list_lines(rows: pd.DataFrame, quotes: pd.DataFrame, method: MarginMethod) -> pd.DataFrame:
    """Return the lines of each game: its main line first, then the alternates from low to high; a game without one too.

    `rows` are games with their consensus `line` and its prices, and `quotes` what books offer on `game_row`, a label of
    `rows`. The columns are game_row, line, line_kind (main, alternate or none), for each side the best price and its
    book, and market_over_chance: the chance of over, pushes left out, without the margin of the books' mean prices.
    """
    main = rows[["line", "over_price", "under_price"]].astype(float).rename_axis("game_row").reset_index()
    offers = quotes.astype({"line": float, "over_price": float, "under_price": float})
    offers = offers[offers["game_row"].isin(rows.index)].astype({"game_row": main["game_row"].dtype})
    lines = pd.concat([main[LINE_KEY], offers[LINE_KEY]]).drop_duplicates(ignore_index=True)
    is_main = lines.index < len(main)
    lines["line_kind"] = np.where(lines["line"].isna(), "none", np.where(is_main, "main", "alternate"))
    for bet_side in SIDES:
        lines = lines.merge(_find_best_prices(offers, bet_side), on=LINE_KEY, how="left")
        consensus = main[f"{bet_side}_price"].reindex(lines.index).where(is_main)
        lines[f"{bet_side}_price"] = lines[f"{bet_side}_price"].fillna(consensus)
    lines["market_over_chance"] = _compute_market_chance(lines, offers, method)
    position = lines["game_row"].map({label: number for number, label in enumerate(rows.index)})
    order = np.lexsort((lines["line"], ~is_main, position))
    return lines.iloc[order].reset_index(drop=True)


def _find_best_prices(offers: pd.DataFrame, bet_side: str) -> pd.DataFrame:
    """Return the best price of a side on each line, and whose it is."""
    price, book = f"{bet_side}_price", f"{bet_side}_book"
    paid = offers.assign(profit=compute_win_profit(offers[price])).dropna(subset="profit")
    best = paid.sort_values("profit", ascending=False, kind="stable").drop_duplicates(LINE_KEY)
    return best[[*LINE_KEY, price, "book"]].rename(columns={"book": book})


def _compute_market_chance(lines: pd.DataFrame, offers: pd.DataFrame, method: MarginMethod) -> Floats:
    """Return the fair chance of over by the mean implied chances of the books, or by the prices of the line itself."""
    implied = {f"{bet_side}_price": compute_implied_probability(offers[f"{bet_side}_price"]) for bet_side in SIDES}
    mean_chances = offers.assign(**implied).groupby(LINE_KEY)[list(implied)].mean().reset_index()
    quoted = lines[LINE_KEY].merge(mean_chances, on=LINE_KEY, how="left")
    prices = [
        np.where(quoted[name].notna(), convert_to_american_odds(quoted[name]), lines[name].to_numpy(float))
        for name in implied
    ]
    return remove_margin(prices[0], prices[1], method)[0]
