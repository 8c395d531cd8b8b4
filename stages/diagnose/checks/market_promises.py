"""market_promises: does the market keep its promises on the rows that were kept?"""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from stages.diagnose.units.array_types import Floats, Mask
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.left_out_rows import compare_team_totals, compare_unlined_rows
from stages.diagnose.units.market_rows import MarketRows, read_market_rows
from stages.diagnose.units.promise import Promise
from trueline.core.runtime.params import StageSettings
from trueline.core.stats.clustered_correlation import compute_clustered_t
from trueline.core.stats.confidence_intervals import MIN_BLOCKS
from trueline.core.stats.group_ops import MIN_PROBABILITY

NAME = "Does the market keep its promises on the rows that were kept?"
ASKS = "honesty"

PRICE_EDGES = (1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, np.inf)  # decimal odds: bands from even chances to outsiders
PRICE = "bsp"  # the column of decimal odds
LEAST_BOOK = 0.95  # sum of 1/price that no market falls short of while all runners are there
LINE_BANDS = 5  # bands of lines with equally many rows
BAND_FACTOR = 2.0  # a market errs more about one band of lines than about all
TAIL_SDS = 2.0  # standard deviations of the middle half from which on a result is far from its line
NORMAL_TAIL = 0.0455  # share of a normal distribution that far from its mean


class Settings(StageSettings):
    """How far paid may be from promised, and beyond how many standard errors; both limits must be exceeded."""

    t: float = Field(gt=0)
    loss_share: float = Field(gt=0)
    band_share: float = Field(gt=0)
    book_share: float = Field(gt=0, lt=1)
    over_share: float = Field(gt=0)
    tail_share: float = Field(ge=0)
    form_gain: float = Field(gt=0)
    short_share: float = Field(gt=0, lt=1)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Warn where results differ from what prices promise by more than markets err: rows were chosen by their outcome.

    Shares of a win: the loss −ln p(winner) against the entropy of the prices, which differ by the same sum that decides
    whether the slope of log p is 1, the wins of each band of prices, and the sum of 1/price. Quantities: how often
    results are over the line against the prices without their margin, overall and by band of lines, and whether results
    far from the line are missing. The limits for lines are wide because the distribution about them is unknown. Whether
    a line is missing may not depend on whether the result went on as the last ones did, for then rows were left out on
    which form was wrong; nor may rows be missing from the totals of teams that are usually complete. A bookmaker who
    gives outsiders too little may be named too. Rows of a group are not independent, groups are. Declines without a
    market.
    """
    market = read_market_rows(evidence)
    if market.group_count < MIN_BLOCKS:
        return decline(f"The market prices {market.group_count} whole groups; {MIN_BLOCKS} are needed.")
    if market.kind == "share":
        promises = [*_compare_shares(market, settings), *_compare_books(evidence, market, settings)]
    elif market.kind == "quantity":
        promises = [
            *_compare_lines(market, settings),
            *compare_unlined_rows(evidence, settings.form_gain),
            *compare_team_totals(evidence, settings.short_share),
        ]
    else:
        return decline("The market prices single chances; only shares of a win and quantities are judged.")
    broken = [promise for promise in promises if promise.is_broken(settings.t)]
    details: dict[str, Any] = {
        "broken": [promise.name for promise in broken],
        "promises": [promise._asdict() for promise in promises],
        "groups": market.group_count,
    }
    if not broken:
        largest = max(promises, key=lambda promise: abs(promise.t) * (promise.deviation != 0))
        message = f"Results are what the market promised in {market.group_count} groups"
        return make_finding("ok", f"{message}: at most t {largest.t:+.1f} for {largest.name}.", **details)
    worst = max(broken, key=lambda promise: abs(promise.t))
    summary = (
        f"The market does not keep its promise about {worst.name}: {worst.paid:.3f} against {worst.promised:.3f} "
        f"(t {worst.t:+.1f}): look for rows that were left out by their result."
    )
    return make_finding("warning", summary, **details)


def _compare_shares(market: MarketRows, settings: Settings) -> list[Promise]:
    """Return the promise about the loss per race, and that about the wins of each band of prices, per race."""
    p, code, races = market.market, market.group, market.group_count
    log_p = np.log(np.maximum(p, MIN_PROBABILITY))
    difference = (market.target - p) * log_p
    promised, paid = (float(-(share @ log_p)) / races for share in (p, market.target))
    promises = [
        Promise(
            "the loss per race", promised, paid, paid / promised - 1, -compute_clustered_t(difference, code),
            settings.loss_share,
        )
    ]  # fmt: skip
    band = np.digitize(1 / np.maximum(p, MIN_PROBABILITY), PRICE_EDGES) - 1
    for number, (low, high) in enumerate(pairwise(PRICE_EDGES)):
        is_inside = band == number
        name = f"prices from {low:g} to {high:g}" if np.isfinite(high) else f"prices from {low:g}"
        chances, wins = (np.bincount(code, np.where(is_inside, shares, 0.0)) for shares in (p, market.target))
        # where few win, the variance of the wins is too low whenever there are too few, so that of the chances counts
        variance = max(float(np.square(wins - chances).sum()), float((chances * (1 - chances)).sum()))
        t = float((wins - chances).sum()) / np.sqrt(variance) if variance > 0 else 0.0
        promised, paid = float(p[is_inside].sum()) / races, float(market.target[is_inside].sum()) / races
        promises.append(
            Promise(
                f"the wins per race at {name}", promised, paid, paid - promised, float(t), settings.band_share
            )
        )  # fmt: skip
    return promises


def _compare_books(evidence: Evidence, market: MarketRows, settings: Settings) -> list[Promise]:
    """Return the promise that 1/price of a race sum to about 1 or more, which fails if runners are left out."""
    if PRICE not in evidence.prepared:
        return []
    price = evidence.prepared[PRICE].to_numpy(float, na_value=np.nan)[market.position]
    is_short = np.bincount(market.group, weights=1 / price) < LEAST_BOOK
    share, t = float(is_short.mean()), compute_clustered_t(is_short.astype(float), np.arange(len(is_short)))
    name = f"races whose 1/price sum to less than {LEAST_BOOK:g}"
    return [Promise(name, 0.0, share, share, t, settings.book_share)]


def _compare_lines(market: MarketRows, settings: Settings) -> list[Promise]:
    """Return the promise about results over the line, overall and by band of lines, and about results far from it."""
    distance = market.target - market.market
    is_decided = distance != 0
    band = pd.qcut(market.market, LINE_BANDS, labels=False, duplicates="drop")
    promises = [_compare_overs("results over the line", market, is_decided, settings.over_share)]
    is_far = np.zeros(len(distance), dtype=bool)
    for number in range(int(band.max()) + 1):
        is_inside = band == number
        low, high = market.market[is_inside].min(), market.market[is_inside].max()
        name = f"results over lines from {low:g} to {high:g}"
        promises.append(_compare_overs(name, market, is_decided & is_inside, BAND_FACTOR * settings.over_share))
        is_far[is_inside] = _flag_far_results(distance[is_inside])
    paid = float(is_far.mean())
    # counts have longer tails than a normal distribution, so only too few far results are a broken promise
    missing_share = min(paid / NORMAL_TAIL - 1, 0.0)
    t = compute_clustered_t(is_far - NORMAL_TAIL, market.group)
    far = Promise("results far from their line", NORMAL_TAIL, paid, missing_share, t, settings.tail_share)
    return [*promises, far]


def _compare_overs(name: str, market: MarketRows, rows: Mask, limit: float) -> Promise:
    is_over = (market.target > market.market)[rows]
    chance, code = market.over_chance[rows], market.group[rows]
    paid, promised = (float(share.mean()) if len(share) else 0.0 for share in (is_over, chance))
    return Promise(name, promised, paid, paid - promised, compute_clustered_t(is_over - chance, code), limit)


def _flag_far_results(distance: Floats) -> Mask:
    """Return True for results far from their line, by the standard deviation of a normal with the same middle half."""
    low, middle, high = np.quantile(distance, [0.25, 0.5, 0.75])
    return np.asarray(np.abs(distance - middle) > TAIL_SDS * (high - low) / 1.349)
