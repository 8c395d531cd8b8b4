"""The reliability section: predicted probabilities against observed rates."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from stages.diagnose.report.summary import Checks
from trueline.core.charts.calibration_plot import CalibrationCell, draw_calibration_plot
from trueline.core.charts.html import Html, html_tag, render_figure, render_section
from trueline.core.charts.number_format import close_sentence, format_number, parse_number


def render_reliability(report: Mapping[str, Any], checks: Checks, plotted_rows: pd.DataFrame | None) -> Html:
    """Return the section with the calibration plot of the report's cells, or else of `plotted_rows`."""
    title = "Reliability"
    cells, slope_html = _parse_cells(_find_cells(report) or _convert_to_records(plotted_rows)), _render_slope(checks)
    if not cells:
        reason = "Neither the report nor its plots have predicted chances beside what happened."
        return render_section(title, html_tag("p", reason), *slope_html, name="reliability")
    farthest = max(cells, key=lambda cell: abs(cell.predicted - cell.observed))
    description = (
        f"{len(cells)} groups of predictions; the farthest promised {100 * farthest.predicted:.1f} % "
        f"and came true in {100 * farthest.observed:.1f} %."
    )
    caption = "On the dashed line promises come true; whiskers are 95 % intervals."
    name = "Promised and happened"
    error_note = _describe_calibration_error(report)
    return render_section(
        title,
        *slope_html,
        render_figure(name, draw_calibration_plot(name, description, cells), description, caption, error_note),
        name="reliability",
    )


def _find_cells(report: Mapping[str, Any]) -> Sequence[Any]:
    """Return the report's cells, from `reliability` or from the `reliability` of `distribution`."""
    for curve in (report.get("reliability"), (report.get("distribution") or {}).get("reliability")):
        cells = curve.get("cells") if isinstance(curve, Mapping) else curve
        if isinstance(cells, list) and cells:
            return cells
    return []


def _convert_to_records(rows: pd.DataFrame | None) -> Sequence[Any]:
    return [] if rows is None else rows.to_dict("records")


def _parse_cells(rows: Sequence[Any]) -> list[CalibrationCell]:
    return [cell for row in rows if isinstance(row, Mapping) for cell in _parse_cell(row)]


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
    summary = close_sentence(str(finding.get("summary") or ""))
    return [html_tag("p", summary)] if summary and finding.get("status") != "declined" else []
