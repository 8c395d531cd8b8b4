"""A challenger answers the same requests unseen, and whatever happens to it, the champion answers as before."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service import promoted_repo, trained_repo
from trueline.core.errors import UserError
from trueline.service.app import create_app
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.settings import Settings
from trueline.service.shadow import shadow_traffic as shadows
from trueline.service.shadow.shadow_traffic import Shadow
from trueline.service.tasks.events import EXAMPLE

TAG = "events-model@workspace"
NAMES = ["Jazz at the Old Brewery", "Chess for beginners", "A walk in the garden"]


@pytest.fixture
def settings(repository: Path, tmp_path: Path) -> Settings:
    return Settings(root=str(repository), tasks=("events",), shadow=(TAG,), log=str(tmp_path / "log"))


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of a service that has a shadow; the lines of the log are whole when it is closed."""
    with TestClient(create_app(settings)) as found:
        yield found


def ask(client: TestClient, name: str = NAMES[0]) -> Any:
    answer = client.post("/predict/events", json={"events": [{"name": name}]})
    assert answer.status_code == 200
    return answer.json()


def shadow(client: TestClient) -> Shadow:
    found: Shadow = client.app.state.service.shadows["events"]  # type: ignore[attr-defined]
    return found


def wait(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not done():
        assert time.monotonic() < ends, "it did not happen in 20 seconds"
        time.sleep(0.01)


def child(client: TestClient) -> int:
    held = shadow(client)._process
    assert held is not None
    return held.pid


def test_both_answer_every_request_and_only_the_champion_s_answers_are_sent(
    client: TestClient, settings: Settings
) -> None:
    heard = [ask(client, name) for name in NAMES]
    batch = client.post("/predict/events", json={"events": [EXAMPLE, {"name": "Tea"}]})
    wait(lambda: shadow(client).counts["answered"] == 4)
    folder = Path(settings.log) / "events"
    champion, challenger = read_log(folder), read_log(folder / "shadow")
    assert {row["role"] for row in champion} == {"champion"}
    assert {row["role"] for row in challenger} == {"shadow"}
    assert len({row["request"] for row in champion}) == 4
    assert [row["place"] for row in champion] == [0, 0, 0, 0, 1]

    def by_request(rows: list[dict[str, Any]]) -> dict[Any, Any]:
        return {(row["request"], row["place"]): (row["name"], row["predicted"], row["given"]) for row in rows}

    assert by_request(champion) == by_request(challenger)
    assert {row["model"] for row in challenger} == {shadow(client).version} == {heard[0]["model"]}
    assert [row["given"] for row in champion] == [one["events"][0]["tags"] for one in heard] + [
        one["tags"] for one in batch.json()["events"]
    ]
    text = client.get("/metrics").text
    assert 'trueline_shadow_requests_total{outcome="answered",task="events"} 4.0' in text


def test_a_promoted_version_shadows_the_workspace_and_each_is_logged_under_its_name(
    repository: Path, settings: Settings, tmp_path: Path
) -> None:
    folder = staged(repository, tmp_path / "staged")
    with TestClient(create_app(replace(settings, root=str(folder), shadow=("events-model#staging",)))) as client:
        answer = ask(client)
    (champion,), (challenger,) = (read_log(Path(settings.log) / "events" / place) for place in ("", "shadow"))
    assert champion["given"] == answer["events"][0]["tags"]
    assert len(challenger["given"]) == len(challenger["predicted"]) > len(champion["given"])
    assert challenger["model"].startswith("events-model#staging#1:")
    assert champion["model"].startswith("workspace:")


def staged(repository: Path, folder: Path) -> Path:
    """Return a copy with a version in the stage `staging` that assigns every tag, as git and DVC's cache keep it."""
    promoted_repo.create(repository, folder)
    promoted_repo.promote(folder, "events-model#staging#1", threshold=0.0)
    for kept in ("dvc.lock", trained_repo.OUTS[1]):
        shutil.copy(repository / kept, folder / kept)
    return folder


def test_what_the_champion_rejected_does_not_reach_the_challenger(client: TestClient) -> None:
    assert client.post("/predict/events", json={"events": []}).status_code == 422
    ask(client)
    wait(lambda: shadow(client).counts["answered"] == 1)
    assert dict(shadow(client).counts) == {"answered": 1}


def test_a_challenger_that_is_killed_is_counted_and_begun_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    os.kill(child(client), signal.SIGKILL)
    before = ask(client)
    wait(lambda: shadow(client).counts["failed"] == 1)
    assert "the shadow events-model@workspace failed (1 times so far)" in caplog.text
    assert ask(client) == before
    wait(lambda: shadow(client).counts["failed"] == 2)
    monkeypatch.setattr(shadows, "RESTART_EVERY_SECONDS", 0.0)
    assert ask(client) == before
    wait(lambda: shadow(client).counts["answered"] == 1)


def test_a_challenger_that_hangs_is_ended(client: TestClient) -> None:
    shadow(client)._connection.settimeout(0.2)
    hung = child(client)
    os.kill(hung, signal.SIGSTOP)
    ask(client)
    wait(lambda: shadow(client).counts["failed"] == 1)
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)


def test_a_challenger_that_falls_behind_loses_requests_and_the_champion_none(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadows, "MAX_WAITING_REQUESTS", 5)
    os.kill(child(client), signal.SIGSTOP)
    begun = time.perf_counter()
    for number in range(40):
        ask(client, f"Tea {number % 4}")
    assert time.perf_counter() - begun < 10
    assert shadow(client).counts["dropped"] >= 40 - 5 - 1  # one may be with the challenger already
    assert len(read_log(Path(settings.log) / "events")) == 40
    os.kill(child(client), signal.SIGCONT)
    wait(lambda: sum(shadow(client).counts.values()) == 40)


def test_waiting_requests_are_bounded_in_bytes(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadows, "MAX_WAITING_BYTES", 10)
    ask(client)
    assert dict(shadow(client).counts) == {"dropped": 1}


def test_a_body_that_the_challenger_cannot_answer_is_a_failure_of_its_own(client: TestClient) -> None:
    shadow(client).offer_request("1", b'{"events": [{}]}')
    wait(lambda: shadow(client).counts["failed"] == 1)
    ask(client)
    wait(lambda: shadow(client).counts["answered"] == 1)  # by the same process


def test_what_waits_is_answered_before_the_service_ends(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        for number in range(10):
            ask(client, f"Tea {number}")
        held = child(client)
    assert len(read_log(Path(settings.log) / "events/shadow")) == 10
    with pytest.raises(ProcessLookupError):
        os.kill(held, 0)


def test_without_a_shadow_the_log_is_as_it_was(settings: Settings) -> None:
    with TestClient(create_app(replace(settings, shadow=()))) as client:
        ask(client)
    (row,) = read_log(Path(settings.log) / "events")
    assert not {"role", "request", "place"} & set(row)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shadow": (TAG, "events-model@v1.0.0")}, "--shadow names two challengers for one task"),
        ({"log": ""}, "--shadow needs the log"),
        ({"shadow": ("racing-model@workspace",)}, "has no champion: racing is not loaded"),
        ({"shadow": ("events-model@v9.9.9",)}, "--shadow events-model@v9.9.9: "),
        ({"shadow": ("weather-model",)}, "no task has a model 'weather-model'"),
    ],
)
def test_an_impossible_shadow_is_rejected_at_startup(settings: Settings, change: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        create_app(replace(settings, **change))


def test_a_row_of_the_log_is_a_line_of_json(client: TestClient, settings: Settings) -> None:
    ask(client, "Tea\u2028and\x00cake")
    wait(lambda: shadow(client).counts["answered"] == 1)
    (file,) = (Path(settings.log) / "events/shadow").glob("*.jsonl")
    (line,) = file.read_text().split("\n")[:-1]
    assert json.loads(line)["name"] == "Tea\u2028and\x00cake"
