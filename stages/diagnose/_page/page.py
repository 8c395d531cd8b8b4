"""Page: one self-contained page of HTML that tells people what the checks, the report and the daily table say."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.diagnose._page.cause import cause
from stages.diagnose._page.checks import declined, findings
from stages.diagnose._page.days import Days
from stages.diagnose._page.gap import gap
from stages.diagnose._page.history import history, zones
from stages.diagnose._page.ladder import ladder, rungs
from stages.diagnose._page.markup import Html, join, tag
from stages.diagnose._page.reliability import reliability
from stages.diagnose._page.segments import segments
from stages.diagnose._page.style import STYLE
from stages.diagnose._page.top import Checks, heading, sentence
from stages.diagnose._page.words import spoken

# nothing is fetched and nothing runs, whatever a name in the data may hold
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
PARTS = (
    ("checks", "Checks"),
    ("ladder", "Ladder"),
    ("gap", "Backtest and production"),
    ("days", "Day by day"),
    ("zones", "Sharpness and drift"),
    ("cause", "Why it changed"),
    ("reliability", "Reliability"),
    ("segments", "Worst segments"),
    ("declined", "Declined"),
)


def page(
    task: str,
    verdict: str,
    checks: Checks,
    report: Mapping[str, Any],
    daily: pd.DataFrame | None,
    questions: Mapping[str, str] | None = None,
    plotted: pd.DataFrame | None = None,
) -> str:
    """Return the page as HTML: the verdict in a sentence, then every part, or a sentence on why it is absent.

    `checks` are findings by name, `report` is report.json, `daily` the daily table (newest 180 days are drawn), any
    column of which may be missing or null; rates are in per cent. `questions` says what each check asks; `plotted` are
    the cells of plots/reliability.csv, for a report without them. Opens without a network; has no script; equal input
    gives equal bytes.
    """
    asked, days = questions or {}, Days.of(daily)
    body = [
        findings(checks, asked),
        ladder(report),
        gap(checks),
        history(days, any("hit_rate" in rung for rung in rungs(report).values())),
        zones(days),
        cause(checks),
        reliability(report, checks, plotted),
        segments(checks),
        declined(checks, asked),
    ]
    head = _head(f"{spoken(task).capitalize()}: {verdict}", sentence(verdict, checks, days))
    last = tag("footer", "Intervals are of 95 %. Definitions of all figures are in the documentation of the task.")
    inside = [heading(task, verdict, checks, days, PARTS), tag("main", *body), last]
    return f"<!doctype html>\n{tag('html', head, tag('body', *inside), lang='en')}\n"


def _head(title: str, said: str) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="description", content=said),
        tag("title", title),
        tag("link", rel="icon", href="data:,"),  # else a browser asks the server for one
        join([Html(f"<style>{STYLE}</style>")]),
    )
