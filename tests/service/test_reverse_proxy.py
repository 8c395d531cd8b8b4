"""The shipped proxy, run by the real program: it ends TLS and slow clients, and a page below the prefix works."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline_copy import ROOT
from tests.service.chromium import BROWSER, Chromium
from tests.service.service_process import ServiceProcess, start_service, wait_until
from trueline.benchmarks._http_clients import HOST, build_request
from trueline.service.tasks.events import EXAMPLE

NGINX, OPENSSL = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"), shutil.which("openssl")
CLIENT_SECONDS = 1
MAIN = """daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/trueline.conf;
}}
"""
needs_nginx = pytest.mark.skipif(NGINX is None or OPENSSL is None, reason="nginx or openssl is not installed")


@pytest.fixture(scope="module")
def service(repository: Path) -> Iterator[ServiceProcess]:
    with start_service(repository, "--log", "", "--tasks", "events", "--root-path", "/trueline") as started:
        yield started


@pytest.fixture(scope="module")
def proxy_port(service: ServiceProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of nginx with the shipped configuration in front of the service."""
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    values = {
        "TRUELINE_LISTEN": f"{HOST}:{port}",
        "TRUELINE_NAME": "localhost",
        "TRUELINE_UPSTREAM": f"{HOST}:{service.port}",
        "TRUELINE_CERTIFICATES": str(folder),
        "TRUELINE_CLIENT_SECONDS": str(CLIENT_SECONDS),
    }
    template = (ROOT / "proxy/trueline.conf.template").read_text()
    (folder / "trueline.conf").write_text(re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], template))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    subprocess.run(
        [str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        wait_until(lambda: accepts_connections(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(20)


def accepts_connections(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0


def connect(port: int) -> ssl.SSLSocket:
    """Return a TLS connection to the proxy, whose certificate nobody vouches for here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection((HOST, port), timeout=30), server_hostname="localhost")


def send(port: int, request: bytes) -> tuple[int, bytes, bytes]:
    """Return the status, head and body of the answer to a request that closes its connection."""
    with connect(port) as client:
        client.sendall(request.replace(b"\r\nHost", b"\r\nConnection: close\r\nHost", 1))
        head, _, body = receive_all(client).partition(b"\r\n\r\n")
    return int(head[9:12]), head, body


def receive_all(client: ssl.SSLSocket) -> bytes:
    received = b""
    try:
        while part := client.recv(65_536):
            received += part
    except (ssl.SSLError, ConnectionError):  # closed without the goodbye of TLS
        pass
    return received


@needs_nginx
def test_through_the_proxy_page_docs_and_api_answer_below_the_prefix(service: ServiceProcess, proxy_port: int) -> None:
    assert send(proxy_port, b"GET /trueline/health HTTP/1.1\r\nHost: localhost\r\n\r\n")[0] == 200
    status, _, answer = send(
        proxy_port, build_request("/trueline/predict/events", json.dumps({"events": [EXAMPLE]}).encode())
    )
    assert (status, len(json.loads(answer)["events"])) == (200, 1)
    assert b"'/trueline/openapi.json'" in send(proxy_port, b"GET /trueline/docs HTTP/1.1\r\nHost: localhost\r\n\r\n")[2]
    assert b"<title>Trueline" in send(proxy_port, b"GET /trueline/ HTTP/1.1\r\nHost: localhost\r\n\r\n")[2]
    status, head, _ = send(proxy_port, b"GET /trueline HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status == 308
    assert b"/trueline/" in head
    forged = b"GET /trueline/openapi.json HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Prefix: /evil\r\n\r\n"
    assert json.loads(send(proxy_port, forged)[2])["servers"] == [{"url": "/trueline"}]


@needs_nginx
def test_a_slow_client_is_ended_by_the_proxy_and_never_reaches_the_service(
    service: ServiceProcess, proxy_port: int
) -> None:
    counted = "trueline_requests_total"
    before = [line for line in service.get("/metrics").splitlines() if counted in line and "predict" in line]
    head = build_request("/trueline/predict/events", b"{" * 1000)[:-999]
    for begun in (b"POST /trueline/predict/events HTTP/1.1\r\n", head):
        started_at = time.monotonic()
        with connect(proxy_port) as client:
            client.sendall(begun)
            receive_all(client)
        assert time.monotonic() - started_at < 10 * CLIENT_SECONDS
    after = [line for line in service.get("/metrics").splitlines() if counted in line and "predict" in line]
    assert after == before


@needs_nginx
def test_what_the_proxy_refuses_is_a_problem_in_json_too(service: ServiceProcess, proxy_port: int) -> None:
    long = b"POST /trueline/predict/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
    status, head, body = send(proxy_port, long)
    assert (status, json.loads(body)["status"]) == (413, 413)
    assert b"application/problem+json" in head


@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to open the page in")
def test_the_page_below_the_prefix_asks_the_service_below_the_prefix(service: ServiceProcess, tmp_path: Path) -> None:
    with Chromium(tmp_path) as browser:
        browser.open(f"http://localhost:{service.port}/trueline/")
        form = "document.querySelector('form.try')"
        browser.run(f"{form}.closest('details').open = true; {form}.querySelector('[type=submit]').click()")
        assert "chance" in str(browser.until(f"{form}.querySelector('output').textContent"))
        link = browser.run("document.querySelector('.addresses a').href")
        assert link == f"http://localhost:{service.port}/trueline/api/model_status"
        assert browser.logged == []


@needs_nginx
def test_while_the_service_is_gone_the_proxy_says_when_to_come_back(service: ServiceProcess, proxy_port: int) -> None:
    assert service.stop() == 0
    status, head, body = send(proxy_port, b"GET /trueline/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (status, json.loads(body)["status"]) == (503, 503)
    assert b"Retry-After: 2" in head
