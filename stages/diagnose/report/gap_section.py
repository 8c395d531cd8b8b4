"""The gap section: from the backtest's figure to production's, step by step."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.diagnose.report.absence import Absence
from stages.diagnose.report.summary import Checks, render_summary
from trueline.core.charts.dot_whisker import DotEstimate, draw_dot_whiskers
from trueline.core.charts.html import Html, html_tag, join_html, render_figure, render_section
from trueline.core.charts.number_format import (
    close_sentence,
    format_interval,
    format_name,
    get_interval_values,
    is_interval,
    parse_number,
)

MAX_ROUNDING_SHARE = 1e-6  # share below which a remainder is rounding
HIT_RATE = {"name": "hit_rate", "title": "hit rate", "unit": "%", "scale": 100.0, "decimals": 1}


def render_gap(checks: Checks) -> Html | Absence:
    """Return the section with the waterfall from backtest to production, or why it is left out."""
    title, finding = "Backtest and production", checks.get("gap")
    if finding is None or finding.get("status") == "declined":
        return Absence(title, str((finding or {}).get("summary") or "The gap to production was not looked at."))
    details = finding.get("details") or {}
    verdict_html = _render_verdict(finding, details)
    steps = [entry for entry in details.get("waterfall") or [] if parse_number(entry.get("contribution")) is not None]
    if not steps:
        return render_section(title, verdict_html, name="gap")
    shown_dots = build_waterfall_dots(details, steps)
    description = "; ".join(f"{entry.name} {entry.text}" for entry in shown_dots)
    picture = draw_dot_whiskers("From backtest to production", f"{description}.", shown_dots, _get_marks(shown_dots))
    measure = _get_measure(details)
    unit = str(measure["unit"]).replace("%", "per cent")
    caption = f"Bars step from one {measure['title']} to the next, in {unit}; whiskers are 95 % intervals of each step."
    return render_section(title, verdict_html, render_figure("What makes the gap", picture, caption), name="gap")


def _render_verdict(finding: Mapping[str, Any], details: Mapping[str, Any]) -> Html:
    """Return the verdict, its reasons and the main cause, or the summary if the details lack them."""
    verdict, main_cause, log = (details.get(name) or {} for name in ("verdict", "main_cause", "log"))
    if not (verdict.get("verdict") and main_cause.get("sentence")):
        return render_summary(finding)
    reasons = [
        html_tag("li", close_sentence(str(reason)))
        for reason in [*(verdict.get("reasons") or []), *(log.get("differences") or [])]
    ]
    verdict_label = html_tag("strong", str(verdict["verdict"]).capitalize())
    verdict_html = html_tag("p", "Verdict: ", verdict_label, f". {close_sentence(str(main_cause['sentence']))}")
    return join_html([verdict_html, html_tag("ul", *reasons) if reasons else ""])


def build_waterfall_dots(details: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[DotEstimate]:
    """Return both sides and the steps between them, in the figure's unit, from 0 if the sides' figures are missing."""
    measure = _get_measure(details)
    scale = float(measure["scale"])
    backtest, production = (_make_rate(details, source) for source in ("backtest", "production"))
    level = backtest.value if backtest and backtest.value is not None else 0.0
    dots = [backtest] if backtest else []
    for step in steps:
        dots.append(_make_step(str(step.get("step", "")), step, level, measure))
        level += scale * (parse_number(step.get("contribution")) or 0.0)
    remainder = production.value - level if backtest and production and production.value is not None else 0.0
    if abs(remainder) > scale * MAX_ROUNDING_SHARE:
        dots.append(_make_step("left over", {"contribution": remainder / scale}, level, measure))
    return [*dots, production] if production else dots


def _get_marks(shown_dots: Sequence[DotEstimate]) -> tuple[float, ...]:
    """Return the level at which the steps start."""
    start = shown_dots[0].value if shown_dots[0].start is None else 0.0
    return (start,) if start is not None else ()


def _get_measure(details: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the name, the unit and the like of the figure that the gap is one of."""
    return {**HIT_RATE, **(details.get("measure") or {})}


def _make_step(name: str, step: Mapping[str, Any], level: float, measure: Mapping[str, Any]) -> DotEstimate:
    change = get_interval_values({**step, "value": step.get("contribution")}, float(measure["scale"]))
    end_level, end_low, end_high = (None if item is None else level + item for item in change)
    text = format_interval(*change, signed=True, decimals=int(measure["decimals"]))
    return DotEstimate(format_name(name), text, end_level, end_low, end_high, level)


def _make_rate(details: Mapping[str, Any], source: str) -> DotEstimate | None:
    measure = _get_measure(details)
    metrics = (details.get("sides") or {}).get(source) or {}
    if not is_interval(metrics.get(measure["name"])):
        return None
    rate = get_interval_values(metrics[measure["name"]], float(measure["scale"]))
    text = format_interval(*rate, unit=f" {measure['unit']}", decimals=int(measure["decimals"]))
    return DotEstimate(source, text, *rate, strong=True)
