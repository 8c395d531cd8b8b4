"""Whatever is sent, the response is an answer or a 4xx with one sentence."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from trueline.service.app import create_app
from trueline.service.protection.request_limits import RequestLimitMiddleware
from trueline.service.settings import TOKEN_VARIABLE, Settings
from trueline.service.tasks.events import EXAMPLE

JSON = {"content-type": "application/json"}


def post(client: TestClient, body: Any, **headers: str) -> Any:
    """Return the response to a body that is sent as it is."""
    return client.post("/predict/events", content=body, headers=JSON | headers)


def encode(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not JSON: EOF while parsing a value"),
        (b"{", "The body is not JSON"),
        (b'{"events": [{"name": "a"}]} x', "The body is not JSON: trailing characters"),
        (b"\xff\xfe", "The body is not JSON"),
        (b'{"events": [{"name": "\xff"}]}', "The body is not JSON"),
        (b'{"events": [{"name": "\\ud800"}]}', "The body is not JSON"),
        (b"[" * 100_000, "The body is not JSON: recursion limit exceeded"),
        (b'{"events":' * 5000 + b"1" + b"}" * 5000, "The body is not JSON: recursion limit exceeded"),
        (b"null", "The body: input should be"),
        (b"[]", "The body: input should be"),
        (b"3", "The body: input should be"),
        (b"{}", "events: field required."),
        (encode({"events": []}), "events: list should have at least 1 item"),
        (encode({"events": "Jazz"}), "events: input should be a valid array; received"),
        (encode({"events": [{}]}), "events.0.name: field required."),
        (encode({"events": [{"name": 7}]}), "events.0.name: input should be a valid string; received 7."),
        (encode({"events": [{"name": None}]}), "events.0.name: input should be a valid string; received null."),
        (encode({"events": [{"name": ""}]}), "events.0.name: string should have at least 1 character"),
        (encode({"events": [{"name": "a", "title": "b"}]}), "events.0.title: extra inputs are not permitted."),
        (encode({"events": [{"name": "a" * 1001}]}), "events.0.name: string should have at most 1000 characters"),
        (encode({"events": [{"name": "a"}], "top": "3"}), "top: input should be a valid integer"),
        (encode({"events": [{"name": "a"}], "top": 0}), "top: input should be greater than or equal to 1"),
        (b'{"events": [{"name": "a"}], "top": NaN}', "top: input should be"),
        (b'{"events": [{"name": "a"}], "top": Infinity}', "top: input should be"),
        (b'{"events": [{"name": "a"}], "top": 1e999}', "top: input should be"),
        (b'{"events": [{"name": "a"}], "top": 1' + b"0" * 5000 + b"}", ""),
    ],
)
def test_a_body_that_is_no_request_is_rejected_with_a_sentence(client: TestClient, body: bytes, message: str) -> None:
    answer = post(client, body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(message)
    assert list(answer.json())[:4] == ["type", "title", "status", "detail"]
    assert len(answer.json()["detail"]) < 300


leaves = st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=5))
names = st.sampled_from(["events", "name", "top"])
trees = st.recursive(leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=60), trees.map(encode)))
def test_nothing_that_is_sent_makes_the_service_fail(client: TestClient, body: bytes) -> None:
    assert post(client, body).status_code in (200, 422)


@pytest.mark.parametrize("chunked", [False, True])
def test_ten_megabytes_are_rejected_whether_their_length_is_announced_or_not(client: TestClient, chunked: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    answer = post(client, pieces() if chunked else b" " * 10_000_000)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body is longer than 4,000,000 bytes; send fewer at a time."


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_what_is_not_called_json_is_rejected(client: TestClient, kind: str) -> None:
    answer = client.post("/predict/events", content=encode({"events": [EXAMPLE]}), headers={"content-type": kind})
    assert answer.status_code == 415
    assert answer.json()["detail"].endswith("send application/json.")


def test_other_addresses_and_methods_are_rejected_in_a_sentence(client: TestClient) -> None:
    for method, path, status in [
        ("POST", "/predict/racing", 404),
        ("POST", "/predict/%00", 404),
        ("GET", "/nothing", 404),
        ("GET", "/predict/events", 405),
        ("DELETE", "/health", 405),
    ]:
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert list(answer.json()) == ["type", "title", "status", "detail"]
    assert client.post("/predict/racing").json()["detail"] == "'racing' is not loaded here; loaded: events."


def test_a_client_that_stops_sending_gets_a_408() -> None:
    async def read(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    async def slow() -> Any:
        await asyncio.sleep(0 if parts else 60)
        return {"type": "http.request", "body": parts.pop(), "more_body": True}

    parts = [b"{"] * 3
    scope: Any = {"type": "http", "path": "/predict/events", "headers": []}
    with pytest.raises(HTTPException) as raised:
        asyncio.run(RequestLimitMiddleware(read, 1000, 0.05, None)(scope, slow, None))  # type: ignore[arg-type]
    assert (raised.value.status_code, parts) == (408, [])


def test_a_body_that_comes_in_drops_does_not_gain_time_with_each() -> None:
    async def read(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    async def drops() -> Any:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    scope: Any = {"type": "http", "path": "/", "headers": []}
    with pytest.raises(HTTPException, match="408"):
        asyncio.run(asyncio.wait_for(RequestLimitMiddleware(read, 1000, 0.1, None)(scope, drops, None), 5))  # type: ignore[arg-type]


def test_with_a_token_in_the_environment_only_health_is_open(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    client = TestClient(create_app(Settings(root=str(repository), tasks=("events",), log="")))
    assert client.get("/health").status_code == 200
    for path in ("/metrics", "/docs", "/openapi.json", "/nothing"):
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"authorization": "secret"},
            {"authorization": "Bearer é"},
            {"authorization": "Bearer "},
            {"authorization": "Basic secret"},
        ):
            raw = {name: value.encode() for name, value in headers.items()}
            assert client.get(path, headers=raw).status_code == 401
    assert post(client, encode({"events": [EXAMPLE]})).json()["detail"].startswith("This address needs the header")
    for right in ("Bearer secret", "bearer secret", "BEARER  secret \t"):
        assert post(client, encode({"events": [EXAMPLE]}), authorization=right).status_code == 200
        assert client.get("/metrics", headers={"authorization": right}).status_code == 200


def test_a_browser_may_give_the_token_as_a_password_and_the_schema_states_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    client = TestClient(create_app(Settings(root=str(repository), tasks=("events",), log="")))
    assert client.get("/docs").headers["www-authenticate"] == 'Basic realm="Trueline"'
    assert client.get("/metrics").headers["www-authenticate"] == "Bearer"
    assert client.get("/docs", auth=("anybody", "secret")).status_code == 200
    assert client.get("/docs", auth=("secret", "anybody")).status_code == 401
    document = client.get("/openapi.json", auth=("", "secret")).json()
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
    assert document["paths"]["/health"]["get"]["security"] == []


def test_a_token_of_blanks_lets_nobody_in(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, " ")
    client = TestClient(create_app(Settings(root=str(repository), tasks=("events",), log="")))
    for header in ("", "Bearer", "Bearer ", "Bearer  "):
        assert client.get("/metrics", headers={"authorization": header}).status_code == 401


def test_a_body_after_an_upgrade_header_is_rejected_with_the_reason(client: TestClient) -> None:
    asked = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c"}
    answer = post(client, encode({"events": [EXAMPLE]}), **asked)
    assert (answer.status_code, answer.headers["connection"]) == (400, "close")
    assert answer.json()["detail"].endswith("send it without Upgrade.")
    assert client.get("/health", headers=asked).status_code == 200


def test_nothing_of_other_origins_is_let_in(client: TestClient) -> None:
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client.options("/predict/events", headers=asked).headers
    assert "access-control-allow-origin" not in client.get("/health", headers=asked).headers


def heard(repository: Path, stays: float) -> list[Any]:
    """Return the messages to a client that announces a hundred bytes, sends none and leaves after some seconds."""
    app = create_app(Settings(root=str(repository), tasks=("events",), log="", body_seconds=0.05))
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(0 if sent else stays)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
    scope = {"type": "http", "method": "POST", "path": "/predict/events", "headers": headers, "query_string": b""}
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    return sent


def test_a_client_that_leaves_before_it_has_sent_all_is_no_failure_of_the_service(repository: Path) -> None:
    assert heard(repository, stays=0)[0]["status"] == 499


def test_a_client_that_never_sends_the_rest_is_answered_408_and_let_go(repository: Path) -> None:
    sent = heard(repository, stays=60)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["detail"].startswith("The body did not arrive within 0.05 seconds")
