"""market_promises: does the market keep its promises on the rows that were kept?"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from stages.diagnose.units.array_types import Floats, Mask
from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding
from stages.diagnose.units.market_rows import MarketRows, read_market_rows
from trueline.core.runtime.params import StageSettings
from trueline.core.splits.walk_forward import TARGET
from trueline.core.stats.clustered_correlation import compute_clustered_t
from trueline.core.stats.confidence_intervals import MIN_BLOCKS
from trueline.core.stats.group_ops import MIN_PROBABILITY, encode_groups
from trueline.core.stored_tables.lazy_parquet import make_frame

NAME = "Does the market keep its promises on the rows that were kept?"
ASKS = "honesty"

TEAM_TOTAL = ("points", "team_points")  # of a player, and of all players of the team
SUM_TOLERANCE = 1e-6
PRICE_EDGES = (1.0, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, np.inf)  # decimal odds: bands from even chances to outsiders
PRICE = "bsp"  # the column of decimal odds
LEAST_BOOK = 0.95  # sum of 1/price that no market falls short of while all runners are there
LINE_BANDS = 5  # bands of lines with equally many rows
BAND_FACTOR = 2.0  # a market errs more about one band of lines than about all
TAIL_SDS = 2.0  # standard deviations of the middle half from which on a result is far from its line
FORM_ROWS, USUAL_ROWS = 5, 8  # an entity's earlier rows that its form is the mean of, and that show what is usual
LEAST_LINED = 0.05  # share of an entity's rows with a line from which on those without one are a choice
EXACT_SHARE = 0.25  # share of the teams whose rows sum to their total from which on a source is complete
SHORT_SHARE = 0.05  # share of its total by which a team is short of a player
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


class Promise(NamedTuple):
    """What the market promised about some rows and what was paid, as a share, with the t value of the difference."""

    name: str
    promised: float
    paid: float
    deviation: float  # in the measure of the limit
    t: float
    limit: float


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
            *_compare_unlined_rows(evidence, settings),
            *_compare_team_totals(evidence, settings),
        ]
    else:
        return decline("The market prices single chances; only shares of a win and quantities are judged.")
    broken = [promise for promise in promises if abs(promise.deviation) > promise.limit and abs(promise.t) > settings.t]
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


def _compare_unlined_rows(evidence: Evidence, settings: Settings) -> list[Promise]:
    """Return the promise that results go on as form does on rows without a line as on those with one.

    Form is how far the last rows of an entity were from what is usual for it; both it and the result are in standard
    deviations of the entity. Judged are entities that have a line at least now and then.
    """
    rows = make_frame(evidence.prepared, ["entity", "time", "group", TARGET, "soft_label"])
    rows = rows[rows[TARGET].notna()].sort_values(["entity", "time"], kind="stable")
    by_entity = rows.groupby(rows["entity"].to_numpy(), observed=True)
    earlier = by_entity[TARGET].shift().groupby(rows["entity"].to_numpy(), observed=True)
    usual, spread = (getattr(earlier.expanding(USUAL_ROWS), name)().droplevel(0) for name in ("mean", "std"))
    form = earlier.rolling(FORM_ROWS).mean().droplevel(0)
    is_lined = rows["soft_label"].notna()
    is_choice = is_lined.groupby(rows["entity"].to_numpy(), observed=True).transform("mean") >= LEAST_LINED
    is_judged = (is_choice & usual.notna() & form.notna() & spread.gt(0)).to_numpy()
    trend, result = (((column - usual) / spread).to_numpy()[is_judged] for column in (form, rows[TARGET]))
    has_line, code = is_lined.to_numpy()[is_judged], encode_groups(rows["group"][is_judged])
    if not has_line.any() or has_line.all():
        return []
    slope = float((trend * result)[has_line].sum() / np.square(trend)[has_line].sum())
    gain = trend * (result - slope * trend)
    excess = np.where(has_line, 0.0, gain - gain[has_line].mean())
    paid = float(excess[~has_line].mean())
    name = "results that go on as form did, on rows without a line"
    deviation = min(paid, 0.0)  # more is no sign of a choice: who is in form has lines
    return [Promise(name, 0.0, paid, deviation, compute_clustered_t(excess, code), settings.form_gain)]


def _compare_team_totals(evidence: Evidence, settings: Settings) -> list[Promise]:
    """Return the promise that players' points sum to their team's, where a source is usually so complete."""
    names = ["group", "team", *TEAM_TOTAL]
    if not all(name in evidence.prepared for name in names):
        return []
    rows = make_frame(evidence.prepared, names)
    by_team = rows.groupby([encode_groups(rows["group"]), pd.factorize(rows["team"])[0]])
    player_points, team_points = (by_team[name].sum(min_count=1) for name in TEAM_TOTAL)
    team_points = team_points / by_team.size()
    short = ((team_points - player_points) / team_points)[team_points.gt(0) & player_points.notna()]
    if short.abs().le(SUM_TOLERANCE).mean() < EXACT_SHARE:
        return []
    losses = evidence.quality.get("intake", {}).get("set_aside", {})
    lost = sum(float(loss["share"]) for loss in losses.values())  # which prepare itself sets aside
    promised = 1 - (1 - min(lost, 1.0)) ** float(by_team.size().mean())
    is_short = short.gt(SHORT_SHARE).to_numpy()
    paid, code = float(is_short.mean()), np.asarray(short.index.get_level_values(0))
    name = "teams whose players' points sum to less than the team's"
    return [
        Promise(
            name,
            promised,
            paid,
            max(paid - promised, 0.0),
            compute_clustered_t(is_short - promised, code),
            settings.short_share,
        )
    ]


def _compare_overs(name: str, market: MarketRows, rows: Mask, limit: float) -> Promise:
    is_over = (market.target > market.market)[rows]
    chance, code = market.over_chance[rows], market.group[rows]
    paid, promised = (float(share.mean()) if len(share) else 0.0 for share in (is_over, chance))
    return Promise(name, promised, paid, paid - promised, compute_clustered_t(is_over - chance, code), limit)


def _flag_far_results(distance: Floats) -> Mask:
    """Return True for results far from their line, by the standard deviation of a normal with the same middle half."""
    low, middle, high = np.quantile(distance, [0.25, 0.5, 0.75])
    return np.asarray(np.abs(distance - middle) > TAIL_SDS * (high - low) / 1.349)
