"""The page of runs: every chart that there is something for, in a real browser, whatever runs are called."""

from pathlib import Path

import pytest

from tests.experiments.pages import page_runs
from tests.experiments.pages.page_runs import HOSTILE
from tests.service import axe
from tests.service.chromium import BROWSER, Chromium
from trueline.experiments.pages.runs_page import render_runs_page

NAMES = {"many": (40, 3), "few": (2,), "alone": (1,)}


def render(*counts: int) -> str:
    """Return a page with a task for each number of runs."""
    tasks = [page_runs.make_runs(count, f"task_{number}") for number, count in enumerate(counts)]
    return render_runs_page("Experiments", f"Runs {HOSTILE}", tasks)


def test_the_page_has_a_chart_of_each_kind_and_a_table() -> None:
    page = render(40)
    for title in (
        "Log loss, less is better", "Log loss: RUN-0 less each other", "Log loss by depth", "Log loss by learner",
        "Parameters and score side by side", "Loss on later rows by round", "RUN-0: Promised and happened",
        "Log loss of every evaluation of these rows",
    ):  # fmt: skip
        assert f"<h3>{title}</h3>" in page, title
    assert "All 40 runs in figures" in page
    assert "20 further runs are in the table" in page
    assert "RUN-4: RUN-4 was scored on other rows" in page


def test_only_parameters_of_the_task_are_drawn() -> None:
    assert "Log loss by hypothesis" not in render(40)
    assert "Log loss by other" not in render(40)


def test_a_run_alone_has_no_chart_of_differences() -> None:
    page = render(1)
    assert "less each other" not in page
    assert "Parameters and score" not in page
    assert "Log loss, less is better" in page


def test_whatever_runs_say_of_themselves_is_text() -> None:
    assert HOSTILE not in render(40)
    assert "&lt;script&gt;alert" in render(40)


def test_equal_runs_give_equal_bytes() -> None:
    assert render(40, 2) == render(40, 2)


@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to open the page in")
def test_in_a_browser_the_page_is_silent_accessible_and_no_wider_than_a_phone(tmp_path: Path) -> None:
    with Chromium(tmp_path) as browser:
        for name, counts in NAMES.items():
            file = tmp_path / f"{name}.html"
            file.write_text(render(*counts))
            browser.open(file.as_uri())
            for width, dark in ((375, False), (1280, True)):
                browser.look(width, dark)
                browser.run("document.querySelectorAll('details').forEach(folded => folded.open = true)")
                assert browser.run("document.documentElement.scrollWidth") <= width, name
                assert axe.find_violations(browser) == [], name
                widths = browser.run(
                    "[...document.querySelectorAll('svg[role=img]')].map(chart => chart.getBoundingClientRect().width)"
                )
                assert min(widths) > 200
        assert browser.logged == []


@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to open the page in")
def test_in_a_browser_a_dot_says_which_run_it_is(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(render(40))
    with Chromium(tmp_path) as browser:
        browser.open(file.as_uri())
        browser.look(1280)
        chart = "[...document.querySelectorAll('figure')].find(one => one.textContent.includes('side by side'))"
        browser.run(f"{chart}.querySelector('svg').focus()")
        browser.run(
            f"{chart}.querySelector('svg').dispatchEvent(new KeyboardEvent('keydown', {{key: 'End', bubbles: true}}))"
        )
        tip = browser.run(f"{chart}.querySelector('.tooltip').textContent")
        assert tip.startswith("RUN-0: ")
        assert "log loss 1.6" in tip
