"""Rivals: two arms' picks of the same rows, paired, and whether their difference is more than noise."""

from typing import Any

from scipy.stats import binom

from core.blocks import Blocks
from core.grading import Picks
from core.intervals import Interval
from stages.evaluate._phrases import beyond, gap, percent, points


def rivals(one: Picks, other: Picks, names: tuple[str, str], blocks: Blocks) -> dict[str, Any]:
    """Return the difference of two hit rates in points by blocks, McNemar's test of shared bets, and a sentence.

    The interval compares all picks of each arm and keeps the rows of a block together. McNemar's test sees only rows
    on which both bet, and treats them as independent.
    """
    difference = points(blocks.difference((one.won, one.decided), (other.won, other.decided)))
    rates = [blocks.ratio(each.won, each.decided) for each in (one, other)]
    test = mcnemar(one, other)
    return {
        "hit_rate": dict(zip(names, rates, strict=True)),
        "difference_points": difference,
        "mcnemar": test,
        "sentence": _sentence(rates, difference, test["p"], names),
    }


def mcnemar(one: Picks, other: Picks) -> dict[str, Any]:
    """Return on how many rows that both decided only the one or only the other won, and the exact two-sided p.

    Under equal skill the discordant rows are a fair coin; with none of them p is 1.
    """
    both = one.decided & other.decided
    first, second = int((both & one.won & ~other.won).sum()), int((both & ~one.won & other.won).sum())
    p = min(1.0, 2 * float(binom.cdf(min(first, second), first + second, 0.5)))
    return {"both_decided": int(both.sum()), "only_first_won": first, "only_second_won": second, "p": p}


def _sentence(rates: list[Interval], difference: Interval, p: float, names: tuple[str, str]) -> str:
    said = f"The {names[0]} picks hit {percent(rates[0])} and the {names[1]} ones {percent(rates[1])}"
    if difference["value"] is None or difference["low"] is None:
        return f"{said}: too few days to compare them."
    said = f"{said}, {gap(difference)} (McNemar p = {p:.2g})"
    return f"{said}: {'more than noise' if beyond(difference) else 'the difference is noise'}."
