"""The reliability section: predicted probabilities against observed rates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from stages.diagnose.report.summary import Checks, render_summary
from trueline.core.charts.calibration_plot import CalibrationCell, draw_calibration_plot
from trueline.core.charts.html import Html, html_tag, render_figure, render_section
from trueline.core.charts.number_format import format_number, parse_number


def render_reliability(report: Mapping[str, Any], checks: Checks, plotted_rows: pd.DataFrame | None) -> Html:
    """Return the section with the calibration plot of the report's cells, or else of `plotted_rows`."""
    title, slope_html = "Reliability", _render_slope(checks)
    rows: Sequence[Any] = _find_cells(report) or ([] if plotted_rows is None else plotted_rows.to_dict("records"))
    cells = [cell for row in rows if isinstance(row, Mapping) for cell in _parse_cell(row)]
    if not cells:
        reason = "Neither the report nor its plots have predicted chances beside what happened."
        return render_section(title, html_tag("p", reason), *slope_html, name="reliability")
    farthest = max(cells, key=lambda cell: abs(cell.predicted - cell.observed))
    description = (
        f"{len(cells)} groups of predictions; the farthest promised {100 * farthest.predicted:.1f} % "
        f"and came true in {100 * farthest.observed:.1f} %."
    )
    caption, name = "On the dashed line promises come true; whiskers are 95 % intervals.", "Promised and happened"
    picture = draw_calibration_plot(name, description, cells)
    figure = render_figure(name, picture, description, caption, _describe_calibration_error(report))
    return render_section(title, *slope_html, figure, name="reliability")


def _find_cells(report: Mapping[str, Any]) -> Sequence[Any]:
    """Return the report's cells, from `reliability` or from the `reliability` of `distribution`."""
    for curve in (report.get("reliability"), (report.get("distribution") or {}).get("reliability")):
        cells = curve.get("cells") if isinstance(curve, Mapping) else curve
        if isinstance(cells, list) and cells:
            return cells
    return []


def _parse_cell(row: Mapping[str, Any]) -> Iterator[CalibrationCell]:
    predicted, observed, low, high = (parse_number(row.get(name)) for name in ("predicted", "observed", "low", "high"))
    if predicted is not None and observed is not None:
        yield CalibrationCell(predicted, observed, low, high)


def _describe_calibration_error(report: Mapping[str, Any]) -> str:
    curve = report.get("reliability") if isinstance(report.get("reliability"), Mapping) else report.get("distribution")
    error = parse_number(curve.get("calibration_error")) if isinstance(curve, Mapping) else None
    return "" if error is None else f"Calibration error: {format_number(error, 3)}."


def _render_slope(checks: Checks) -> list[Html]:
    finding = checks.get("calibration_slope") or {}
    return [render_summary(finding)] if finding.get("summary") and finding.get("status") != "declined" else []
