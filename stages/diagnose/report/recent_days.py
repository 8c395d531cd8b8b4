"""The history sections: hit rates, losses, sharpness, drift, data quality and alerts of the newest days."""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from stages.diagnose.report.absence import Absence
from stages.diagnose.report.daily_series import DailySeries, DayAlert
from trueline.core.charts.html import (
    Html,
    html_tag,
    join_html,
    render_collapsible,
    render_figure,
    render_section,
    render_table,
)
from trueline.core.charts.number_format import (
    DASH,
    close_sentence,
    format_interval,
    format_name,
    format_number,
    parse_number,
)
from trueline.core.charts.time_range import render_timed_grid
from trueline.core.charts.time_series import ChartLine, Zone, draw_line_chart, render_legend

NO_TABLE_MESSAGE = "There is no daily table."
STANDARD_BREAK_EVEN = 110 / 210  # hit rate at −110 that breaks even
SHARPNESS_ZONES: tuple[Zone, ...] = (("dull", 0, 40), ("normal", 40, 65), ("sharp", 65, 80), ("razor sharp", 80, 100))
DRIFT_ZONES: tuple[Zone, ...] = (("none", 0, 20), ("mild", 20, 40), ("moderate", 40, 70), ("severe", 70, 100))
MAX_TABLE_DAYS = 14
MAX_ALERTS = 10


def describe_break_even(report: Mapping[str, Any]) -> tuple[float, str]:
    """Return the hit rate in per cent that breaks even by the report's payout, −110 unless it names one, and a note."""
    payout = report.get("payout") or {"payout": "−110", "break_even": STANDARD_BREAK_EVEN}
    phrases = {"posted": "at the posted prices, on average", "pickem": "in the best pick'em entry", "−110": "at −110"}
    percent = 100 * (payout["break_even"] or STANDARD_BREAK_EVEN)
    return percent, f"The dashes mark {percent:.1f} %, which breaks even {phrases[payout['payout']]}."


def render_history(series: DailySeries | None, break_even: tuple[float, str] | None) -> Html | Absence:
    """Return the section on hit rates, losses, data and alerts by day.

    `break_even` is from `describe_break_even` if picks are bets.
    """
    title = "Day by day"
    if series is None:
        return Absence(title, NO_TABLE_MESSAGE)
    counts = {"made": "predictions_made", "graded": "predictions_graded"}
    pictures = [
        *_draw_hit_rates(series, break_even),
        *_draw_losses(series),
        *_draw_market_beaten(series),
        *_draw_pair(series, "Data, %", " %", {"completeness": "completeness", "feature quality": "feature_quality"}),
        *_draw_pair(series, "Predictions a day", "", counts),
    ]
    no_figure = html_tag("p", "The daily table has no figure to draw.")
    content = render_timed_grid("days", len(series.rows), pictures) if pictures else no_figure
    note = html_tag("p", _describe_days(series), class_="soft")
    return render_section(title, note, content, _render_alerts(series), _render_newest_days(series), name="days")


def render_zones(series: DailySeries | None) -> Html | Absence:
    """Return the section on the market's sharpness and the model's drift, each over its named zones."""
    title = "Sharpness and drift"
    if series is None:
        return Absence(title, NO_TABLE_MESSAGE)
    pictures = [
        *_draw_score(series, "sharpness", "Market's sharpness, 0 to 100", "sharpness_status", SHARPNESS_ZONES),
        *_draw_score(series, "drift", "Model's drift, 0 to 100", "drift_severity", DRIFT_ZONES),
        *_draw_bias(series),
    ]
    if not pictures:
        return Absence(title, "The daily table has neither sharpness nor drift.")
    return render_section(title, render_timed_grid("zones", len(series.rows), pictures), name="zones")


def _describe_days(series: DailySeries) -> str:
    older_count = series.older_day_count
    older_note = f"; {older_count:,} older ones are in the daily table only" if older_count else ""
    return f"{len(series.day_names)} days from {series.day_names[0]} to {series.newest_day}{older_note}."


def _draw_hit_rates(series: DailySeries, break_even: tuple[float, str] | None) -> Iterator[Html]:
    baseline = ChartLine("baseline", series.get_numbers("hit_rate_baseline"), "other")
    marks, note = ((break_even[0],), break_even[1]) if break_even else ((), "")
    for window in (7, 30):
        name = f"hit_rate_{window}d"
        if series.has_figures(name):
            rate_line = _make_interval_line(series, f"last {window} days", name, name)
            caption = _describe_newest_value(series, rate_line, " %", f"{name}_n")
            yield _draw_figure(
                f"Hit rate, {window} days, %", caption, series, [rate_line, baseline], (), marks, note, " %"
            )


def _make_interval_line(series: DailySeries, title: str, column: str, bounds: str) -> ChartLine:
    """Return the line of a column with its interval from the columns `bounds`_low and `bounds`_high."""
    low, high = (series.get_numbers(f"{bounds}_{end}") for end in ("low", "high"))
    return ChartLine(title, series.get_numbers(column), "model", low, high)


def _draw_losses(series: DailySeries) -> Iterator[Html]:
    """Draw model and market in one chart if they cover the same units, else in two: they are not comparable then."""
    model = ChartLine("model", series.get_numbers("model_mae"))
    market = ChartLine("market", series.get_numbers("line_mae"), "market")
    baseline = ChartLine("market's baseline", series.get_numbers("line_mae_baseline"), "other")
    window_note = "Means over the window that ends on the day; lower is better."
    if series.has_figures("model_mae", "line_mae") and series.has_equal_counts():
        newest_loss = next((value for value in reversed(market.values) if value is not None), None)
        caption = f"{_describe_newest_value(series, model)} The market's: {format_number(newest_loss)}."
        chart_lines = [model, market, baseline]
        yield _draw_figure("Mean loss, model and market", caption, series, chart_lines, note=window_note)
        return
    warning = f"{window_note} Not on the same units as the other's: do not compare the two."
    for column, chart_lines in (("model_mae", [model]), ("line_mae", [market, baseline])):
        if series.has_figures(column):
            caption = _describe_newest_value(series, chart_lines[0])
            yield _draw_figure(f"Mean loss of the {chart_lines[0].name}", caption, series, chart_lines, note=warning)


def _draw_market_beaten(series: DailySeries) -> Iterator[Html]:
    name = "model_beats_line_pct"
    if series.has_figures(name):
        share_line = _make_interval_line(series, "model closer than the market", name, name)
        title, caption = "Rows where the model beats the market, %", _describe_newest_value(series, share_line, " %")
        yield _draw_figure(title, caption, series, [share_line], (), (50.0,))


def _draw_pair(series: DailySeries, title: str, unit: str, columns: dict[str, str]) -> Iterator[Html]:
    """Draw two columns, by the names of their lines; the caption describes the first."""
    if series.has_figures(*columns.values()):
        pairs = zip(columns.items(), ("model", "market"), strict=True)
        chart_lines = [ChartLine(name, series.get_numbers(column), style) for (name, column), style in pairs]
        yield _draw_figure(title, _describe_newest_value(series, chart_lines[0], unit), series, chart_lines, unit=unit)


def _draw_score(series: DailySeries, name: str, title: str, status: str, zones: tuple[Zone, ...]) -> Iterator[Html]:
    """Draw a score over its named zones."""
    if series.has_figures(f"{name}_score"):
        score_line = _make_interval_line(series, name, f"{name}_score", name)
        caption = f"{_describe_newest_value(series, score_line)} {_describe_status(series, status)}"
        yield _draw_figure(title, caption, series, [score_line], zones)


def _draw_bias(series: DailySeries) -> Iterator[Html]:
    if series.has_figures("model_mean_error"):
        error_line = ChartLine("prediction − outcome", series.get_numbers("model_mean_error"))
        caption = _describe_newest_value(series, error_line)
        caption += " Beyond the dashes the model is said to lie over or under."
        yield _draw_figure("Model's mean error", caption, series, [error_line], (), (-0.5, 0.5))


def _draw_figure(
    title: str,
    caption: str,
    series: DailySeries,
    chart_lines: list[ChartLine],
    bands: tuple[Zone, ...] = (),
    marks: tuple[float, ...] = (),
    note: str = "",
    unit: str = "",
) -> Html:
    shown_lines = [line for line in chart_lines if any(value is not None for value in line.values)]
    picture = draw_line_chart(title, caption.strip(), series.day_names, shown_lines, bands, marks, unit)
    legend = [render_legend(shown_lines)] if len(shown_lines) > 1 else []
    return render_figure(title, Html(picture + "".join(legend)), caption, note)


def _describe_newest_value(series: DailySeries, line: ChartLine, unit: str = "", column: str = "") -> str:
    """Return the newest value of a line with its interval and sample size."""
    known_days = [index for index, value in enumerate(line.values) if value is not None]
    if not known_days:
        return ""
    newest_day = known_days[-1]
    low = line.low[newest_day] if line.low is not None else None
    high = line.high[newest_day] if line.high is not None else None
    sample_size = parse_number(series.get_numbers(column)[newest_day]) if column else None
    sample_note = f", {sample_size:,.0f} picks" if sample_size is not None else ""
    value_text = format_interval(line.values[newest_day], low, high, unit)
    return f"Newest ({series.day_names[newest_day]}): {value_text}{sample_note}."


def _describe_status(series: DailySeries, column: str) -> str:
    status = series.get_texts(column)[-1]
    return f"Status: {format_name(status)}." if status else ""


def _render_alerts(series: DailySeries) -> Html:
    alerts = series.list_alerts()
    if not alerts and any(series.get_texts("alert_level")):
        return html_tag("p", "No alert was raised on these days.")
    if not alerts:
        return html_tag("p", "Which days call for an alert is not known.")
    runs = [list(run) for _, run in groupby(alerts, key=lambda alert: (alert.level, alert.cause, alert.message))]
    rows = [html_tag("li", _render_alert_run(run)) for run in runs[: -MAX_ALERTS - 1 : -1]]
    intro = html_tag("p", f"{len(alerts)} of these days have an alert; the newest first:")
    return join_html([html_tag("h3", "Alerts"), intro, html_tag("ul", *rows)])


def _render_alert_run(run: list[DayAlert]) -> Html:
    """Render a run of identical alerts as one."""
    first_alert, last_alert = run[0], run[-1]
    period = first_alert.day if len(run) == 1 else f"{first_alert.day} to {last_alert.day} ({len(run)} days)"
    cause = f" Primary cause: {format_name(last_alert.cause)}." if last_alert.cause else ""
    title = html_tag("strong", f"{period}, {format_name(last_alert.level)}.")
    return join_html([title, f" {close_sentence(last_alert.message)}{cause}"])


def _render_newest_days(series: DailySeries) -> Html:
    """Return the newest days as a table, with the contributing factors and missing figures of the newest day."""
    heads = ("Day", "Hit rate 7 d, %", "30 d, %", "Model", "Market", "Sharpness", "Drift", "Primary cause", "Alert")
    rates = [[format_number(value, 1) for value in series.get_numbers(f"hit_rate_{window}d")] for window in (7, 30)]
    losses = [[format_number(value) for value in series.get_numbers(name)] for name in ("model_mae", "line_mae")]
    status_columns = ("sharpness_status", "drift_severity", "primary_cause", "alert_level")
    status_texts = [[format_name(value) or DASH for value in series.get_texts(name)] for name in status_columns]
    rows = list(zip(series.day_names, *rates, *losses, *status_texts, strict=True))[: -MAX_TABLE_DAYS - 1 : -1]
    content = [render_table("The newest days", heads, rows), *_render_factors(series), *_render_missing_reasons(series)]
    return render_collapsible(f"The newest {len(rows)} days in figures", *content)


def _render_missing_reasons(series: DailySeries) -> list[Html]:
    """Return a table of why the newest day lacks figures, if the daily table gives reasons."""
    reasons = [(name, series.get_texts(name)[-1]) for name in sorted(map(str, series.rows)) if name.endswith("_reason")]
    rows = [(format_name(name.removesuffix("_reason")), reason) for name, reason in reasons if reason]
    return [render_table(f"What is missing on {series.newest_day}", ("Figure", "Reason"), rows)] if rows else []


def _render_factors(series: DailySeries) -> list[Html]:
    """Return a table of the newest day's contributing factors, if the daily table has them as valid JSON."""
    try:
        factors = json.loads(series.get_texts("contributing_factors")[-1] or "[]")
    except ValueError:
        return []
    factors = factors if isinstance(factors, list) else []
    rows = [_format_factor(factor) for factor in factors if isinstance(factor, dict)]
    title = f"What contributed on {series.newest_day}"
    return [render_table(title, ("Factor", "Contribution", "Details"), rows)] if rows else []


def _format_factor(factor: dict[str, Any]) -> tuple[str, str, str]:
    details = factor.get("details")
    details_text = _format_detail(details)
    if isinstance(details, dict):
        texts = (f"{format_name(str(key))} {_format_detail(value)}" for key, value in sorted(details.items()))
        details_text = ", ".join(texts)
    change = format_number(parse_number(factor.get("contribution")), signed=True)
    return format_name(str(factor.get("factor", DASH))), change, details_text or DASH


def _format_detail(value: Any) -> str:
    parsed = parse_number(value)
    return format_number(parsed) if parsed is not None else "" if value is None else str(value)
