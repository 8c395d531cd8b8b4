"""Figures of each side under one filter: rows, bets, hit rate, errors; and of parts of them side by side."""

from typing import Any

import numpy as np
import pandas as pd

from core.drawn import Drawn, Floats, filled, interval
from core.intervals import Interval
from stages.diagnose._gap.chain import Chain
from stages.diagnose._gap.rows import Ints, Mask, Side, Sides, numbers


def figures(sides: Sides, drawn: Drawn, side: Side, rows: Mask) -> dict[str, Any]:
    """Return what a side did on some of the rows that it grades: counts, hit rate without pushes, mean errors."""
    numbers = np.flatnonzero(rows & side.graded)
    won, off = side.bets(drawn, numbers), error(sides, drawn, side, numbers)
    line = drawn.table(np.abs(side.line[numbers] - sides.target[numbers]), None, numbers)
    bets = int(side.bet[numbers].sum())
    return {
        "rows": len(numbers),
        "days": filled(off),
        "bets": bets,
        "pushes": bets - int(won[:, 1].sum()),
        "hit_rate": interval(drawn.ratio(won), filled(won)),
        "mae": interval(drawn.ratio(off), filled(off)),
        "line_mae": interval(drawn.ratio(line), filled(line)),
    }


def error(sides: Sides, drawn: Drawn, side: Side, rows: Ints) -> Floats:
    """Return the table of a side's absolute errors on some rows."""
    return drawn.table(np.abs(side.prediction[rows] - sides.target[rows]), None, rows)


def less(drawn: Drawn, one: Floats, other: Floats) -> Interval:
    """Return the ratio of one table less that of another."""
    return interval(drawn.ratio(one) - drawn.ratio(other), filled(one, other))


def gaps(sides: Sides, links: Chain) -> dict[str, Interval]:
    """Return production less backtest: in hit rate, as recorded and by equal rules, and in mean absolute error."""
    production, backtest = sides.production, sides.backtest
    off = [error(sides, links.drawn, side, np.flatnonzero(side.graded)) for side in (production, backtest)]
    recorded = interval(links.gap, filled(links.backtest, links.production))
    return {
        "hit_rate": recorded,
        "hit_rate_by_equal_rules": less(links.drawn, links.production, links.backtest),
        "hit_rate_on_common_rows": less(links.drawn, links.shared[1], links.shared[0]),
        "mae": less(links.drawn, *off),
    }


def like_for_like(sides: Sides, links: Chain, late: Mask) -> dict[str, Any]:
    """Return both sides on the rows that both grade on real lines, without predictions made after the games.

    `on_backtest_lines`: the hit rate of production's predictions against the backtest's lines, decided bets of those.
    """
    production, backtest = sides.production, sides.backtest
    rows = links.common & ~production.estimated & ~backtest.estimated & ~late
    tried = sides.tried(links.drawn, production, backtest.line[rows], rows)
    return {
        "backtest": figures(sides, links.drawn, backtest, rows),
        "production": figures(sides, links.drawn, production, rows),
        "on_backtest_lines": {
            "decided": int(tried[:, 1].sum()),
            "hit_rate": interval(links.drawn.ratio(tried), filled(tried)),
        },
        "gap": less(links.drawn, *(side.bets(links.drawn, rows) for side in (production, backtest))),
    }


def production_only(sides: Sides, links: Chain) -> dict[str, Any]:
    """Return the backtest's own figures on the rows that production also served, and how far they are from all rows'.

    A semi-join on player and day: production's predictions and lines are not looked at.
    """
    served = sides.production.predicted & sides.backtest.graded
    part = sides.backtest.bets(links.drawn, served)
    return {
        "served": figures(sides, links.drawn, sides.backtest, served),
        "served_minus_all": less(links.drawn, part, links.backtest),
    }


def recorded(rows: pd.DataFrame, sides: Sides) -> Floats | None:
    """Return production's bets by day as its own log counts them; None where that is how they are counted here.

    Every row of the log counts, repeated ones too, by its `production_result` (1 won, 0 lost, missing: no decision),
    or by the rules of this report where the log does not tell results.
    """
    if "production_result" in rows:
        logged = rows["production"].notna().to_numpy()
        result = np.where(logged, numbers(rows, "production_result"), np.nan)
    elif len(rows) > len(sides.rows):
        every = Sides.of(rows, sides.edge).production
        result = np.where(every.decided, every.won, np.nan)
    else:
        return None
    code = np.searchsorted(sides.days, rows["day"].to_numpy("datetime64[D]"))
    known = np.isfinite(result)
    pair = (np.where(known, result, 0.0), known.astype(float))
    return np.column_stack([np.bincount(code, weights=part, minlength=len(sides.days)) for part in pair])
