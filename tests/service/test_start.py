"""The service as a user starts it: quick and light, and not started at all with a file that it cannot trust."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped,unused-ignore]
import pytest

from trueline.core.errors import UserError
from trueline.service.__main__ import main
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.processes.listening import open_listener
from trueline.service.settings import SETTINGS_VARIABLE, TOKEN_VARIABLE, Settings, read_inherited_settings
from trueline.service.tasks.events import EXAMPLE

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("pandas", "pyarrow", "sklearn", "tensorflow", "catboost", "xgboost", "dvc")
MEGABYTES = 150  # of memory that the service may take for the events alone
BODY = json.dumps({"events": [EXAMPLE]}).encode()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def started(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield the process of a service in a folder and its address, once it is ready."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE} | {
        "PYTHONPATH": str(ROOT)
    }
    command = [sys.executable, "-m", "trueline.service", "--port", str(port), "--tasks", "events", *words]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            try:
                asked(f"http://127.0.0.1:{port}/health")
                break
            except urllib.error.URLError:
                assert process.poll() is None, process.stderr and process.stderr.read()
                time.sleep(0.05)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def asked(address: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(address, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith("{") else text


def test_it_answers_lightly_logs_and_ends_on_sigterm(repository: Path, tmp_path: Path) -> None:
    with started(repository, "--log", str(tmp_path)) as (process, address):
        assert len(asked(f"{address}/predict/events", BODY)["events"][0]["top"]) == 5
        parent = psutil.Process(process.pid)
        assert sum(one.memory_info().rss for one in (parent, *parent.children())) / 1024**2 < MEGABYTES
        for _ in range(200):  # the drift reference is read in parallel
            if "trueline_rows_total" in (counts := asked(f"{address}/metrics")) and process.poll() is None:
                break
            time.sleep(0.05)
        assert 'trueline_requests_total{method="POST",route="/predict/events",status="200"} 1.0' in counts
    assert process.returncode in (0, -signal.SIGTERM)
    assert [row["id"] for row in read_log(tmp_path / "events")] == [EXAMPLE["id"]]


def test_a_client_that_reads_nothing_before_it_has_sent_ten_megabytes_gets_the_error(repository: Path) -> None:
    with started(repository, "--log", "") as (_, address):
        host = address.removeprefix("http://")
        for body in (b" " * 10_000_000, iter([b" " * 1_000_000] * 10)):
            connection = http.client.HTTPConnection(host, timeout=20)
            connection.request("POST", "/predict/events", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 413
            assert json.loads(answer.read())["detail"].startswith("The body is longer than 4,000,000 bytes")
            connection.close()


def test_several_processes_share_a_port_and_their_counts_and_each_has_its_own_log(
    repository: Path, tmp_path: Path
) -> None:
    with started(repository, "--log", str(tmp_path), "--workers", "2") as (_, address):
        for _ in range(30):
            asked(f"{address}/predict/events", BODY)
        counts = [asked(f"{address}/metrics") for _ in range(4)]
        for text in counts:
            assert 'trueline_requests_total{method="POST",route="/predict/events",status="200"} 30.0' in text
    assert len(read_log(tmp_path / "events")) == 30


def test_nothing_heavy_is_imported_for_the_events(repository: Path) -> None:
    code = f"""
import sys
from trueline.service.app import create_app
from trueline.service.processes.listening import open_listener
from trueline.service.settings import Settings
create_app(Settings(root={str(repository)!r}, tasks=("events",), log="")).openapi()
print(*[name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_it_does_not_start_with_a_model_that_was_changed(repository: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(repository, tmp_path / "copy"))
    model = folder / "models/events/final/model.json"
    model.write_text(model.read_text().replace("1", "2", 1))
    command = [sys.executable, "-m", "trueline.service", "--tasks", "events", "--port", str(free_port())]
    for more in ((), ("--workers", "2")):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [*command, *more], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "models/events/final is not what dvc.lock says it is: its hash differs; run `dvc repro` or `dvc checkout`."
        ]


@pytest.mark.parametrize("more", [(), ("--workers", "2")])
def test_it_does_not_start_with_a_log_that_cannot_be_written(
    repository: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("")
    command = [sys.executable, "-m", "trueline.service", "--tasks", "events", "--log", str(tmp_path / "file"), *more]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert [line[:7] for line in done.stderr.splitlines()] == ["--log: "]
    assert "cannot be written to (Not a directory); name another folder" in done.stderr


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_an_impossible_port_is_rejected(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", port])
    assert f"--port is {port}; give one from 0" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["http://models.example", "models.example:443", "", "a/b", "::1"])
def test_what_no_host_header_can_name_is_rejected(host: str) -> None:
    with pytest.raises(SystemExit, match="which no Host header can name; give a host alone"):
        main(["--allow-host", host])


def test_exported_models_beside_promoted_ones_are_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--exported", "served", "--model", "events-model#prod"])
    assert "--exported serves the models of a folder; leave out --model" in capsys.readouterr().err


def test_a_token_of_blanks_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, " ")
    with pytest.raises(UserError, match="TRUELINE_TOKEN has blanks only; set it to the token that callers need"):
        open_listener(Settings(port=0))


def test_workers_end_when_their_parent_is_killed(repository: Path) -> None:
    with started(repository, "--log", "", "--workers", "2") as (process, address):
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs(workers, timeout=15)
        assert alive == []
        with pytest.raises(urllib.error.URLError):
            asked(f"{address}/health")


def test_settings_reach_other_processes_unchanged() -> None:
    for settings in (
        Settings(),
        Settings(tasks=("events",), models=("a@v1", "b#prod"), log="", port=9, pins=(("b#prod", "b#prod#1", "c"),)),
    ):
        assert read_inherited_settings({SETTINGS_VARIABLE: settings.format_as_json()}) == settings


def test_it_refuses_to_listen_for_other_machines_without_a_token_unless_it_is_told_to(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with pytest.raises(UserError, match="lets other machines connect, and there is no token; set TRUELINE_TOKEN"):
        open_listener(Settings(host="0.0.0.0", port=0))
    with pytest.raises(UserError, match="lets other machines connect"):
        open_listener(Settings(host="127.example.invalid", port=0))
    open_listener(Settings(host="0.0.0.0", port=0, is_open=True)).close()
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    with open_listener(Settings(host="0.0.0.0", port=0)) as listener:
        taken = listener.getsockname()[1]
        listener.listen()
        with pytest.raises(UserError, match="choose another --port"):
            open_listener(Settings(port=taken))
