"""Grading: flat bets on one side of a line, won, lost or refunded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.blocks import Blocks
from core.prices import Method, break_even, fair, profit

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Report = dict[str, Any]

USUAL = -110.0  # American odds of both sides where a bookmaker has no opinion


@dataclass(frozen=True)
class Picks:
    """A bet of one unit, or none, on every row."""

    direction: Signs  # 1 over, −1 under, 0 no bet
    result: Signs  # 1 won, −1 lost, 0 refunded or no bet

    @property
    def bet(self) -> Mask:
        """Rows with a bet."""
        return np.asarray(self.direction != 0)

    @property
    def won(self) -> Mask:
        """Rows with a bet that won."""
        return np.asarray(self.result > 0)

    @property
    def decided(self) -> Mask:
        """Rows with a bet that won or lost."""
        return np.asarray(self.result != 0)

    def only(self, rows: Mask) -> "Picks":
        """Return the same picks without bets on any other row."""
        return Picks(np.where(rows, self.direction, 0), np.where(rows, self.result, 0))

    def gain(self, odds: npt.ArrayLike) -> Floats:
        """Return the profit per row at American odds: missing where a bet has no odds, 0 without a bet."""
        paid = np.where(self.result > 0, profit(odds), np.where(self.result < 0, -1.0, 0.0))
        return np.where(self.bet & np.isnan(profit(odds)), np.nan, paid)


@dataclass(frozen=True)
class Offer:
    """The American odds posted for both sides of every row, and the fair chance of over: missing where one side is."""

    over: Floats
    under: Floats
    chance: Floats

    @classmethod
    def of(cls, over: Floats, under: Floats, method: Method) -> "Offer":
        """Return the offer with its margin taken out by a method of `prices.fair`."""
        return cls(over, under, fair(over, under, method)[0])


def by_edge(predicted: Floats, line: Floats, edge: float) -> Signs:
    """Return over where the prediction is at least `edge` above the line, under where at least `edge` below, else 0.

    A row without a prediction or a line has no bet.
    """
    ahead = predicted - line
    return _signs(ahead >= edge, ahead <= -edge)


def by_chance(over: Floats, under: Floats, least: float) -> Signs:
    """Return the side whose chance, a push left out, is at least `least` (above one half), else 0."""
    share = np.divide(over, over + under, out=np.full(len(over), np.nan), where=over + under > 0)
    return _signs(share >= least, 1 - share >= least)


def _signs(over: Mask, under: Mask) -> Signs:
    return np.asarray(over.astype(np.int64) - under.astype(np.int64))


def grade(direction: npt.ArrayLike, line: Floats, actual: Floats) -> Picks:
    """Return the picks with their results; a bet without a line or an outcome is void, that is no bet."""
    beyond = actual - line
    side = np.where(np.isnan(beyond), 0, np.asarray(direction, dtype=np.int64))
    return Picks(side, (side * np.sign(np.nan_to_num(beyond))).astype(np.int64))


def tally(picks: Picks, blocks: Blocks) -> Report:
    """Return the counts of the picks, their hit rate without pushes and their return per unit staked at −110."""
    bets, decided = int(picks.bet.sum()), int(picks.decided.sum())
    return {
        "bets": bets,
        "pushes": bets - decided,
        "wins": int(picks.won.sum()),
        "hit_rate": blocks.ratio(picks.won, picks.decided),
        "roi": blocks.ratio(picks.gain(USUAL), picks.bet),
    }


def posted(picks: Picks, offer: Offer, blocks: Blocks) -> Report:
    """Return what the picks earned at posted odds, where both sides' are known, and what those odds asked of them.

    `coverage` is the share of bets with both odds; `break_even` the mean chance that the picked sides' odds pay for,
    `fair_chance` the same without the margin: the hit rate that the market itself expected of these picks.
    """
    priced, over = picks.only(~np.isnan(offer.chance)), picks.direction > 0
    odds = np.where(over, offer.over, offer.under)
    bet, bets = priced.bet, int(priced.bet.sum())
    return {
        "bets": bets,
        "coverage": bets / int(picks.bet.sum()) if picks.bet.any() else None,
        "roi": blocks.ratio(priced.gain(odds), bet),
        "break_even": _mean(break_even(odds)[bet]),
        "fair_chance": _mean(np.where(over, offer.chance, 1 - offer.chance)[bet]),
    }


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
