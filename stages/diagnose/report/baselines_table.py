"""Baselines: the model beside simpler forecasts and the market, on the same rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.diagnose.report.absence import Absence
from stages.diagnose.report.recent_days import describe_break_even
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

LEARNED_ORDER = ("baseline", "default", "tuned")  # arms of the pipeline, the model last
MODEL_NAME = "tuned"
DIFFERENCE_KEY = "tuned_minus_this"
DIRECTION_NOTES = {True: "Higher is better.", False: "Lower is better.", None: ""}  # by whether more is better
MAX_DRAWN_MEASURES = 4  # all measures are in the table


def render_baselines(report: Mapping[str, Any]) -> Html | Absence:
    """Return the section with every baseline's metrics and intervals, and how the model compares with each."""
    title = "Models and baselines"
    content = _render_comparison(report, describe_break_even(report))
    if not content:
        return Absence(title, "The report has no baselines.")
    compared_with = "plainer forecasts and the market" if has_market(report) else "plainer models"
    note = f"The model beside {compared_with}, on the same rows, with 95 % intervals."
    rows = parse_number(report["baselines"].get("rows"))
    note += f" {rows:,.0f} rows." if rows is not None else ""
    further = [html for described in _list_parts(report) for html in _render_part(described, report)]
    return render_section(title, html_tag("p", note, class_="soft"), *content, *further, name="baselines")


def has_market(report: Mapping[str, Any]) -> bool:
    """Return whether the model is compared with a market: its prices are a baseline, or picks are bets on its lines."""
    baselines = list_baselines(report)
    return "market" in baselines or any("hit_rate" in measures for measures in baselines.values())


def _list_parts(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the scorer says of its further comparisons, those that the report has."""
    return [described for described in report.get("comparison", {}).get("parts", ()) if report.get(described["name"])]


def _render_part(described: Mapping[str, Any], report: Mapping[str, Any]) -> list[Html]:
    content = report[described["name"]]
    return [
        html_tag("h3", str(described["title"])),
        html_tag("p", " ".join(content["sentences"])),
        *_render_comparison({"baselines": content["baselines"], "comparison": described}, describe_break_even(report)),
    ]


def _render_comparison(report: Mapping[str, Any], break_even: tuple[float, str]) -> list[Html]:
    """Return the charts and tables of a report's baselines; empty if it has none."""
    baselines, described = list_baselines(report), _get_described_measures(report)
    measures = _list_measures(baselines, list(described))
    if not measures:
        return []
    pictures = [
        _draw_measure(name, described.get(name, {}), baselines, break_even) for name in measures[:MAX_DRAWN_MEASURES]
    ]
    return [
        render_figure_grid(pictures),
        *_render_differences(baselines),
        _render_measure_table(measures, baselines),
    ]


def list_baselines(report: Mapping[str, Any]) -> Baselines:
    """Return the baselines of a report, under `baselines` or its `models`; empty if there are none.

    Those without learning come first, in the scorer's order, and the model last.
    """
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
    unlearned = report.get("comparison", {}).get("unlearned", [])
    ordered_names = sorted(measured_names, key=lambda name: _rank_baseline(name, unlearned))
    return {name: baselines[name] for name in ordered_names}


def _rank_baseline(name: str, unlearned: Sequence[str]) -> tuple[int, int, str]:
    if name in LEARNED_ORDER:
        return 2, LEARNED_ORDER.index(name), name
    return (0, unlearned.index(name), name) if name in unlearned else (1, 0, name)


def _get_described_measures(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return by name what the scorer says of the measures in its comparison, the most important first."""
    return {str(measure["name"]): measure for measure in report.get("comparison", {}).get("measures", ())}


def _list_measures(baselines: Baselines, described_names: Sequence[str]) -> list[str]:
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
        key=lambda name: (described_names.index(name) if name in described_names else len(described_names), name),
    )


def _draw_measure(
    measure: str, described: Mapping[str, Any], baselines: Baselines, break_even: tuple[float, str]
) -> Html:
    title = described.get("title", format_name(measure).capitalize())
    intervals = {
        name: get_interval_values(entry[measure], described.get("scale", 1.0))
        for name, entry in baselines.items()
        if is_interval(entry.get(measure))
    }
    # one chart has one number of decimals: that which the model's interval supports
    decimals = count_interval_decimals(*intervals[MODEL_NAME][1:]) if MODEL_NAME in intervals else None
    dots = [
        DotEstimate(format_name(name), format_interval(*entry, decimals=decimals), *entry, strong=name == MODEL_NAME)
        for name, entry in intervals.items()
    ]
    direction_note = DIRECTION_NOTES[described.get("more_is_better")]
    mark, marks_note = break_even if measure == "hit_rate" else (described.get("mark"), "")
    marks = () if mark is None else (mark,)
    description = "; ".join(f"{entry.name} {entry.text}" for entry in dots)
    return render_figure(
        title,
        draw_dot_whiskers(title, f"{description}.", dots, marks),
        f"{direction_note} {marks_note}".rstrip(),
    )


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
