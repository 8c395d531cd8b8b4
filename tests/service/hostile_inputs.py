"""Hostile inputs: valid requests corrupted in every way that we know of, the same ones each time."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Headers = list[tuple[bytes, bytes]]
JSON: Headers = [(b"content-type", b"application/json")]

VALUES: list[bytes] = [
    b"null",
    b"true",
    b"-0",
    b"1e400",
    b"-1e400",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"0.1",
    b"1E5",
    b"01",
    b"+1",
    b"1.",
    b"9" * 400,
    b"9" * 5000,
    b"-" + b"9" * 30,
    b"18446744073709551616",
    b'""',
    b'" "',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\\x00"',
    b'"\xff\xfe"',
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
    b'"\n"',
    b'"\x00"',
    b'"' + b"a" * 100_000 + b'"',
    b'"' + "é".encode() * 100_000 + b'"',
    b'"' + b"\\u0301" * 900 + b'"',
    b'"<b><b><b>&amp;amp;amp;<!--"',
    b'"' + b"<!--" * 200 + b'"',
    b'"' + b"&lt;" * 240 + b'"',
    b'"\xe2\x80\xae\xe2\x80\xa8\xef\xbf\xbf"',
    b"[]",
    b"{}",
    b"[null]",
    b"[[[[[[]]]]]]",
    b'{"a":1}',
    b"[" * 2000,
    b"[" * 500 + b"]" * 500,
    b'{"a":' * 300 + b"1" + b"}" * 300,
    b"'single'",
    b"/* comment */ 1",
    b"undefined",
    b"0x10",
    b"1_000",
    b'"unended',
    b"2024-01-01",
    b'"2024-02-30"',
    b'"20240429"',
    b'"1714418640.5"',
    b'"0"',
    b'"-0"',
    b'" 2024-04-29"',
    b'"9999-12-31T23:59:59.999999-23:59"',
    b'"0001-01-01T00:00:00+23:59"',
    b'"2024-01-01T00:00:00[Europe/Paris]"',
]
KINDS: list[Headers] = [
    [],
    [(b"content-type", b"text/plain")],
    [(b"content-type", b"application/json; charset=utf-16")],
    [(b"content-type", b"application/json;;;=\xff")],
    [(b"content-type", b"")],
    [(b"content-type", b"\xff\xfe")],
    [(b"content-type", b"APPLICATION/JSON")],
    [*JSON, *JSON],
    [*JSON, (b"content-type", b"text/html")],
    [*JSON, (b"content-length", b"-1")],
    [*JSON, (b"content-length", b"abc")],
    [*JSON, (b"content-length", b"9" * 30)],
    [*JSON, (b"content-length", "²".encode())],
    [*JSON, (b"content-length", "٣".encode())],
    [*JSON, (b"content-length", b"9" * 5000)],
    [*JSON, (b"content-encoding", b"gzip")],
    [*JSON, (b"transfer-encoding", b"chunked, chunked")],
    [*JSON, (b"accept", b"image/png")],
    [*JSON, (b"authorization", b"Bearer \xff\x00")],
    [*JSON, (b"cookie", b"a" * 9000)],
    [*JSON, (b"host", b"")],
    [*JSON, (b"host", b"[::1")],
    [*JSON, (b"x" * 200, b"\x00\r\n")],
    [*JSON, (b"expect", b"100-continue")],
    [*JSON, (b"if-none-match", b"*")],
    [*JSON, (b"range", b"bytes=0-0,5-1")],
    [*JSON, (b"upgrade", b"websocket")],
    [*JSON, (b"connection", b"Upgrade, HTTP2-Settings"), (b"upgrade", b"h2c"), (b"content-length", b"40")],
]
METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "", "BREW", "P\u00d6ST"]
PATHS = [
    "/",
    "//",
    "/predict",
    "/predict/",
    "/predict/events/",
    "/predict/events/1",
    "/predict/../health",
    "/predict/\x00",
    "/predict/\ud7ff\ue000",
    "/predict/%ff",
    "/predict/" + "a" * 9000,
    "/predict/events;x=1",
    "/Predict/Events",
    "/api/diagnostics/",
    "/api/diagnostics/../../etc/passwd",
    "/api/diagnostics/%2e%2e%2fparams.yaml",
    "/api/diagnostics/\x00",
    "/docs/../metrics",
    "/openapi.json/",
    "*",
    "",
    "/predict/events\n",
    "/predict/é",
]
QUERIES = [b"", b"a=b", b"%", b"\xff", b"limit=-1", b"limit=NaN", b"limit=" + b"9" * 400, b"x[]=1&x[]=2", b"=" * 500]


@dataclass
class Sent:
    """A request as ASGI has it."""

    method: str
    path: str
    body: list[bytes] = field(default_factory=list)
    headers: Headers = field(default_factory=lambda: list(JSON))
    query: bytes = b""

    def __str__(self) -> str:
        body = b"".join(self.body)
        where = f"{self.method} {self.path[:60]!r}?{self.query[:40]!r} {repr(self.headers)[:120]}"
        return f"{where} {body[:160]!r} ({len(body)} bytes)"


def inputs(number: int, valid: dict[str, Any], paths: list[str], seed: int = 0) -> Iterator[Sent]:
    """Yield a number of requests: half with corrupted bodies of the valid ones (by path), half corrupted elsewhere."""
    draw = random.Random(seed)
    for turn in range(number):
        path = draw.choice(list(valid))
        body = json.dumps(valid[path]).encode()
        if turn % 2:
            yield Sent("POST", path, _cut(draw, _spoilt(draw, body, valid[path])))
        elif turn % 4:
            yield Sent("POST", path, _cut(draw, body), draw.choice(KINDS), draw.choice(QUERIES))
        else:
            where = draw.choice([*PATHS, *paths, *valid])
            method = draw.choice([*METHODS, "GET", "GET", "POST"])
            yield Sent(
                method, where, [draw.choice([b"", body, b"\x00"])], draw.choice([JSON, *KINDS]), draw.choice(QUERIES)
            )


def _spoilt(draw: random.Random, body: bytes, valid: Any) -> bytes:
    ways: list[Callable[[], bytes]] = [
        lambda: body[: draw.randrange(len(body))],
        lambda: body + draw.choice([b" x", b"}", b"\x00", body]),
        lambda: draw.choice(VALUES),
        lambda: draw.choice([b"\xef\xbb\xbf", b"\xff\xfe", b" " * 1000]) + body,
        lambda: body.decode().encode(draw.choice(["utf-16", "utf-32", "utf-7"])),
        lambda: _flipped(draw, body),
        lambda: json.dumps([valid]).encode(),
        lambda: body[:-1] + b"," + body[1:],  # every key twice
        lambda: body[:-1] + b',"unknown":' + draw.choice(VALUES) + b"}",
    ]
    if draw.random() < 0.6:
        return _replaced(draw, body, valid)
    return draw.choice(ways)()


def _replaced(draw: random.Random, body: bytes, valid: Any) -> bytes:
    """Return the body with one value, at any depth, replaced by one of VALUES, or removed."""
    mark = "\u0001mark\u0001"
    changed = json.loads(json.dumps(valid))
    place: Any = changed
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.choice(keys)
        if isinstance(place[key], dict | list) and place[key] and draw.random() < 0.8:
            place = place[key]
            continue
        break
    if draw.random() < 0.15:
        del place[key]
        return json.dumps(changed).encode()
    place[key] = mark
    return json.dumps(changed).encode().replace(json.dumps(mark).encode(), draw.choice(VALUES))


def _flipped(draw: random.Random, body: bytes) -> bytes:
    held = bytearray(body)
    for _ in range(draw.randint(1, 5)):
        held[draw.randrange(len(held))] = draw.randrange(256)
    return bytes(held)


def _cut(draw: random.Random, body: bytes) -> list[bytes]:
    """Return the body in one piece or in a few, some of which may be empty."""
    if draw.random() < 0.7 or len(body) > 10_000:
        return [body]
    ends = sorted(draw.randrange(len(body) + 1) for _ in range(draw.randint(1, 4)))
    return [body[start:end] for start, end in zip([0, *ends], [*ends, len(body)], strict=True)]
