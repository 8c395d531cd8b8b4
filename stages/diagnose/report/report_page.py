"""The report page: one self-contained HTML page of the checks, the evaluation report and the daily table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.diagnose.believability import Believability
from stages.diagnose.report.baselines_table import list_baselines, render_baselines
from stages.diagnose.report.cause import render_cause
from stages.diagnose.report.checks import render_declined, render_findings
from stages.diagnose.report.daily_series import DailySeries
from stages.diagnose.report.gap_section import render_gap
from stages.diagnose.report.history import describe_break_even, render_history, render_zones
from stages.diagnose.report.reliability import render_reliability
from stages.diagnose.report.segments import render_segments
from stages.diagnose.report.summary import Checks, format_verdict_sentence, render_heading
from trueline.core.charts.html import Html, html_tag, join_html
from trueline.core.charts.number_format import format_name
from trueline.core.charts.stylesheet import STYLE

# nothing is fetched and no script runs, whatever the names in the data contain
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SECTIONS = (
    ("checks", "Checks"), ("baselines", "Baselines"), ("gap", "Backtest and production"), ("days", "Day by day"),
    ("zones", "Sharpness and drift"), ("cause", "Why it changed"), ("reliability", "Reliability"),
    ("segments", "Worst segments"), ("declined", "Declined"),
)  # fmt: skip


def render_page(
    task: str,
    verdict: str,
    checks: Checks,
    report: Mapping[str, Any],
    daily: pd.DataFrame | None,
    questions: Mapping[str, str] | None = None,
    reliability_cells: pd.DataFrame | None = None,
    believability: Believability | None = None,
) -> str:
    """Return the page as HTML: the verdict in a sentence, then every section, or a sentence on why it is absent.

    Beside the verdict of all checks stands whether the scores can be believed, if that is known.
    `checks` are findings by name, `report` is report.json, `daily` the daily table (the newest 180 days are drawn), any
    column of which may be missing or null; its rates are in per cent. `questions` gives the question of each check;
    `reliability_cells` are the cells of plots/reliability.csv, for a report without them. The page opens offline and
    has no script; equal input gives equal bytes.
    """
    check_questions, series = questions or {}, DailySeries.from_table(daily)
    has_odds = any("hit_rate" in baseline for baseline in list_baselines(report).values())
    body = [
        render_findings(checks, check_questions),
        render_baselines(report),
        render_gap(checks),
        render_history(series, describe_break_even(report) if has_odds else None),
        render_zones(series),
        render_cause(checks),
        render_reliability(report, checks, reliability_cells),
        render_segments(checks),
        render_declined(checks, check_questions),
    ]
    head = _render_head(
        f"{format_name(task).capitalize()}: {verdict}", format_verdict_sentence(verdict, checks, series)
    )
    footer = html_tag(
        "footer", "Intervals are of 95 %. Definitions of all figures are in the documentation of the task."
    )
    heading = render_heading(task, verdict, checks, series, SECTIONS, believability)
    content = [heading, html_tag("main", *body), footer]
    return f"<!doctype html>\n{html_tag('html', head, html_tag('body', *content), lang='en')}\n"


def _render_head(title: str, description: str) -> Html:
    return html_tag(
        "head",
        html_tag("meta", charset="utf-8"),
        html_tag("meta", http_equiv="Content-Security-Policy", content=CONTENT_POLICY),
        html_tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        html_tag("meta", name="description", content=description),
        html_tag("title", title),
        html_tag("link", rel="icon", href="data:,"),  # or a browser would request one from the server
        join_html([Html(f"<style>{STYLE}</style>")]),
    )
