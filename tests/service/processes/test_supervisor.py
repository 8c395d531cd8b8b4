"""Real processes: which model answers never depends on when a worker started, and a promotion interrupts nobody."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import promoted_repo, trained_repo
from tests.service.service_process import ServiceProcess, start_service, wait_until
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.processes.run_folder import PREFIX

STAGE = "events-model#prod"
WORDS = ("--model", STAGE, "--log", "log")


@pytest.fixture(scope="module")
def folder(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a promoted version."""
    created = promoted_repo.create(repository, tmp_path_factory.mktemp("promoted") / "repository")
    promoted_repo.promote(created, f"{STAGE}#1")
    return created


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[ServiceProcess]:
    """A service of two workers; the tests of this file use it one after the other."""
    with start_service(folder, *WORDS, "--workers", "2", TMPDIR=str(folder)) as started:
        yield started


def list_versions(service: ServiceProcess, requests: int = 12) -> set[str]:
    """Return the versions that answer on new connections, which go to any worker."""
    return {service.predict()["model"] for _ in range(requests)}


def test_the_start_says_where_it_listens_what_answers_and_that_no_token_is_needed(service: ServiceProcess) -> None:
    version = next(iter(list_versions(service)))
    lines = service.output.read_text().splitlines()
    assert lines[0] == f"Trueline listens on http://127.0.0.1:{service.port} with 2 worker(s); no token is needed."
    assert lines[1:] == [
        f"  events: {version}",
        f"Newly promoted models are taken over on `kill -HUP {service.process.pid}`.",
    ]
    assert version.startswith(f"{STAGE}#1:")


def test_the_parent_has_loaded_no_model(service: ServiceProcess) -> None:
    mapped = Path(f"/proc/{service.process.pid}/maps").read_text()
    worker = Path(f"/proc/{service.list_workers()[0].pid}/maps").read_text()
    assert "numpy" not in mapped
    assert "numpy" in worker


def test_a_worker_that_is_replaced_after_the_tag_moved_answers_as_the_others_do(
    service: ServiceProcess, folder: Path
) -> None:
    before = list_versions(service)
    promoted_repo.promote(folder, f"{STAGE}#2", threshold=0.0)
    killed = service.list_workers()[0].pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(service.list_workers()) == 2 and killed not in {one.pid for one in service.list_workers()})
    replaced = max(one.pid for one in service.list_workers())
    wait_until(lambda: bool(service.predict()) and any(folder.glob(f"log/events/{replaced}-*")))
    assert list_versions(service) == before


class Asking(threading.Thread):
    """A client that asks on one connection until the service announces its end, then on the next; it never repeats."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.is_stopped, self.failure = False, ""
        self.answers: list[tuple[float, str]] = []  # when each request was sent, and the version that answered it

    def run(self) -> None:
        try:
            while not self.is_stopped:
                self._ask(f"{self.ident}-{len(self.answers)}")
                time.sleep(0.005)
        except (OSError, http.client.HTTPException) as error:
            self.failure = repr(error)
        self._connection.close()

    def _ask(self, name: str) -> None:
        sent_at = time.monotonic()
        body = json.dumps({"events": [{"id": name, "name": "Tea"}]})
        self._connection.request("POST", "/predict/events", body, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        self.answers.append((sent_at, json.loads(content)["model"]))


def test_on_sighup_the_promoted_model_is_taken_over_and_no_request_fails(service: ServiceProcess, folder: Path) -> None:
    before = list_versions(service)
    clients = [Asking(service.port) for _ in range(4)]
    for client in clients:
        client.start()
    service.process.send_signal(signal.SIGHUP)
    line = service.wait_for_line("taken over: events ")
    announced_at = time.monotonic()
    time.sleep(0.3)
    for client in clients:
        client.is_stopped = True
        client.join()
    assert [client.failure for client in clients] == [""] * 4
    after = list_versions(service)
    assert len(after) == 1
    assert after.pop() == line.split()[3].rstrip(";")
    answers = [answer for client in clients for answer in client.answers]
    assert {version for _, version in answers} == before | list_versions(service)
    assert {version for sent_at, version in answers if sent_at > announced_at} == list_versions(service)
    logged = [row["id"] for row in read_log(folder / "log/events") if row["id"] is not None]
    asked = [f"{client.ident}-{number}" for client in clients for number in range(len(client.answers))]
    assert sorted(logged) == sorted(asked)


def test_a_swapped_calibrator_changes_the_version_and_is_the_only_part_that_differs(
    service: ServiceProcess, folder: Path
) -> None:
    version = json.loads(service.get("/api/model_status"))["tasks"][0]["version"]
    assert {version["answers"]} == list_versions(service)
    assert version["part_hashes"]["calibrator"] == trained_repo.md5(folder / trained_repo.OUTS[1])
    assert set(version["part_hashes"]) == {"model", "calibrator", "settings", "code"}
    versions = {row["model"] for row in read_log(folder / "log/events")}
    assert {name.rpartition(":")[0] for name in versions} == {f"{STAGE}#1", f"{STAGE}#2"}
    assert len({name.rpartition(":")[2] for name in versions}) == 2


def test_a_model_that_cannot_be_loaded_leaves_the_old_one_answering_and_the_service_says_so(
    service: ServiceProcess, folder: Path
) -> None:
    before = list_versions(service)
    promoted_repo.promote(folder, f"{STAGE}#3", threshold=0.9)
    promoted_repo.remove_from_cache(folder, trained_repo.OUTS[1])
    service.process.send_signal(signal.SIGHUP)
    line = service.wait_for_line("not taken over: ")
    assert f"{STAGE}#3: models/events/calibrator.json is neither in DVC's cache nor in git" in line
    assert line.endswith(f"The former models go on: events {before.copy().pop()}")
    assert list_versions(service) == before
    wait_until(lambda: "calibrator.json is neither" in str(json.loads(service.get("/health"))["failed_takeover"]))
    assert len(service.list_workers()) == 2


def test_counts_outlive_the_workers_and_a_stopped_service_leaves_nothing_behind(
    service: ServiceProcess, folder: Path
) -> None:
    rows = len(read_log(folder / "log/events"))
    assert f'route="/predict/events",status="200"}} {rows}.0' in service.get("/metrics")
    (run_folder,) = folder.glob(f"{PREFIX}*")
    assert len(list(run_folder.glob("worker-*"))) == 2
    workers = service.list_workers()
    assert service.stop() == 0
    assert not any(worker.is_running() for worker in workers)
    assert list(folder.glob(f"{PREFIX}*")) == []


def test_with_one_worker_a_moved_tag_is_noticed_without_a_signal(repository: Path, tmp_path: Path) -> None:
    folder = promoted_repo.create(repository, tmp_path / "repository")
    promoted_repo.promote(folder, f"{STAGE}#1")
    abandoned = folder / f"{PREFIX}killed"
    abandoned.mkdir()
    (abandoned / "lock").write_text("")
    with start_service(folder, *WORDS, "--watch", "0.2", TMPDIR=str(folder)) as service:
        assert not abandoned.exists()
        before = service.predict()["model"]
        promoted_repo.promote(folder, f"{STAGE}#2", threshold=0.0)
        assert before not in service.wait_for_line("taken over: ")
        assert service.predict()["model"].startswith(f"{STAGE}#2:")
