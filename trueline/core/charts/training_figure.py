"""Training figure: how the loss and other measures fall or rise by round, on fitted rows and on later ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trueline.core.charts.html import Html, html_tag, join_html, render_figure
from trueline.core.charts.number_format import format_name, format_number
from trueline.core.charts.time_series import ChartLine, draw_line_chart, render_legend

LOSS = "loss"  # the measure that every learner has
MAX_PANELS = 4
ROWS = {"fit": ("train (rows it is fitted on)", "model"), "later": ("validation (later rows)", "market")}

Curves = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class Panel:
    """A measure by round."""

    name: str
    rounds: list[str]
    lines: list[ChartLine]

    @property
    def last_values(self) -> str:
        """The last value of each line, in a sentence."""
        return "; ".join(f"{line.name} {format_number(line.values[-1])}" for line in self.lines) + "."

    def draw_chart(self) -> Html:
        """Return the chart."""
        return draw_line_chart(f"{self.name} by round", self.last_values, self.rounds, self.lines)


def render_training_figures(curves: Curves) -> list[Html]:
    """Return a figure for each learner with curves of at least two rounds; a comparison learner's is under its name.

    `curves` are values by round, by names such as `loss/fit` or `text_network/recall/later`. A learner that reports
    more than its loss gets up to four panels, a measure each.
    """
    return [figure for owner in _list_owners(curves) for figure in _render_owner(owner, curves)]


def list_measures(curves: Curves, owner: str = "") -> list[str]:
    """Return the measures that a learner has curves of, its loss first."""
    names = (name.removeprefix(owner) for name in curves if name.startswith(owner))
    measures = {name.split("/")[0] for name in names if name.count("/") == 1}
    return sorted(measures, key=lambda measure: (measure != LOSS, measure))


def _list_owners(curves: Curves) -> list[str]:
    return sorted({name.rpartition(f"{LOSS}/")[0] for name in curves if f"{LOSS}/" in name})


def _render_owner(owner: str, curves: Curves) -> Iterator[Html]:
    learner = format_name(owner.rstrip("/"))
    title = f"Training of the comparison learner {learner}" if learner else "Training"
    panels = [panel for measure in list_measures(curves, owner) for panel in _build_panel(owner, measure, curves)]
    if not panels:
        return
    sentence = f"{panels[0].name} by round; at the last, {panels[0].last_values}"
    legend = render_legend(panels[0].lines)
    if len(panels) == 1:
        yield render_figure(title, join_html([panels[0].draw_chart(), legend]), sentence)
        return
    pictures = (html_tag("div", html_tag("h4", panel.name), panel.draw_chart()) for panel in panels[:MAX_PANELS])
    figure = render_figure(title, join_html([html_tag("div", *pictures, class_="panels"), legend]), sentence)
    yield Html(figure.replace("<figure", '<figure class="broad"', 1))


def _build_panel(owner: str, measure: str, curves: Curves) -> Iterator[Panel]:
    """Yield the panel of a measure of a learner; nothing for one of fewer than two rounds."""
    by_rows = {rows: curves.get(f"{owner}{measure}/{rows}", {}) for rows in ROWS}
    rounds = sorted({step for curve in by_rows.values() for step in curve})
    if len(rounds) > 1:
        filled = ((rows, curve) for rows, curve in by_rows.items() if curve)
        lines = [ChartLine(ROWS[rows][0], list(map(curve.get, rounds)), ROWS[rows][1]) for rows, curve in filled]
        yield Panel(format_name(measure).capitalize(), [f"round {step}" for step in rounds], lines)
