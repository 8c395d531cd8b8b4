"""Baselines: the model beside simpler forecasts and the market, on the same rows."""

from collections.abc import Mapping
from typing import Any

from stages.diagnose.report.history import describe_break_even
from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers
from trueline.core.charts.html import (
    Html,
    html_tag,
    render_collapsible,
    render_figure,
    render_figure_grid,
    render_section,
    render_table,
)
from trueline.core.charts.number_format import (
    DASH,
    count_interval_decimals,
    format_interval,
    format_name,
    format_number,
    get_interval_values,
    is_interval,
    parse_number,
)

Baselines = Mapping[str, Mapping[str, Any]]

# from baselines without learning up to the model; unlisted ones come between these two lists
UNLEARNED_ORDER = ("uniform", "prior", "tag_name", "last_5", "last_10", "season_mean", "line", "market", "benchmark")
LEARNED_ORDER = ("baseline", "default", "tuned")
MODEL_NAME = "tuned"
DIFFERENCE_KEY = "tuned_minus_this"
# the most important first; unlisted measures follow in order of name
MEASURE_ORDER = ("hit_rate", "micro_f1", "log_loss", "r2", "mae", "macro_f1", "lrap", "of_line_mae")
LOWER_IS_BETTER = ("mae", "rmse", "log_loss", "loss", "error", "brier", "coverage_error", "of_line_mae")
MAX_DRAWN_MEASURES = 4  # all measures are in the table
MEASURE_TITLES = {
    "mae": "Mean absolute error", "of_line_mae": "Mean absolute error as a share of the line's",
    "hit_rate": "Hit rate, %", "log_loss": "Log loss", "r2": "R²", "lrap": "Label-ranking average precision",
    "micro_f1": "Micro-F1", "macro_f1": "Macro-F1",
}  # fmt: skip


def render_baselines(report: Mapping[str, Any]) -> Html:
    """Return the section with every baseline's metrics and intervals, and how the model compares with each."""
    title, baselines = "Models and baselines", list_baselines(report)
    measures = _list_measures(baselines)
    if not measures:
        return render_section(title, html_tag("p", "The report has no baselines."), name="baselines")
    pictures = [_draw_measure(name, baselines, describe_break_even(report)) for name in measures[:MAX_DRAWN_MEASURES]]
    note = "The model beside plainer forecasts and the market, on the same rows, with 95 % intervals."
    rows = parse_number(report["baselines"].get("rows"))
    note += f" {rows:,.0f} rows." if rows is not None else ""
    content = [
        html_tag("p", note, class_="soft"),
        render_figure_grid(pictures),
        *_render_differences(baselines),
        _render_measure_table(measures, baselines),
    ]
    return render_section(title, *content, name="baselines")


def list_baselines(report: Mapping[str, Any]) -> Baselines:
    """Return the baselines of a report in order: under `baselines` or its `models`; empty if there are none."""
    baselines = report.get("baselines")
    if isinstance(baselines, Mapping) and isinstance(baselines.get("models"), Mapping):
        baselines = baselines["models"]
    if not isinstance(baselines, Mapping):
        return {}
    measured_names = [
        name
        for name in baselines
        if isinstance(baselines[name], Mapping) and any(map(is_interval, baselines[name].values()))
    ]
    ordered_names = sorted(measured_names, key=_rank_baseline)
    return {name: baselines[name] for name in ordered_names}


def _rank_baseline(name: str) -> tuple[int, int, str]:
    if name in LEARNED_ORDER:
        return 2, LEARNED_ORDER.index(name), name
    return (0, UNLEARNED_ORDER.index(name), name) if name in UNLEARNED_ORDER else (1, 0, name)


def _list_measures(baselines: Baselines) -> list[str]:
    """Return the measures that several baselines have, or else all, the most important first."""
    measure_names = [
        name
        for measures in baselines.values()
        for name in measures
        if is_interval(measures[name]) and name != DIFFERENCE_KEY
    ]
    shared_names = {name for name in measure_names if measure_names.count(name) > 1} or set(measure_names)
    return sorted(
        shared_names,
        key=lambda name: (MEASURE_ORDER.index(name) if name in MEASURE_ORDER else len(MEASURE_ORDER), name),
    )


def _draw_measure(measure: str, baselines: Baselines, break_even: tuple[float, str]) -> Html:
    title = MEASURE_TITLES.get(measure, format_name(measure).capitalize())
    intervals = {
        name: get_interval_values(entry[measure], _get_scale(measure))
        for name, entry in baselines.items()
        if is_interval(entry.get(measure))
    }
    # one chart has one number of decimals: that which the model's interval supports
    decimals = count_interval_decimals(*intervals[MODEL_NAME][1:]) if MODEL_NAME in intervals else None
    dots = [
        DotEstimate(format_name(name), format_interval(*entry, decimals=decimals), *entry, strong=name == MODEL_NAME)
        for name, entry in intervals.items()
    ]
    direction_note = "Lower is better." if measure in LOWER_IS_BETTER else "Higher is better."
    marks_note = f" {break_even[1]}" if measure == "hit_rate" else ""
    marks = (break_even[0],) if measure == "hit_rate" else (1.0,) if measure == "of_line_mae" else ()
    description = "; ".join(f"{entry.name} {entry.text}" for entry in dots)
    return render_figure(
        title, draw_dot_whiskers(title, f"{description}.", dots, marks), f"{direction_note}{marks_note}"
    )


def _get_scale(measure: str) -> float:
    return 100.0 if measure == "hit_rate" else 1.0


def _render_differences(baselines: Baselines) -> list[Html]:
    rows = [
        (
            format_name(name),
            str(measures.get("tuned_is", DASH)),
            format_interval(*get_interval_values(measures[DIFFERENCE_KEY]), signed=True),
        )
        for name, measures in baselines.items()
        if is_interval(measures.get(DIFFERENCE_KEY))
    ]
    heads = ("Beside", "tuned is", "tuned − this")
    return [render_table("The model's loss beside that of each baseline", heads, rows)] if rows else []


def _render_measure_table(measures: list[str], baselines: Baselines) -> Html:
    heads = ["Model", *(format_name(name) for name in measures)]
    rows = [
        [format_name(name), *(_format_measure(baseline.get(measure)) for measure in measures)]
        for name, baseline in baselines.items()
    ]
    return render_collapsible(
        "All figures of the models and baselines", render_table("Figures of every model", heads, rows)
    )


def _format_measure(value: Any) -> str:
    return format_interval(*get_interval_values(value)) if is_interval(value) else format_number(parse_number(value))
