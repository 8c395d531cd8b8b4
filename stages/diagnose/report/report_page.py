"""The report page: one self-contained HTML page of the checks, the evaluation report and the daily table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from stages.diagnose.believability import Believability
from stages.diagnose.report.absence import Absence
from stages.diagnose.report.baselines_table import list_baselines, render_baselines
from stages.diagnose.report.cause import render_cause
from stages.diagnose.report.checks import render_declined, render_findings
from stages.diagnose.report.daily_series import DailySeries
from stages.diagnose.report.gap_section import render_gap
from stages.diagnose.report.recent_days import describe_break_even, render_history, render_zones
from stages.diagnose.report.reliability import render_reliability
from stages.diagnose.report.segments import render_segments
from stages.diagnose.report.summary import Checks, format_verdict_sentence, render_heading
from stages.diagnose.report.tags import render_tags
from stages.diagnose.report.training import render_training
from trueline.core.charts.document import render_document
from trueline.core.charts.html import Html, html_tag
from trueline.core.charts.number_format import format_name

SECTIONS = {
    "checks": "Checks", "baselines": "Baselines", "tags": "Tags", "gap": "Backtest and production",
    "days": "Day by day", "zones": "Sharpness and drift", "cause": "Why it changed", "reliability": "Reliability",
    "training": "Training", "segments": "Worst segments", "declined": "Declined",
}  # fmt: skip


@dataclass(frozen=True)
class PlotData:
    """What the page draws besides the report: tables of plots/ and the training curves; any may be missing."""

    reliability: pd.DataFrame | None = None
    confusions: pd.DataFrame | None = None
    curves: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


def render_page(
    task: str,
    verdict: str,
    checks: Checks,
    report: Mapping[str, Any],
    daily: pd.DataFrame | None,
    questions: Mapping[str, str] | None = None,
    plots: PlotData | None = None,
    believability: Believability | None = None,
) -> str:
    """Return the page as HTML: the verdict in a sentence, then every section that has something to show.

    Beside the verdict of all checks stands whether the scores can be believed, if that is known.
    `checks` are findings by name, `report` is report.json, `daily` the daily table (the newest 180 days are drawn), any
    column of which may be missing or null; its rates are in per cent. `questions` gives the question of each check.
    A section without content is left out, and the page ends with the reasons. The page opens offline, and its script
    only shows exact figures and the time range; equal input gives equal bytes.
    """
    check_questions, series, plots = questions or {}, DailySeries.from_table(daily), plots or PlotData()
    has_odds = any("hit_rate" in baseline for baseline in list_baselines(report).values())
    sections = {
        "checks": render_findings(checks, check_questions),
        "baselines": render_baselines(report),
        "tags": render_tags(report, plots.confusions),
        "gap": render_gap(checks),
        "days": render_history(series, describe_break_even(report) if has_odds else None),
        "zones": render_zones(series),
        "cause": render_cause(checks),
        "reliability": render_reliability(report, checks, plots.reliability),
        "training": render_training(plots.curves),
        "segments": render_segments(checks),
    }
    absences = [section for section in sections.values() if isinstance(section, Absence)]
    shown = {name: section for name, section in sections.items() if isinstance(section, Html)}
    shown["declined"] = render_declined(checks, check_questions, absences)
    links = [(name, SECTIONS[name]) for name in shown]
    title = f"{format_name(task).capitalize()}: {verdict}"
    footer = html_tag(
        "footer", "Intervals are of 95 %. Definitions of all figures are in the documentation of the task."
    )
    heading = render_heading(task, verdict, checks, series, links, believability)
    main = html_tag("main", *shown.values())
    return render_document(title, format_verdict_sentence(verdict, checks, series), heading, main, footer)
