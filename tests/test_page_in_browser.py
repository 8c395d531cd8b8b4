"""In a real browser the page logs nothing on the console and fits a phone, collapsed or expanded."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from stages.diagnose.report.report_page import PlotData, render_page
from tests import page_fixtures, pipeline_copy
from tests.service import axe
from tests.service.chromium import Chromium

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTH = 375  # pixels of a small phone; a browser window cannot be so narrow, but a frame can

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to open the page in")

PROBE = """
const frame = document.querySelector("iframe"), inside = frame.contentDocument, root = inside.documentElement;
const wide = () => [root.scrollWidth];
const folded = wide();
inside.querySelectorAll("details").forEach(one => one.open = true);
const width = one => Math.round(one.getBoundingClientRect().width);
const pictures = [...inside.querySelectorAll("svg[role=img]")].map(width);
document.body.dataset.seen = JSON.stringify({window: [frame.contentWindow.innerWidth], folded, open: wide(), pictures});
"""


@pytest.mark.parametrize("task", ["made", "bare", *pipeline_copy.tasks()])
def test_the_page_is_silent_and_no_wider_than_a_phone(task: str, tmp_path: Path) -> None:
    seen, log = look(written(task), tmp_path)
    assert [line for line in log.splitlines() if "CONSOLE" in line] == []
    assert seen["window"] == [WIDTH]
    assert max(seen["folded"] + seen["open"]) <= WIDTH
    assert all(200 < width <= WIDTH for width in seen["pictures"])
    assert bool(seen["pictures"]) == (task != "bare")


def test_no_page_violates_a_rule_of_accessibility_at_any_width(tmp_path: Path) -> None:
    with Chromium(tmp_path) as browser:
        for task in ("made", "bare", *pipeline_copy.tasks()):
            file = tmp_path / f"{task}.html"
            file.write_text(written(task))
            browser.open(file.as_uri())
            for width in (390, 1280):
                browser.look(width)
                assert axe.find_violations(browser) == [], task


def test_the_browser_would_report_a_script_and_a_part_that_is_too_wide(tmp_path: Path) -> None:
    bad = '<script>1</script><p style="width:500px">wide</p></main>'
    seen, log = look(written("bare").replace("</main>", bad), tmp_path)
    assert "CONSOLE" in log
    assert min(seen["folded"]) > WIDTH


def written(task: str) -> str:
    """Return the page of a task's outputs in the repository, or of made-up or missing outputs."""
    if task == "bare":
        return render_page("props", "declined", {}, {}, None)
    if task == "made":
        report = page_fixtures.report() | page_fixtures.tags()
        return render_page(
            "props", "failed", page_fixtures.checks(), report, page_fixtures.daily(), plots=page_fixtures.plots()
        )
    folder = pipeline_copy.ROOT / "metrics" / task
    found = json.loads((folder / "diagnosis.json").read_text())
    report = json.loads((folder / "report.json").read_text())
    plotted = pd.read_csv(folder / "plots/reliability.csv")
    confusion_file = folder / "plots/confusion.csv"
    confusions = pd.read_csv(confusion_file) if confusion_file.exists() else None
    plots = PlotData(plotted, confusions, page_fixtures.plots().curves)
    return render_page(task, found["verdict"], found["checks"], report, page_fixtures.daily(), plots=plots)


def look(page: str, folder: Path) -> tuple[dict[str, list[int]], str]:
    """Return the probe's measurements of the page in a phone-wide frame, in pixels, and the browser's log."""
    assert BROWSER is not None
    frame = f'<iframe srcdoc="{html.escape(page)}" style="width:{WIDTH}px;height:2000px;border:0"></iframe>'
    start = f"onload = () => {{{PROBE}}}"
    file = folder / "frame.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><body>{frame}<script>{start}</script>")
    words = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --virtual-time-budget=8000 --enable-logging=stderr --v=0 --dump-dom"
    )
    command = [BROWSER, *words.split(), f"--user-data-dir={folder / 'profile'}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r'data-seen="([^"]+)"', done.stdout)
    assert found, f"the probe did not run\n{done.stderr[-2000:]}"
    seen: dict[str, list[int]] = json.loads(html.unescape(found[1]))
    return seen, done.stderr
