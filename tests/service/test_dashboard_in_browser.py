"""In a real browser the dashboard queries models, shows errors in words, fits a phone and logs nothing."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.service import axe, status_fixtures
from tests.service.chromium import BROWSER, Chromium
from trueline.service.app import build_app
from trueline.service.page.login import LoginMiddleware
from trueline.service.settings import TOKEN_VARIABLE

PHONE, SCREEN = 375, 1280  # pixels
SECRET = "a-token"  # pragma: allowlist secret
# how many pieces of text are less than 40 pixels wide
SQUEEZED = """
[...document.querySelectorAll("dd, p")].map(one => one.getBoundingClientRect().width)
  .filter(width => width > 0 && width < 40).length
"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to open the page in")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the sample's metrics."""
    return status_fixtures.repository(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The address of a service for all tasks, with made-up models."""
    with served(build_app(status_fixtures.service(folder))) as found:
        yield found


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A browser for all tests."""
    with Chromium(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def browser(chromium: Chromium) -> Chromium:
    """The browser with an empty log and a wide screen."""
    chromium.logged.clear()
    chromium.look(SCREEN)
    return chromium


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an app on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


def ask(browser: Chromium, task: str) -> str:
    """Press the button of a task's form and return what it answers."""
    form = f"document.querySelector('form[data-address=\"/predict/{task}\"]')"
    browser.run(f"{form}.closest('details').open = true; {form}.querySelector('[type=submit]').click()")
    return str(browser.until(f"{form}.querySelector('output').textContent"))


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_the_page_is_silent_and_no_wider_than_it(browser: Chromium, address: str, dark: bool) -> None:
    browser.look(PHONE, dark)
    browser.open(address)
    wide = "document.documentElement.scrollWidth"
    folded = browser.run(wide)
    browser.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    for task in status_fixtures.TASKS:
        ask(browser, task)
    assert browser.run("innerWidth") == PHONE
    assert max(folded, browser.run(wide)) <= PHONE
    assert browser.run(SQUEEZED) == 0
    assert browser.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 23, 26)" if dark else "rgb(251, 250, 248)"
    )
    assert browser.logged == []


def test_the_page_violates_no_rule_of_accessibility(browser: Chromium, address: str) -> None:
    browser.open(address)
    for task in status_fixtures.TASKS:
        ask(browser, task)
    for width, dark in ((390, False), (390, True), (SCREEN, False)):
        browser.look(width, dark)
        assert axe.find_violations(browser) == []


def test_axe_would_report_a_violation(browser: Chromium, address: str) -> None:
    browser.open(address)
    browser.run("document.querySelector('main').insertAdjacentHTML('beforeend', '<input><button></button>')")
    assert {line.partition(":")[0] for line in axe.find_violations(browser)} == {"button-name", "label"}


def test_nothing_of_a_form_or_an_answer_is_cut_on_a_phone(browser: Chromium, address: str) -> None:
    browser.look(390)
    browser.open(address)
    for task in status_fixtures.TASKS:
        ask(browser, task)
    boxes = "[...document.querySelectorAll('form .scroll')]"
    assert browser.run(f"{boxes}.length") >= 4
    assert browser.run(f"{boxes}.filter(box => box.scrollWidth > box.clientWidth).length") == 0
    texts = "[...document.querySelectorAll('form tbody td, form tbody th')]"
    assert browser.run(f"{texts}.filter(cell => cell.scrollWidth > cell.clientWidth + 1).length") == 0


def test_a_task_of_tags_has_its_own_view_and_no_market(browser: Chromium, address: str) -> None:
    browser.open(address)
    section = "document.getElementById('events')"
    titles = browser.run(f"[...{section}.querySelectorAll('h3')].map(title => title.textContent)")
    assert {"F1 of each tag", "Which tags are given in place of which", "Example answers"} <= set(titles)
    sentences = browser.run(
        f"[...{section}.querySelectorAll(':scope > p, figure h3, dt')].map(e => e.textContent).join()"
    )
    assert "market" not in sentences
    assert "no newest day" not in sentences


def test_pictures_are_as_wide_as_their_place(browser: Chromium, address: str) -> None:
    browser.open(address)
    widths = browser.run(
        "[...document.querySelectorAll('svg[role=img]')].map(one => one.getBoundingClientRect().width)"
    )
    assert len(widths) >= 10
    assert all(200 < width < 500 for width in widths)


def test_a_model_answers_what_the_form_asks(browser: Chromium, address: str) -> None:
    browser.open(address)
    shown = ask(browser, "events")
    assert "tagtea" in shown.replace("tags", "tag")
    assert "over 99.9 %" in shown
    assert "20.0 %" in shown
    assert browser.logged == []


def test_warnings_and_why_no_edge_is_given_are_shown(browser: Chromium, address: str) -> None:
    browser.open(address)
    shown = ask(browser, "racing")
    assert status_fixtures.WARNING in shown
    assert status_fixtures.WITHHELD in shown


@pytest.mark.parametrize("task", status_fixtures.TASKS)
def test_the_form_sends_just_the_example(browser: Chromium, address: str, task: str) -> None:
    browser.open(address)
    ask(browser, task)
    sent = json.loads(
        browser.run(f"document.querySelector('form[data-address=\"/predict/{task}\"] output pre').textContent")
    )
    assert sent == status_fixtures.modules()[task].Request.model_json_schema()["examples"][0]
    assert browser.logged == []


def test_a_runner_can_be_added_and_removed(browser: Chromium, address: str) -> None:
    browser.open(address)
    form = "document.querySelector('form[data-list=runners]')"
    count = f"{form}.querySelectorAll('.row').length"
    before = browser.run(count)
    browser.run(f"{form}.querySelector('.less').click()")
    assert browser.run(count) == before - 1
    assert ask(browser, "racing").count("%") == 0 + before - 1
    browser.run(f"{form}.querySelector('.more').click()")
    assert browser.run(count) == before


def test_an_error_is_shown_in_words(browser: Chromium, address: str) -> None:
    browser.open(address)
    browser.run("document.querySelector('[data-name=name]').value = 'refuse'")
    assert ask(browser, "events") == "name: 'refuse' is no name; give another."


def test_a_field_that_must_be_filled_is_asked_for_before_anything_is_sent(browser: Chromium, address: str) -> None:
    browser.open(address)
    browser.run("document.querySelector('[data-name=name]').value = ''")
    browser.run("document.querySelector('form [type=submit]').click()")
    assert browser.run("document.querySelector('[data-name=name]').validity.valueMissing") is True
    assert browser.run("document.querySelector('output').textContent") == ""


def test_a_service_that_is_gone_is_reported_in_words(browser: Chromium, folder: Path) -> None:
    with served(build_app(status_fixtures.service(folder))) as address:
        browser.open(address)
    assert ask(browser, "events") == "The service cannot be reached; is it still running?"


def test_names_in_an_answer_are_text(browser: Chromium, address: str) -> None:
    browser.open(address)
    assert "<b>" in ask(browser, "events")
    assert browser.run("document.querySelectorAll('output b').length") == 0


def test_without_a_script_the_page_still_reads(browser: Chromium, address: str) -> None:
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(address)
        text = browser.run("document.body.innerText")
        dead = browser.run("[...document.querySelectorAll('button')].every(one => one.disabled)")
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert dead is True
    assert "Without a script: send JSON to /predict/events" in text
    assert "micro-F1 over tags" in text


def test_the_token_is_asked_for_once_and_then_the_page_works(
    browser: Chromium, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, SECRET)
    app = build_app(status_fixtures.service(folder))
    app.add_middleware(LoginMiddleware, SECRET)
    with served(app) as address:
        browser.open(address)
        assert "Racing" not in browser.run("document.body.innerText")
        enter(browser, "wrong")
        assert browser.until("document.querySelector('output').textContent") == "The token is missing or wrong."
        enter(browser, SECRET)
        browser.until("document.getElementById('racing') !== null")
        assert "tea" in ask(browser, "events")
        browser.open(address)
        browser.until("document.getElementById('racing') !== null")
    assert all("401" in line for line in browser.logged)


def enter(browser: Chromium, token: str) -> None:
    """Enter a token and submit it."""
    browser.run(f"document.querySelector('[name=token]').value = {json.dumps(token)}")
    browser.run("document.querySelector('#gate [type=submit]').click()")


def test_the_browser_would_report_what_goes_wrong(browser: Chromium, address: str) -> None:
    browser.open(address)
    browser.run("setTimeout(() => { throw new Error('planted'); }, 0); console.log('said')")
    browser.run("new Promise(done => setTimeout(done, 50))")
    browser.run("document.body.insertAdjacentHTML('beforeend', '<p style=\"width:5000px\">wide</p>')")
    assert any("planted" in line for line in browser.logged)
    assert "said" in browser.logged
    assert any("Content Security Policy" in line or "style" in line for line in browser.logged[2:])
