"""Grading: flat bets of one unit on one side of a line, which are won, lost or refunded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trueline.core.betting.american_odds import (
    STANDARD_ODDS,
    MarginMethod,
    compute_break_even_rate,
    compute_win_profit,
    remove_margin,
)
from trueline.core.stats.block_bootstrap import BlockBootstrap

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Report = dict[str, Any]


@dataclass(frozen=True)
class Picks:
    """A bet of one unit, or no bet, on every row."""

    direction: Signs  # 1 over, −1 under, 0 no bet
    result: Signs  # 1 won, −1 lost, 0 refunded or no bet

    @property
    def is_bet(self) -> Mask:
        """Which rows have a bet."""
        return np.asarray(self.direction != 0)

    @property
    def is_won(self) -> Mask:
        """Which rows have a bet that won."""
        return np.asarray(self.result > 0)

    @property
    def is_decided(self) -> Mask:
        """Which rows have a bet that won or lost."""
        return np.asarray(self.result != 0)

    def select_rows(self, rows: Mask) -> "Picks":
        """Return the picks with bets on the given rows only."""
        return Picks(np.where(rows, self.direction, 0), np.where(rows, self.result, 0))

    def compute_gains(self, odds: npt.ArrayLike) -> Floats:
        """Return the profit per row, in units, at American odds: missing if a bet has no odds, 0 without a bet."""
        gains = np.where(self.result > 0, compute_win_profit(odds), np.where(self.result < 0, -1.0, 0.0))
        return np.where(self.is_bet & np.isnan(compute_win_profit(odds)), np.nan, gains)


@dataclass(frozen=True)
class PostedOdds:
    """The American odds posted for both sides of every row, and the fair probability of over; missing if either is."""

    over: Floats
    under: Floats
    fair_over_chance: Floats

    @classmethod
    def from_odds(cls, over: Floats, under: Floats, method: MarginMethod) -> "PostedOdds":
        """Return the posted odds, with the margin removed by a method of `american_odds.remove_margin`."""
        return cls(over, under, remove_margin(over, under, method)[0])


def pick_by_edge(predicted: Floats, line: Floats, edge: float) -> Signs:
    """Return 1 (over) if the prediction is at least `edge` above the line, −1 (under) if as far below it, else 0.

    A row without a prediction or a line has no bet.

    >>> pick_by_edge(np.array([24.0, 20.0, 22.0, np.nan]), np.full(4, 21.5), edge=1.0).tolist()
    [1, -1, 0, 0]
    """
    lead = predicted - line
    return _compute_signs(lead >= edge, lead <= -edge)


def pick_by_probability(
    over: Floats, under: Floats, min_chance: npt.ArrayLike, min_under_chance: npt.ArrayLike | None = None
) -> Signs:
    """Return the side whose probability, pushes left out, is at least `min_chance` (above one half), else 0.

    With `min_under_chance` the under needs that instead; if both sides reach theirs, the result is 0. A missing chance
    is not reached.
    """
    over_share = np.divide(over, over + under, out=np.full(len(over), np.nan), where=over + under > 0)
    least_under = min_chance if min_under_chance is None else min_under_chance
    return _compute_signs(over_share >= np.asarray(min_chance), 1 - over_share >= np.asarray(least_under))


def _compute_signs(over: Mask, under: Mask) -> Signs:
    return np.asarray(over.astype(np.int64) - under.astype(np.int64))


def grade_picks(direction: npt.ArrayLike, line: Floats, actual: Floats) -> Picks:
    """Return the picks with their results; a bet without a line or an outcome is void: it becomes no bet.

    >>> picks = grade_picks([1, 1, -1, 1], line=np.full(4, 21.5), actual=np.array([25.0, 20.0, 20.0, np.nan]))
    >>> picks.result.tolist(), picks.compute_gains(200).tolist()
    ([1, -1, 1, 0], [2.0, -1.0, 2.0, 0.0])
    """
    margin = actual - line
    graded_direction = np.where(np.isnan(margin), 0, np.asarray(direction, dtype=np.int64))
    return Picks(graded_direction, (graded_direction * np.sign(np.nan_to_num(margin))).astype(np.int64))


def summarise_picks(picks: Picks, blocks: BlockBootstrap, odds: npt.ArrayLike = STANDARD_ODDS) -> Report:
    """Return the counts of the picks, their hit rate (pushes left out) and their return per unit staked.

    `odds` are the American odds of the picked sides; bets without odds do not count for the return.
    """
    bet_count, decided_count = int(picks.is_bet.sum()), int(picks.is_decided.sum())
    gains = picks.compute_gains(odds)
    is_paid = picks.is_bet & ~np.isnan(gains)
    return {
        "bets": bet_count,
        "pushes": bet_count - decided_count,
        "wins": int(picks.is_won.sum()),
        "hit_rate": blocks.estimate_ratio(picks.is_won, picks.is_decided),
        "roi": blocks.estimate_ratio(np.where(is_paid, gains, 0.0), is_paid),
    }


def summarise_at_posted_odds(picks: Picks, posted_odds: PostedOdds, blocks: BlockBootstrap) -> Report:
    """Return what the picks earned at posted odds, for the bets with odds of both sides, and what those odds required.

    `coverage` is the share of bets with both odds, `break_even` the mean implied probability of the picked sides'
    odds, and `fair_chance` the same without the margin: the hit rate that the market itself expected of these picks.
    """
    priced_picks, is_over = picks.select_rows(~np.isnan(posted_odds.fair_over_chance)), picks.direction > 0
    picked_odds = np.where(is_over, posted_odds.over, posted_odds.under)
    is_bet, bet_count = priced_picks.is_bet, int(priced_picks.is_bet.sum())
    return {
        "bets": bet_count,
        "coverage": bet_count / int(picks.is_bet.sum()) if picks.is_bet.any() else None,
        "roi": blocks.estimate_ratio(priced_picks.compute_gains(picked_odds), is_bet),
        "break_even": _compute_mean(compute_break_even_rate(picked_odds)[is_bet]),
        "fair_chance": _compute_mean(
            np.where(is_over, posted_odds.fair_over_chance, 1 - posted_odds.fair_over_chance)[is_bet]
        ),
    }


def _compute_mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
