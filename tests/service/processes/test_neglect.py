"""Real processes: what others remove or signal beside the service neither ends it nor loses a row."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.service_process import ServiceProcess, start_service, wait_until
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.processes.run_folder import PREFIX


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def service(repository: Path, log: Path, temporary: Path) -> Iterator[ServiceProcess]:
    """A service of one worker; the tests of this file use it one after the other."""
    with start_service(repository, "--log", str(log), "--tasks", "events", TMPDIR=str(temporary)) as started:
        yield started


def test_rows_are_logged_again_after_their_files_were_removed(service: ServiceProcess, log: Path) -> None:
    service.predict("before")
    shutil.rmtree(log / "events")
    service.predict("after")
    assert [row["name"] for row in read_log(log / "events")] == ["after"]


def test_signals_of_tools_that_rotate_logs_change_nothing(service: ServiceProcess) -> None:
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        service.process.send_signal(number)
        service.list_workers()[0].send_signal(number)
    assert service.predict()["events"]
    assert service.process.poll() is None


def test_without_its_temporary_folder_it_counts_and_replaces_a_worker(service: ServiceProcess, temporary: Path) -> None:
    for folder in temporary.glob(f"{PREFIX}*"):
        shutil.rmtree(folder)
    assert "trueline_requests_total{" in service.get("/metrics")
    killed = service.list_workers()[0].pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: [worker.pid for worker in service.list_workers()] not in ([], [killed]))
    wait_until(lambda: bool(service.predict()["events"]))
    assert json.loads(service.get("/health"))["ready"]
    assert "trueline_requests_total{" in service.get("/metrics")


def test_a_worker_that_somebody_interrupts_is_replaced(service: ServiceProcess) -> None:
    interrupted = service.list_workers()[0]
    interrupted.send_signal(signal.SIGINT)
    wait_until(lambda: not interrupted.is_running() or interrupted.status() == "zombie")
    wait_until(lambda: [worker.pid for worker in service.list_workers()] not in ([], [interrupted.pid]))
    assert service.predict()["events"]


def test_sigquit_ends_it_in_order(service: ServiceProcess, temporary: Path) -> None:
    service.process.send_signal(signal.SIGQUIT)
    assert service.process.wait(20) == 0
    assert list(temporary.glob(f"{PREFIX}*")) == []
