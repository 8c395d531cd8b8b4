"""Real sockets: below a prefix everything answers as without one, and only a trusted proxy may choose the prefix."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.service_process import ServiceProcess, start_service
from trueline.benchmarks._http_clients import HOST, build_request
from trueline.core.errors import UserError
from trueline.service.protection.path_prefix import check_prefix, check_proxies
from trueline.service.tasks.events import EXAMPLE

PROXY = "127.0.0.2"  # another address of this machine
BODY = json.dumps({"events": [EXAMPLE]}).encode()


@pytest.fixture(scope="module")
def service(repository: Path) -> Iterator[ServiceProcess]:
    words = ("--log", "", "--tasks", "events", "--root-path", "/trueline/", "--trust-proxy", PROXY)
    with start_service(repository, *words) as started:
        yield started


def list_servers(service: ServiceProcess, source: str, prefix: str) -> list[str]:
    """Return the addresses that the schema names, asked from an address with a header that names a prefix."""
    with socket.create_connection((HOST, service.port), source_address=(source, 0)) as client:
        headers = (
            "GET /openapi.json HTTP/1.1",
            "Host: localhost",
            f"X-Forwarded-Prefix: {prefix}",
            "Connection: close",
        )
        client.sendall("\r\n".join((*headers, "", "")).encode())
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    return [server["url"] for server in json.loads(answer.partition(b"\r\n\r\n")[2]).get("servers", [])]


@pytest.mark.parametrize("prefix", ["", "/trueline"])
def test_a_proxy_may_strip_the_prefix_or_leave_it(service: ServiceProcess, prefix: str) -> None:
    assert json.loads(service.get(f"{prefix}/health"))["ready"]
    status, answer = service.send(build_request(f"{prefix}/predict/events", BODY))
    assert (status, len(json.loads(answer)["events"])) == (200, 1)
    assert "'/trueline/openapi.json'" in service.get(f"{prefix}/docs")
    assert service.get(f"{prefix}/") == service.get("/")
    assert 'route="/predict/events",status="200"' in service.get(f"{prefix}/metrics")


def test_another_prefix_leads_nowhere(service: ServiceProcess) -> None:
    for path in ("/other/health", "/truelinehealth", "/other/trueline/health", "/trueline/trueline/health"):
        status, answer = service.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert (status, json.loads(answer)["status"]) == (404, 404)


def test_a_prefix_that_begins_addresses_of_the_service_too_is_taken_off_once(repository: Path) -> None:
    with start_service(repository, "--log", "", "--tasks", "events", "--root-path", "/predict") as started:
        for path, status in (("/predict/predict/events", 200), ("/predict/events", 404)):
            assert started.send(build_request(path, BODY))[0] == status
            assert started.send(build_request(path, BODY).replace(b"json", b"json; charset=utf-8"))[0] == status
        assert json.loads(started.get("/predict/health"))["ready"]


def test_the_header_of_a_trusted_proxy_alone_chooses_the_prefix(service: ServiceProcess) -> None:
    assert list_servers(service, PROXY, "/elsewhere") == ["/elsewhere"]
    assert list_servers(service, HOST, "/elsewhere") == ["/trueline"]
    for odd_prefix in ("//evil.example", "javascript:alert(1)", "/a b", "/", "/<b>"):
        assert list_servers(service, PROXY, odd_prefix) == ["/trueline"]


def test_what_is_no_prefix_and_no_address_is_refused_in_a_sentence() -> None:
    assert check_prefix("/a/b/") == "/a/b"
    for prefix in ("trueline", "//a", "/a b"):
        with pytest.raises(UserError, match="give a path such as /trueline"):
            check_prefix(prefix)
    assert check_proxies(["10.0.0.0/8", "::1"]) == ("10.0.0.0/8", "::1")
    with pytest.raises(UserError, match="which is no IP address"):
        check_proxies(["proxy"])
