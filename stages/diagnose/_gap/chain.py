"""The chain from the backtest's hit rate to production's, and what each difference between them contributes.

The rows that both sides grade are graded again with every mixture of the two: predictions, line and type of line. Rows
that only one side grades are taken out, for the backtest, or put in, for production, by the reason why the other side
has not got them: its days, its players, or no real line. What the two parts find is averaged over all orders (Shapley)
and adds up to the gap.
"""

import math
from dataclasses import dataclass

import numpy as np

from core.drawn import Drawn, Floats, filled, interval
from core.intervals import LEVEL, Interval
from core.shapley import shapley
from stages.diagnose._gap.rows import Ints, Mask, Side, Sides

PREDICTIONS, TIMING, TYPE = 1, 2, 4  # bits of what is production's on the rows that both grade
DATES, PLAYERS = 1, 2  # with TYPE, those of the rows that one side alone grades: also why the other lacks them
CAUSES = ("predictions", "line_timing", "line_type", "dates", "players", "grading")


@dataclass(frozen=True)
class Link:
    """One step of the chain: won and decided bets in each day."""

    step: str
    table: Floats


@dataclass(frozen=True)
class Chain:
    """Figures of both sides, from the same draws of days."""

    drawn: Drawn
    common: Mask  # rows that both sides grade
    backtest: Floats  # tables of won and decided bets: of all rows of the side
    production: Floats
    shared: tuple[Floats, Floats]  # of the common rows, by each side's predictions and lines
    links: list[Link]
    parts: dict[str, Floats]  # a figure for every cause

    @property
    def gap(self) -> Floats:
        """Production's hit rate as it was recorded less the backtest's."""
        return self.drawn.ratio(self.links[-1].table) - self.drawn.ratio(self.links[0].table)

    @property
    def residual(self) -> float:
        """What the causes leave unexplained: rounding."""
        return float(self.gap[0] - math.fsum(part[0] for part in self.parts.values()))

    def rate(self, link: Link) -> Interval:
        """Return the hit rate at one step."""
        return interval(self.drawn.ratio(link.table), filled(link.table))

    def interval(self, cause: str, level: float = LEVEL) -> Interval:
        """Return what a cause contributes; its blocks are the days with decided bets on the poorer side."""
        return interval(self.parts[cause], filled(self.backtest, self.production), level)


def chain(sides: Sides, drawn: Drawn, recorded: Floats | None) -> Chain:
    """Return the chain; `recorded` is the table of production's bets as its own log counts them, if it differs."""
    backtest, production = sides.backtest, sides.production
    common = backtest.graded & production.graded
    mixed = _mixed(sides, drawn, common)
    gone = _alone(sides, drawn, backtest, production, common)
    come = _alone(sides, drawn, production, backtest, common)
    # bits say what is production's: its rows come with their bit, the backtest's go with it
    leaving = [mixed[0] + table for table in gone[::-1]]
    coming = [mixed[7] + table for table in come]
    told = coming[7] if recorded is None else recorded
    rates = [np.stack([drawn.ratio(table) for table in tables]) for tables in (mixed, leaving, coming)]
    within, away, along = (shapley(values) for values in rates)
    parts = {
        "predictions": within[0],
        "line_timing": within[1],
        "line_type": within[2] + away[2] + along[2],
        "dates": away[0] + along[0],
        "players": away[1] + along[1],
        "grading": drawn.ratio(told) - rates[2][7],
    }
    links = [
        Link("the backtest, all its rows", leaving[0]),
        Link("the rows that both grade", mixed[0]),
        Link("with production's predictions", mixed[PREDICTIONS]),
        Link("and its lines where both are of one type", mixed[PREDICTIONS | TIMING]),
        Link("and its lines of another type", mixed[7]),
        Link("production, all its rows", coming[7]),
        Link("as production recorded it", told),
    ]
    return Chain(drawn, common, leaving[0], coming[7], (mixed[0], mixed[7]), links, parts)


def _mixed(sides: Sides, drawn: Drawn, common: Mask) -> list[Floats]:
    """Return the tables of the common rows for every set of things that are production's."""
    rows = np.flatnonzero(common)
    one, other = sides.backtest, sides.production
    lines = one.line[rows], other.line[rows]
    types_differ = (one.estimated != other.estimated)[rows]
    lines_differ = lines[0] != lines[1]
    differing = PREDICTIONS * _bets_differ(one, other, rows)
    differing |= TIMING * bool((lines_differ & ~types_differ).any()) | TYPE * bool(types_differ.any())
    tables: dict[int, Floats] = {}
    for bits in range(8):
        if bits & ~differing == 0:
            theirs = np.where(types_differ, bool(bits & TYPE), bool(bits & TIMING))
            side = other if bits & PREDICTIONS else one
            tables[bits] = sides.tried(drawn, side, np.where(theirs, lines[1], lines[0]), rows)
    return [tables[bits & differing] for bits in range(8)]


def _bets_differ(one: Side, other: Side, rows: Ints) -> bool:
    if one.pick is None and other.pick is None:
        return not np.array_equal(one.prediction[rows], other.prediction[rows])
    if one.pick is None or other.pick is None:
        return True
    return not np.array_equal(one.pick[rows], other.pick[rows], equal_nan=True)


def _alone(sides: Sides, drawn: Drawn, side: Side, other: Side, common: Mask) -> list[Floats]:
    """Return the tables of the rows that one side alone grades, for every set of things that are this side's own.

    Without its own days or players, rows that the other lacks for that reason are out. Without its own type of line, an
    estimated line gives way to the real one that the other knows, or the row is out: unless the other has such lines.
    """
    rows = np.flatnonzero(side.graded & ~common)
    accepted = bool((other.estimated & other.graded).any())
    strange = side.estimated[rows] & (not accepted)
    real = np.where(other.estimated[rows], np.nan, other.line[rows])
    served = np.bincount(sides.code[other.predicted], minlength=len(sides.days)) > 0
    excused = strange & other.predicted[rows]  # the other would grade it, had it a real line
    why = np.where(served[sides.code[rows]], np.where(excused, 0, PLAYERS), DATES)
    apart = {reason: rows[why == reason] for reason in (0, DATES, PLAYERS)}
    theirs = np.where(strange, real, side.line[rows])
    policies = [
        {reason: sides.tried(drawn, side, theirs[why == reason], part) for reason, part in apart.items()},
        {reason: side.bets(drawn, part) for reason, part in apart.items()},
    ]
    return [_sum(policies[bits // TYPE], bits) for bits in range(8)]


def _sum(tables: dict[int, Floats], bits: int) -> Floats:
    """Return the sum of the tables of no reason and of those reasons whose bits are set."""
    return sum((table for reason, table in tables.items() if not reason & ~bits), 0 * tables[0])
