"""What some of production's rows do to its hit rate: the rate of these rows, without them, and the difference."""

from typing import Any

import numpy as np

from core.drawn import Drawn, Floats, filled, interval
from core.intervals import FEWEST, Interval, wilson


def rate(drawn: Drawn, table: Floats) -> Interval:
    """Return the hit rate of a table of won and decided bets; Wilson's interval where there are too few days."""
    if filled(table) >= FEWEST:
        return interval(drawn.ratio(table), filled(table))
    won, decided = table.sum(axis=0)
    return wilson(float(won), int(decided)) | {"n": filled(table)}


def effect(drawn: Drawn, whole: Floats, part: Floats) -> dict[str, Any]:
    """Return the hit rate of a part of the bets, that of the rest, and by how much the part lifts the whole.

    The lift matters where its interval leaves out 0 and it is more than half the width of the whole's own interval:
    any eight days shift a rate a little, and less than chance does.
    """
    all_of_it, rest = drawn.ratio(whole), drawn.ratio(whole - part)
    lift, usual = interval(all_of_it - rest, filled(whole)), interval(all_of_it, filled(whole))
    return {
        "bets": int(part[:, 1].sum()),
        "hit_rate": rate(drawn, part),
        "without": rate(drawn, whole - part),
        "lift": lift,
        "matters": _outside(lift) and abs(lift["value"] or 0.0) > _half(usual),
    }


def runs(flags: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Return the first and last position of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(first), int(after) - 1) for first, after in zip(edges[::2], edges[1::2], strict=True)]


def _outside(found: Interval) -> bool:
    return found["low"] is not None and found["high"] is not None and not found["low"] <= 0 <= found["high"]


def _half(found: Interval) -> float:
    return np.inf if found["low"] is None or found["high"] is None else (found["high"] - found["low"]) / 2
