"""Two workers, eight clients and a shadow: even if a worker is killed, the log loses no answer and has no torn line."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from trueline.benchmarks._http_clients import (
    KeepAliveClient,
    LoadResult,
    RunningServer,
    build_request,
    count_torn_lines,
    list_worker_ids,
    run_load,
    run_server,
)
from trueline.service.monitoring.prediction_log import read_log

CLIENTS, SECONDS = 8, 3.0
TEXTS = ["Chess for beginners", "Jazz and tea in the garden", "A walk along the canal", "Film night, indoor"]
WORDS = ("-m", "trueline.service", "--tasks", "events", "--workers", "2", "--shadow", "events-model@workspace")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def service(repository: Path, log: Path) -> Iterator[RunningServer]:
    with run_server(*WORDS, "--log", str(log), cwd=repository) as found:
        yield found


@pytest.fixture(scope="module")
def answered() -> set[str]:
    """Ids that were answered with 200 in all tests here."""
    return set()


def ask(service: RunningServer, answered: set[str], name: str) -> LoadResult:
    """Load the service; no two requests have the same text."""
    numbers = count()

    def body(one: str) -> bytes:
        number = next(numbers)
        return json.dumps({"events": [{"id": f"{name}-{one}", "name": f"{TEXTS[number % 4]} {number}"}]}).encode()

    found = run_load(service.port, CLIENTS, SECONDS, body)
    answered |= {f"{name}-{one}" for one in found.answered}
    return found


def eventually(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + 40
    while not done():
        assert time.monotonic() < ends, "it did not happen in 40 seconds"
        time.sleep(0.05)


def test_every_request_is_answered_and_every_answer_logged(
    service: RunningServer, answered: set[str], log: Path
) -> None:
    found = ask(service, answered, "whole")
    assert (found.refused, found.broken) == ([], 0)
    assert len(answered) > CLIENTS
    assert count_torn_lines(log / "events") == 0
    ids = [row["id"] for row in read_log(log / "events")]
    assert sorted(ids) == sorted(answered)


def test_a_worker_that_is_killed_loses_no_answer_and_another_takes_its_place(
    service: RunningServer, answered: set[str], log: Path
) -> None:
    before = list_worker_ids(log / "events")
    dead = min(before)
    timer = threading.Timer(SECONDS / 3, os.kill, [dead, signal.SIGKILL])
    timer.start()
    found = ask(service, answered, "killed")
    timer.join()
    assert found.refused == []
    assert found.broken <= CLIENTS
    assert {f"killed-{one}" for one in found.answered} <= answered
    assert count_torn_lines(log / "events") == 0
    assert answered <= {row["id"] for row in read_log(log / "events")}
    eventually(lambda: another_answers(service, log, before))


def another_answers(service: RunningServer, log: Path, before: set[int]) -> bool:
    """Send requests on new connections, which go to any worker, and return whether a new one has logged."""
    for _ in range(5):
        line = KeepAliveClient(service.port)
        assert line.send_request(build_request("/predict/events", b'{"events": [{"name": "Tea"}]}'))[0] == 200
        line.close()
    return bool(list_worker_ids(log / "events") - before)


def test_the_shadows_logged_what_the_champion_was_asked_and_theirs_of_a_killed_worker_are_gone(
    service: RunningServer, log: Path
) -> None:
    eventually(lambda: len(read_log(log / "events/shadow")) > 0)
    champion = {row["request"]: row["name"] for row in read_log(log / "events")}
    shadow = {row["request"]: row["name"] for row in read_log(log / "events/shadow")}
    assert shadow.items() <= champion.items()
    assert count_torn_lines(log / "events/shadow") == 0
    eventually(lambda: sum(alive(process) for process in list_worker_ids(log / "events/shadow")) <= 2)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
