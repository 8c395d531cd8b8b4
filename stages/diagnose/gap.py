"""gap: why do the backtest and production not show the same hit rate, and can the two be compared at all?"""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.drawn import Drawn
from core.evidence import Evidence, Finding, finding
from core.params import Knobs
from core.threads import one_thread
from stages.diagnose._gap import sides as figures
from stages.diagnose._gap.cause import clear, contributions, main_cause, waterfall
from stages.diagnose._gap.chain import Chain, chain
from stages.diagnose._gap.creation import Clock, creation, lateness
from stages.diagnose._gap.dates import left_out, missing
from stages.diagnose._gap.equality import equality
from stages.diagnose._gap.lines import audit
from stages.diagnose._gap.rows import Sides, from_evidence, once
from stages.diagnose._gap.sentences import sentences
from stages.diagnose._gap.stretches import stretches
from stages.diagnose._gap.verdict import headline, verdict

NAME = "Can the backtest be compared with production, and what makes the difference?"

Report = dict[str, Any]

__all__ = ["NAME", "Settings", "as_graded", "check", "drop_days", "from_evidence", "gap", "sentences"]


class Settings(Knobs):
    """The filter of both sides, what counts as the same model, and the bounds at which something is named."""

    edge: float = Field(gt=0)
    same_models: list[str]
    segments: list[str]
    tolerance: float = Field(ge=0)
    equal_share: float = Field(gt=0, le=1)
    start_hour: float = Field(ge=0)
    end_hour: float = Field(gt=0)
    batch_hours: float = Field(gt=0)
    batch_days: int = Field(ge=2)
    batch_share: float = Field(gt=0, le=1)
    estimated_share: float = Field(ge=0, le=1)
    common_share: float = Field(ge=0, le=1)
    shift_size: float = Field(gt=0)
    shift_errors: float = Field(gt=0)
    too_good: float = Field(gt=0, le=1)
    too_good_picks: int = Field(ge=1)
    ahead: float = Field(gt=0)


def check(evidence: Evidence, settings: Settings) -> Finding:
    """Compare the tuned arm on real lines with the production log, and say what makes the difference.

    Fails predictions that were made after their games, and those that are too good for a forecast; warns where the two
    are not comparable, or where one batch holds much of the log or of the gap. Declines without a production log, and
    where either side has no graded row.
    """
    with one_thread():
        return _checked(evidence, settings)


def _checked(evidence: Evidence, settings: Settings) -> Finding:
    rows = from_evidence(evidence, settings.segments)
    if rows.empty:
        return finding("declined", "There is no production log to compare the backtest with.")
    sides = Sides.of(rows, settings.edge)  # prepare gives every player and day once
    for side, name in ((sides.backtest, "backtest"), (sides.production, "production log")):
        if not side.graded.any():
            return finding("declined", f"The {name} has no row with a prediction, a line and an outcome.")
    drawn = Drawn(sides.code, evidence.seed)
    report = _report(sides, chain(sides, drawn, None), settings)
    if report["lines"]["estimated"]:
        report["as_graded"] = _as_graded(sides, drawn)
    reasons = report["verdict"]["reasons"]
    said = f"{headline(report)}{': ' if reasons else ''}{'; '.join(reasons[:3])}. {report['main_cause']['sentence']}"
    return finding(_status(report), said, **report)


def gap(rows: pd.DataFrame, settings: Settings, seed: int) -> Report:
    """Return the gap report of rows that carry both sides; hit rates and their differences are shares, not per cent.

    Columns: entity, day, target; backtest, production (predictions, missing where a side has none); backtest_line,
    production_line. May have: backtest_line_type, production_line_type (actual, estimated), production_model,
    production_at, start_time (UTC), backtest_pick, production_pick (1 over, −1 under: the side bet, where it is told
    and the edge does not decide it) and production_result (1 won, 0 lost, as the log recorded it). Of several rows of a
    player and day the newest prediction counts; what the others did to the log's own rate is `grading`. Intervals
    resample days. `contributions` add up to `gap.hit_rate`, but for `residual`. No attempt is made to tell an early
    line from another book's: both are `line_timing`.
    """
    with one_thread():
        sides = Sides.of(once(rows), settings.edge)
        report = _report(sides, chain(sides, Drawn(sides.code, seed), figures.recorded(rows, sides)), settings)
        report["rows"]["repeated"] = len(rows) - len(sides.rows)
        return report


def as_graded(rows: pd.DataFrame, settings: Settings, seed: int) -> Report:
    """Return how the production log as it was graded differs from the same log on real lines only.

    Real lines are the log's own, and `backtest_line` where the log has an estimated one; the backtest's predictions are
    not looked at. Both sides, contributions, main cause: what mixing types of line does to one and the same model.
    """
    with one_thread():
        sides = Sides.of(once(rows), settings.edge)
        return _as_graded(sides, Drawn(sides.code, seed))


def drop_days(rows: pd.DataFrame, days: list[str], settings: Settings, seed: int) -> Report:
    """Return what some days do to production's hit rate: with and without them, the lift, and whether it matters."""
    with one_thread():
        sides = Sides.of(once(rows), settings.edge)
        return left_out(sides, Drawn(sides.code, seed), np.array(days, dtype="datetime64[D]"))


def _report(sides: Sides, links: Chain, settings: Settings) -> Report:
    clock = _clock(settings)
    report = _core(sides, links) | {
        "equality": equality(sides, settings.same_models, settings.segments, settings.tolerance),
        "stretches": stretches(sides, settings.shift_size, settings.shift_errors),
        "lines": audit(sides, links),
        "dates": missing(sides, links),
        "production_only": figures.production_only(sides, links),
        "like_for_like": figures.like_for_like(sides, links, lateness(sides, clock)[0]),
    }
    report["creation"] = creation(sides, links, report["gap"]["hit_rate"], clock)
    return report | {"verdict": verdict(report, clear(links), settings)}


def _core(sides: Sides, links: Chain) -> Report:
    """Return both sides, the gap between them, and what it is made of."""
    gaps = figures.gaps(sides, links)
    both = {"backtest": sides.backtest, "production": sides.production}
    return {
        "rows": _counts(sides, links),
        "common": bool(links.shared[0][:, 1].any() and links.shared[1][:, 1].any()),
        "sides": {name: figures.figures(sides, links.drawn, side, side.graded) for name, side in both.items()},
        "gap": gaps,
        "chain": _steps(links),
        "contributions": contributions(links),
        "residual": links.residual,
        "main_cause": main_cause(links, gaps["hit_rate"]),
        "waterfall": waterfall(links),
    }


def _as_graded(sides: Sides, drawn: Drawn) -> Report:
    again = sides.on_real_lines()
    return _core(again, chain(again, drawn, None))


def _clock(settings: Settings) -> Clock:
    names = ("start_hour", "end_hour", "batch_hours", "batch_days", "batch_share")
    return Clock(**{name: getattr(settings, name) for name in names})


def _counts(sides: Sides, links: Chain) -> dict[str, int]:
    real = sides.production.graded & ~sides.production.estimated
    counted = {"backtest": sides.backtest.graded, "production": sides.production.graded}
    counted |= {"production_on_real_lines": real}
    counted |= {"common": links.common, "common_on_real_lines": links.common & real}
    return {name: int(rows.sum()) for name, rows in counted.items()} | {"repeated": 0}


def _steps(links: Chain) -> list[dict[str, Any]]:
    """Return the links of the chain with the hit rate at each."""
    return [
        {"step": link.step, "decided": int(link.table[:, 1].sum()), "hit_rate": links.rate(link)}
        for link in links.links
    ]


def _status(report: Report) -> Any:
    if report["creation"]["late"] or report["verdict"]["too_good"]:
        return "failed"
    heavy = any(batch["concentrated"] for batch in report["creation"]["batches"])
    return "warning" if heavy or report["verdict"]["verdict"] == "not comparable" else "ok"
