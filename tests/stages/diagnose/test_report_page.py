"""The page shows everything that exists, says why the rest is missing, and runs no script hidden in a name."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.diagnose.report.baselines_table import list_baselines
from stages.diagnose.report.daily_series import DailySeries
from stages.diagnose.report.gap_section import build_waterfall_dots
from stages.diagnose.report.report_page import SECTIONS, render_page
from stages.diagnose.report.summary import format_verdict_sentence
from tests import page_fixtures
from trueline.core.charts.axes import Axis, compute_range, compute_ticks
from trueline.core.charts.html import Html, html_tag
from trueline.core.charts.number_format import format_interval, format_number
from trueline.core.charts.page_script import SCRIPT
from trueline.core.charts.time_series import ChartLine, draw_line_chart
from trueline.core.scorer_description import describe_comparison, load_description

VOID = {"meta", "link", "input"}
FIGURE = st.floats(-1e6, 1e6) | st.none()


class Reader(HTMLParser):
    """Reads a page and records its elements; an element that is closed out of order is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), names
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def whole() -> str:
    return render_page(
        "props",
        "failed",
        page_fixtures.checks(),
        page_fixtures.report() | page_fixtures.tags(),
        page_fixtures.daily(),
        {"gap": "Can they be compared?"},
        page_fixtures.plots(),
    )


def bare() -> str:
    return render_page("props", "declined", {}, {}, None)


@pytest.mark.parametrize("page", [whole(), bare()], ids=["whole", "bare"])
def test_tags_are_balanced_and_headings_step_down_one_level_at_a_time(page: str) -> None:
    found = read(page)
    levels = [int(name[1]) for name, _ in found.seen if re.fullmatch(r"h\d", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - level <= 1 for level, later in pairwise(levels))
    names = [held["id"] for _, held in found.seen if "id" in held]
    assert len(names) == len(set(names))
    assert ("html", {"lang": "en"}) in found.seen


@pytest.mark.parametrize("page", [whole(), bare()], ids=["whole", "bare"])
def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    assert "http://" not in page
    assert "https://" not in page
    found = read(page)
    assert {name for name, _ in found.seen} & {"iframe", "img", "object", "embed", "base", "form"} == set()
    assert re.findall(r"<script[^>]*>", page) == ["<script>"]
    assert f"<script>{SCRIPT}</script>" in page
    for name, held in found.seen:
        assert not [key for key in held if key.startswith("on") or key in ("src", "style", "srcset")], name
        assert (held.get("href") or "#").startswith(("#", "data:,")), name
    assert "@import" not in page
    assert "url(" not in page
    policy = next(str(held["content"]) for _, held in found.seen if held.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}';" in policy


def test_a_hostile_name_is_shown_as_text_wherever_it_comes_from() -> None:
    checks = page_fixtures.checks()
    checks[page_fixtures.HOSTILE] = {
        "status": "warning",
        "summary": page_fixtures.HOSTILE,
        "details": {page_fixtures.HOSTILE: page_fixtures.HOSTILE},
    }
    days = page_fixtures.daily().assign(
        primary_cause=page_fixtures.HOSTILE, sharpness_status=page_fixtures.HOSTILE, alert_level=page_fixtures.HOSTILE
    )
    page = render_page(
        page_fixtures.HOSTILE,
        page_fixtures.HOSTILE,
        checks,
        page_fixtures.report(),
        days,
        {"gap": page_fixtures.HOSTILE},
    )
    assert page.lower().count("<script") == 1
    assert "".join(read(page).text).count(page_fixtures.HOSTILE) >= 8


@given(st.text())
def test_any_text_comes_back_from_an_element_and_its_attribute(text: str) -> None:
    found = read(html_tag("p", text, title=text))
    shown = "".join(letter for letter in text if letter in "\n\t" or letter.isprintable() or letter.isspace())
    assert re.sub(r"\s", " ", "".join(found.text)) == re.sub(r"\s", " ", shown)
    assert [name for name, _ in found.seen] == ["p"]


def test_equal_input_gives_equal_bytes_in_any_order_of_names() -> None:
    turned = dict(reversed(page_fixtures.checks().items()))
    days = page_fixtures.daily().sample(frac=1, random_state=1)
    report, question = page_fixtures.report() | page_fixtures.tags(), {"gap": "Can they be compared?"}
    again = render_page("props", "failed", turned, report, days, question, page_fixtures.plots())
    assert again.encode() == whole().encode()


def test_every_section_is_there_and_shows_what_it_has() -> None:
    found = read(whole())
    assert [held["id"] for name, held in found.seen if name == "section"] == list(SECTIONS)
    links = [held["href"] for name, held in found.seen if name == "a"]
    assert links == [f"#{name}" for name in SECTIONS]
    drawn = [held["aria-label"] for name, held in found.seen if name == "svg" and held.get("role") == "img"]
    titles = [str(one).split(".")[0] for one in drawn]
    for title in (
        "Hit rate, %", "Mean absolute error", "From backtest to production", "Hit rate, 7 days, %",
        "Hit rate, 30 days, %", "Mean loss, model and market", "Market's sharpness, 0 to 100",
        "Model's drift, 0 to 100", "Parts of the change", "Promised and happened",
    ):  # fmt: skip
        assert title in titles
    pictures = [name for name, held in found.seen if name == "svg" and held.get("role") == "img"]
    assert len(pictures) == [name for name, _ in found.seen].count("title") - 1 == whole().count("<desc>")


def test_a_further_comparison_is_drawn_below_the_baselines_if_the_report_has_it() -> None:
    interval = page_fixtures.interval
    tuned = {"log_loss": interval(0.51, 0.02), "slope": interval(0.97, 0.04)}
    harville = {"log_loss": interval(0.56, 0.02), "slope": interval(0.71, 0.04)}
    compared = harville | {"tuned_is": "better", "tuned_minus_this": interval(-0.05, 0.01)}
    report = {
        "baselines": {"tuned": {"log_loss": interval(1.6, 0.1)}, "uniform": {"log_loss": interval(1.9, 0.1)}},
        "places": {"sentences": [page_fixtures.HOSTILE], "baselines": {"tuned": tuned, "harville": compared}},
        "comparison": describe_comparison(load_description("race")),
    }
    page = render_page("racing", "ok", {}, report, None)
    found = read(page)
    assert "Place chances" in found.text
    assert page_fixtures.HOSTILE in "".join(found.text)
    drawn = [str(held["aria-label"]) for name, held in found.seen if name == "svg" and held.get("role") == "img"]
    assert [title.split(".")[0] for title in drawn] == ["Log loss", "Log loss", "Calibration slope"]
    assert "harville" in "".join(found.text)
    del report["places"]
    assert "Place chances" not in render_page("racing", "ok", {}, report, None)


def test_a_page_without_anything_has_no_empty_section_and_ends_with_why_each_is_left_out() -> None:
    page = bare()
    assert re.findall(r'<section id="(\w+)">', page) == ["checks", "declined"]
    absences = re.findall(r"<li><strong>([^<]+)\. </strong>([^<]+\.)</li>", page)
    expected = {**SECTIONS, "baselines": "Models and baselines"}
    assert [title for title, _ in absences] == [
        title for name, title in expected.items() if name not in ("checks", "tags", "declined")
    ]
    assert "<svg" not in page


def test_a_task_without_a_market_or_a_clock_is_told_of_neither() -> None:
    interval = page_fixtures.interval
    arms = {"prior": {"micro_f1": interval(0.5, 0.1)}, "tuned": {"micro_f1": interval(0.8, 0.1)}}
    declined = {"gap": {"status": "declined", "summary": "No production log.", "details": {}}}
    page = render_page("events", "ok", declined, {"baselines": arms}, page_fixtures.daily().iloc[:0])
    shown = page[: page.index('<section id="declined">')].partition("<body>")[2]
    assert "market" not in shown
    assert re.findall(r'<section id="(\w+)">', page) == ["checks", "baselines", "declined"]


@pytest.mark.parametrize("column", [*page_fixtures.daily().columns, "all"])
def test_a_column_of_the_daily_table_may_be_missing_or_null(column: str) -> None:
    days = page_fixtures.daily(30)
    columns = list(days.columns) if column == "all" else [column]
    for table in (days.drop(columns=columns), days.assign(**dict.fromkeys(columns))):
        read(render_page("props", "ok", page_fixtures.checks(), page_fixtures.report(), table))


@pytest.mark.parametrize("details", [{}, {"waterfall": []}, {"worst": None, "parts": None}, None])
def test_findings_without_their_details_still_give_a_page(details: dict[str, Any] | None) -> None:
    checks = {name: {**found, "details": details} for name, found in page_fixtures.checks().items()}
    found = read(
        render_page("props", "failed", checks, {"baselines": {}, "distribution": None}, page_fixtures.daily().iloc[:0])
    )
    assert "There is no daily table." in found.text


def test_the_checks_come_by_severity_and_the_declined_ones_give_their_reason_at_the_end() -> None:
    page = whole()
    places = [page.index(f"<strong> {name}. ") for name in ("gap", "root cause", "worst segments", "coverage")]
    assert places == sorted(places)
    declined = page[page.index('<section id="declined">') :]
    assert "A quantity has no slope." in declined
    assert "A quantity has no slope." not in page[: page.index('<section id="declined">')]


def test_the_sentence_names_the_most_severe_checks_the_newest_alert_and_its_cause() -> None:
    days = DailySeries.from_table(page_fixtures.daily())
    sentence = format_verdict_sentence("failed", page_fixtures.checks(), days)
    assert sentence.startswith("Failed: 1 check of 4 failed (gap); on 2024-02-28, the newest day, the alert is warning")
    assert sentence.endswith("the primary cause is model drift (confidence 0.82).")
    healthy = {"coverage": page_fixtures.checks()["coverage"]}
    quiet = DailySeries.from_table(page_fixtures.daily().assign(alert_level="ok", primary_cause="none"))
    sentence = format_verdict_sentence("ok", healthy, quiet)
    assert (
        sentence
        == "Ok: 1 check is in order; no alert on 2024-02-28, the newest day; no cause stands out (confidence 0.82)."
    )


def test_a_newest_day_that_is_not_graded_is_described_so() -> None:
    days = DailySeries.from_table(
        page_fixtures.daily().assign(status="no_data", alert_level="none", primary_cause="no_data")
    )
    assert "no alert on 2024-02-28, the newest day (no data); there are no data" in format_verdict_sentence(
        "ok", {}, days
    )


def test_an_alert_that_is_unknown_is_not_reported_as_none() -> None:
    table = page_fixtures.daily().assign(alert_level=None, alert_reason="the first 60 days set the limits")
    sentence = format_verdict_sentence("ok", {}, DailySeries.from_table(table))
    assert "calls for an alert is not known (the first 60 days set the limits)" in sentence
    assert "no alert" not in sentence


def test_model_and_market_are_drawn_together_only_where_both_are_judged_on_the_same_units() -> None:
    alike = render_page("props", "ok", {}, {}, page_fixtures.daily())
    apart = render_page("props", "ok", {}, {}, page_fixtures.daily().assign(line_n=80.0))
    unknown = render_page("props", "ok", {}, {}, page_fixtures.daily().drop(columns="line_n"))
    assert "Mean loss, model and market" in alike
    assert "do not compare the two" not in alike
    for page in (apart, unknown):
        assert "Mean loss, model and market" not in page
        assert "do not compare the two" in page
        assert "market&#x27;s 4." not in page


def test_reasons_of_missing_figures_are_shown() -> None:
    page = render_page("props", "ok", {}, {}, page_fixtures.daily())
    assert "What is missing on 2024-02-28" in page
    assert "no rows were asked for" in page


def test_break_even_is_marked_only_where_picks_are_bets_against_a_line() -> None:
    racing = {
        "baselines": {
            "tuned": {"log_loss": page_fixtures.interval(1.6, 0.1)},
            "market": {"log_loss": page_fixtures.interval(1, 0.1)},
        }
    }
    assert "breaks even" in render_page("props", "ok", {}, page_fixtures.report(), page_fixtures.daily())
    assert "breaks even" not in render_page("racing", "ok", {}, racing, page_fixtures.daily())


def test_baselines_are_found_with_and_without_a_level_between_and_the_model_comes_last() -> None:
    held = {
        "tuned": {"r2": page_fixtures.interval(0.2, 0.1)},
        "zebra": {"r2": page_fixtures.interval(0.1, 0.1)},
        "rows": {"n": 3},
    }
    assert list(list_baselines({"baselines": held})) == ["zebra", "tuned"]
    assert list(list_baselines({"baselines": {"models": held, "rows": 3}})) == ["zebra", "tuned"]
    assert list_baselines({"baselines": 3}) == list_baselines({}) == {}


@given(st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=7), st.floats(0.4, 0.6))
def test_the_steps_of_the_waterfall_lead_from_one_side_to_the_other(moves: list[float], start: float) -> None:
    end = start + sum(moves)
    sides = {
        "backtest": {"hit_rate": page_fixtures.interval(start, 0.01)},
        "production": {"hit_rate": page_fixtures.interval(end, 0.01)},
    }
    shown = build_waterfall_dots(
        {"sides": sides}, [{"step": f"s{n}", "contribution": move} for n, move in enumerate(moves)]
    )
    assert [one.name for one in shown] == ["backtest", *(f"s{n}" for n in range(len(moves))), "production"]
    levels = [one.value for one in shown]
    assert [one.start for one in shown[1:-1]] == pytest.approx(levels[:-2])
    assert levels[-1] == pytest.approx(levels[-2])


def test_what_the_steps_leave_over_is_a_step_of_its_own() -> None:
    sides = {
        side: {"hit_rate": page_fixtures.interval(rate, 0.01)}
        for side, rate in (("backtest", 0.5), ("production", 0.56))
    }
    shown = build_waterfall_dots({"sides": sides}, [{"step": "dates", "contribution": 0.04}])
    assert [one.name for one in shown] == ["backtest", "dates", "left over", "production"]
    assert shown[2].text == "+2.0"


@given(st.lists(FIGURE, min_size=1, max_size=40))
def test_a_line_has_every_known_day_once_and_breaks_where_none_is_known(values: list[float | None]) -> None:
    days = [f"d{n}" for n in range(len(values))]
    drawn = draw_line_chart("t", "s", days, [ChartLine("l", values, "other")])
    points = [part for run in re.findall(r'<polyline points="([^"]+)"', drawn) for part in run.split()]
    alone = re.findall(r"<path", drawn)
    assert len(points) + len(alone) == sum(value is not None for value in values)
    known = "".join(" " if value is None else "x" for value in values)
    assert drawn.count("<polyline") + len(alone) == len(known.split())


@given(st.lists(FIGURE, max_size=20))
def test_axes_hold_every_figure_and_mark_at_least_one_round_number(values: list[float | None]) -> None:
    low, high = compute_range(values)
    axis = Axis(low, high, 10, 330)
    assert all(low <= value <= high and 10 <= axis(value) <= 330 for value in values if value is not None)
    marks, _ = compute_ticks(low, high)
    assert marks
    slack = 1e-6 * (high - low)
    assert all(low - slack <= mark <= high + slack for mark in marks)


def test_numbers_have_the_digits_that_their_interval_bears() -> None:
    assert format_interval(0.541387, 0.518926, 0.564622) == "0.541 (0.519 to 0.565)"
    assert format_interval(5.074065, 4.913648, 5.243274) == "5.07 (4.91 to 5.24)"
    assert format_interval(-0.070282, -0.108908, -0.031645, signed=True) == "−0.070 (−0.109 to −0.032)"
    assert format_interval(0.0, 0.0, 0.0) == "0"
    assert format_interval(0.5, None, None) == "0.500"
    assert format_interval(None, None, None, " %") == "–"
    assert [format_number(value) for value in (12345.6, 3.0, 0.00123, -2.5)] == ["12,346", "3", "0.0012", "−2.50"]
    assert format_number(-0.0001, 2) == "0.00"


def test_only_the_newest_days_are_drawn_and_the_page_says_how_many_are_not() -> None:
    page = render_page("props", "ok", {}, {}, page_fixtures.daily(1000))
    assert "820 older ones are in the daily table only" in page
    assert len(page) < 200_000


def test_a_status_is_never_shown_by_colour_alone() -> None:
    for badge in re.findall(r'<span class="badge[^"]*">(.*?)</span> ?(\w*)</span>', whole()):
        assert re.fullmatch(r'<span aria-hidden="true">[✕!✓–]', badge[0])
        assert badge[1] in ("failed", "warning", "ok", "declined")


def test_arrays_and_missing_numbers_of_findings_that_were_not_written_yet_are_read() -> None:
    details = {
        "shares": np.array([0.1, np.nan]),
        "count": np.int64(3),
        "none": np.nan,
        "found": pd.Timestamp("2024-01-01"),
    }
    text = "".join(
        read(render_page("props", "ok", {"x": {"status": "ok", "summary": "s", "details": details}}, {}, None)).text
    )
    assert "0.100, –" in text
    assert "2024-01-01" in text


def test_markup_is_not_escaped_twice() -> None:
    assert html_tag("p", Html("<b>"), "<i>") == "<p><b>&lt;i&gt;</p>"
