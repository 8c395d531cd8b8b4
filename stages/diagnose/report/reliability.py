"""The reliability section: predicted probabilities against observed rates."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stages.diagnose.report.absence import Absence
from stages.diagnose.report.summary import Checks, render_summary
from trueline.core.charts.calibration_figure import render_calibration_figure
from trueline.core.charts.html import Html, render_section
from trueline.core.charts.number_format import format_number, parse_number


def render_reliability(report: Mapping[str, Any], checks: Checks, plotted_rows: pd.DataFrame | None) -> Html | Absence:
    """Return the section with the calibration plot of the report's cells, or else of `plotted_rows`."""
    title, slope_html = "Reliability", _render_slope(checks)
    rows: Sequence[Any] = _find_cells(report) or ([] if plotted_rows is None else plotted_rows.to_dict("records"))
    figures = render_calibration_figure(rows, _describe_calibration_error(report))
    if not figures:
        return Absence(title, "Neither the report nor its plots have predicted chances beside what happened.")
    return render_section(title, *slope_html, *figures, name="reliability")


def _find_cells(report: Mapping[str, Any]) -> Sequence[Any]:
    """Return the report's cells, from `reliability` or from the `reliability` of `distribution`."""
    for curve in (report.get("reliability"), (report.get("distribution") or {}).get("reliability")):
        cells = curve.get("cells") if isinstance(curve, Mapping) else curve
        if isinstance(cells, list) and cells:
            return cells
    return []


def _describe_calibration_error(report: Mapping[str, Any]) -> str:
    curve = report.get("reliability") if isinstance(report.get("reliability"), Mapping) else report.get("distribution")
    error = parse_number(curve.get("calibration_error")) if isinstance(curve, Mapping) else None
    return "" if error is None else f"Calibration error: {format_number(error, 3)}."


def _render_slope(checks: Checks) -> list[Html]:
    finding = checks.get("calibration_slope") or {}
    return [render_summary(finding)] if finding.get("summary") and finding.get("status") != "declined" else []
