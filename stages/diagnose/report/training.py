"""The training section: the loss of each learner by round, on the rows it is fitted on and on later ones."""

from collections.abc import Mapping

from stages.diagnose.report.absence import Absence
from trueline.core.charts.html import Html, render_figure_grid, render_section
from trueline.core.charts.training_figure import render_training_figures


def render_training(curves: Mapping[str, Mapping[int, float]]) -> Html | Absence:
    """Return the section with a figure for each learner that has curves, or why it is left out."""
    title, figures = "Training", render_training_figures(curves)
    if not figures:
        return Absence(title, "No learner has a curve of more than one round.")
    return render_section(title, render_figure_grid(figures), name="training")
