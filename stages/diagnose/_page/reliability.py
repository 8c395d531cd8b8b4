"""Reliability: what was promised beside what happened."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from stages.diagnose._page.diagonal import Cell, diagonal
from stages.diagnose._page.markup import Html, figure, section, tag
from stages.diagnose._page.top import Checks
from stages.diagnose._page.words import number, plain, stopped


def reliability(report: Mapping[str, Any], checks: Checks, plotted: pd.DataFrame | None) -> Html:
    """Return the reliability drawing of the report's cells, else of those that were plotted."""
    title = "Reliability"
    cells, said = _cells(_held(report) or _plotted(plotted)), _slope(checks)
    if not cells:
        told = "Neither the report nor its plots have predicted chances beside what happened."
        return section(title, tag("p", told), *said, name="reliability")
    far = max(cells, key=lambda one: abs(one.predicted - one.observed))
    words = (
        f"{len(cells)} groups of predictions; the farthest promised {100 * far.predicted:.1f} % "
        f"and came true in {100 * far.observed:.1f} %."
    )
    below = "On the dashed line promises come true; whiskers are 95 % intervals."
    name = "Promised and happened"
    error = _error(report)
    return section(title, *said, figure(name, diagonal(name, words, cells), words, below, error), name="reliability")


def _held(report: Mapping[str, Any]) -> Sequence[Any]:
    """Return the report's cells: under reliability, or under the reliability of a distribution."""
    for held in (report.get("reliability"), (report.get("distribution") or {}).get("reliability")):
        cells = held.get("cells") if isinstance(held, Mapping) else held
        if isinstance(cells, list) and cells:
            return cells
    return []


def _plotted(rows: pd.DataFrame | None) -> Sequence[Any]:
    return [] if rows is None else rows.to_dict("records")


def _cells(rows: Sequence[Any]) -> list[Cell]:
    return [cell for row in rows if isinstance(row, Mapping) for cell in _cell(row)]


def _cell(row: Mapping[str, Any]) -> Iterator[Cell]:
    predicted, observed, low, high = (number(row.get(name)) for name in ("predicted", "observed", "low", "high"))
    if predicted is not None and observed is not None:
        yield Cell(predicted, observed, low, high)


def _error(report: Mapping[str, Any]) -> str:
    held = report.get("reliability") if isinstance(report.get("reliability"), Mapping) else report.get("distribution")
    error = number(held.get("calibration_error")) if isinstance(held, Mapping) else None
    return "" if error is None else f"Calibration error: {plain(error, 3)}."


def _slope(checks: Checks) -> list[Html]:
    found = checks.get("calibration_slope") or {}
    said = stopped(str(found.get("summary") or ""))
    return [tag("p", said)] if said and found.get("status") != "declined" else []
