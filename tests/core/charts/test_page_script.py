"""In a real browser, exact figures appear under a pointer and the arrow keys, and the time range is chosen."""

from collections.abc import Iterator

import pytest

from stages.diagnose.report.report_page import render_page
from tests import page_fixtures
from tests.service.chromium import BROWSER, Chromium

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to open the page in")

TIP = "document.querySelector('.tooltip:not([hidden])')?.textContent ?? ''"
LINES, MARKS = 'svg.lines[aria-label^="Hit rate, 7 days"]', 'svg[aria-label^="Promised and happened"]'


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A browser with the report page of 90 days."""
    folder = tmp_path_factory.mktemp("browser")
    page = render_page("props", "ok", page_fixtures.checks(), page_fixtures.report(), page_fixtures.daily())
    (folder / "report.html").write_text(page)
    with Chromium(folder) as browser:
        browser.look(390)
        browser.open((folder / "report.html").as_uri())
        yield browser


def press(browser: Chromium, key: str) -> str:
    """Press a key and return the figures that are shown."""
    for kind in ("keyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key)
    return str(browser.run(TIP))


def point(browser: Chromium, chart: str, share: float) -> str:
    """Point at a share of a chart's width, half-way up, and return the figures that are shown."""
    browser.run(f"document.querySelector('{chart}').scrollIntoView({{block: 'center'}})")
    rectangle = f"document.querySelector('{chart}').getBoundingClientRect()"
    box = browser.run(f"(box => [box.left, box.top, box.width, box.height])({rectangle})")
    place = {"x": box[0] + share * box[2], "y": box[1] + box[3] / 2}
    browser.ask("Input.dispatchMouseEvent", type="mouseMoved", **place)
    return str(browser.run(TIP))


def test_every_chart_can_be_reached_with_the_tab_key(opened: Chromium) -> None:
    charts = opened.run("document.querySelectorAll('svg[role=img]').length")
    assert charts > 8
    assert opened.run("document.querySelectorAll('svg[role=img][tabindex=\"0\"]').length") == charts


def test_arrow_keys_lead_from_day_to_day(opened: Chromium) -> None:
    opened.run(f"document.querySelector('{LINES}').focus()")
    assert press(opened, "End").startswith("2024-02-28: last 7 days ")
    assert press(opened, "ArrowLeft").startswith("2024-02-27: ")
    assert press(opened, "Home").startswith("2023-12-01: ")
    assert press(opened, "ArrowLeft").startswith("2023-12-01: ")
    assert press(opened, "Escape") == ""


def test_the_first_arrow_key_shows_the_nearest_end(opened: Chromium) -> None:
    opened.run(f"document.querySelector('{LINES}').blur(); document.querySelector('{LINES}').focus()")
    assert press(opened, "ArrowRight").startswith("2023-12-01: ")
    opened.run(f"document.querySelector('{LINES}').blur()")
    assert opened.run(TIP) == ""


def test_a_pointer_shows_the_day_below_it_and_takes_the_figures_away_again(opened: Chromium) -> None:
    assert point(opened, LINES, 0.99).startswith("2024-02-28: last 7 days ")
    first = point(opened, LINES, 0.5)
    assert "2024-01-01" < first < "2024-01-20"
    assert point(opened, "h1", 0.5) == ""


def test_marks_are_stops_of_their_own(opened: Chromium) -> None:
    opened.run(f"document.querySelector('{MARKS}').focus()")
    first = press(opened, "ArrowRight")
    assert first.startswith("predicted ")
    assert press(opened, "ArrowRight") != first
    assert opened.run(f"document.querySelectorAll('{MARKS} .current').length") == 1


def test_the_figures_stay_inside_a_phone(opened: Chromium) -> None:
    for share in (0.12, 0.99):
        point(opened, LINES, share)
        ends = opened.run(
            "(box => [box.left, box.right])(document.querySelector('.tooltip:not([hidden])').getBoundingClientRect())"
        )
        assert ends[0] >= 0
        assert ends[1] <= 390
    assert opened.run("document.documentElement.scrollWidth") == 390


def test_a_shorter_range_shows_its_days_only_in_all_charts_over_days(opened: Chromium) -> None:
    opened.run("document.querySelector('.range input[value=\"30\"]').click()")
    assert opened.run("document.querySelectorAll('.range input[value=\"30\"]:checked').length") == 2
    assert opened.run(f"document.querySelector('{LINES} .step').textContent") == "2024-01-30"
    assert point(opened, LINES, 0.12).startswith("2024-01-30: ")
    opened.run(f"document.querySelector('{LINES}').focus()")
    assert press(opened, "Home").startswith("2024-01-30: ")
    opened.run("document.querySelector('.range input[value=\"0\"]').click()")
    assert opened.run(f"document.querySelector('{LINES} .step').textContent") == "2023-12-01"


def test_the_script_is_silent(opened: Chromium) -> None:
    assert opened.logged == []
