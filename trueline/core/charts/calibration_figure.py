"""Calibration figure: the calibration plot of a table of cells, with its sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trueline.core.charts.calibration_plot import CalibrationCell, draw_calibration_plot
from trueline.core.charts.html import Html, render_figure
from trueline.core.charts.number_format import parse_number, parse_text_number

TITLE = "Promised and happened"
CAPTION = "On the dashed line promises come true; whiskers are 95 % intervals."
CELL_COLUMNS = ("predicted", "observed", "low", "high", "n")


def render_calibration_figure(rows: Sequence[Any], *notes: str) -> list[Html]:
    """Return the figure of rows with `predicted`, `observed` and maybe `low`, `high` and `n`; empty without any."""
    cells = [cell for row in rows if isinstance(row, Mapping) for cell in _parse_cell(row)]
    if not cells:
        return []
    farthest = max(cells, key=lambda cell: abs(cell.predicted - cell.observed))
    description = (
        f"{len(cells)} groups of predictions; the farthest promised {100 * farthest.predicted:.1f} % "
        f"and came true in {100 * farthest.observed:.1f} %."
    )
    return [render_figure(TITLE, draw_calibration_plot(TITLE, description, cells), description, CAPTION, *notes)]


def _parse_cell(row: Mapping[str, Any]) -> Iterator[CalibrationCell]:
    values = (row.get(name) for name in CELL_COLUMNS)
    predicted, observed, low, high, count = (
        parse_text_number(value) if isinstance(value, str) else parse_number(value) for value in values
    )
    if predicted is not None and observed is not None:
        yield CalibrationCell(predicted, observed, low, high, count)
