"""Load clients: each sends its kind of request over and over, and remembers every answer and what it owes the log."""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from trueline.benchmarks._http_clients import HOST, build_request
from trueline.service.tasks.events import EXAMPLE as EVENT

ANSWER_TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 0.01  # between two requests of a client
REQUESTS_PER_CONNECTION = 50  # requests after which a client reconnects, perhaps to another worker
WORDS = ("jazz", "tea", "garden", "choir", "chess", "market", "seeds", "poetry")
BATCH_EVENTS = 60  # too many to be answered on the event loop
DEPARTED = "departed"  # the client left without waiting for its answer


@dataclass(frozen=True)
class Sent:
    """A request: its bytes, the ids of the rows that it is logged as, and how many rows each of them has."""

    task: str
    request: bytes
    ids: tuple[str, ...] = ()
    rows_per_id: int = 1
    content: str = ""  # what the answer depends on, besides the version
    expected_status: int = 200
    leaves: bool = False  # the client does not wait for the answer


@dataclass(frozen=True)
class Received:
    """What came of a request: a status, or how it ended without one; of a prediction its version and its content."""

    sent: Sent
    sent_at: float  # seconds of the monotonic clock, as is the next
    ended_at: float
    outcome: str
    version: str = ""
    digest: str = ""


@dataclass
class Load:
    """Everything that was sent and received so far."""

    received: list[Received] = field(default_factory=list)
    is_stopped: bool = False


async def run_clients(port: int, load: Load, kinds: Sequence[Callable[[str], Sent]]) -> None:
    """Send requests of every kind, each from a client of its own, until the load is stopped."""
    await asyncio.gather(*(_run_client(port, load, number, kind) for number, kind in enumerate(kinds)))


async def _run_client(port: int, load: Load, number: int, make: Callable[[str], Sent]) -> None:
    connection: _Connection | None = None
    for index in count():
        if load.is_stopped:
            break
        sent, sent_at = make(f"{number}-{index}"), time.monotonic()
        try:
            if connection is None:
                connection = await _Connection.open(port)
            received = await asyncio.wait_for(connection.ask(sent, sent_at), ANSWER_TIMEOUT_SECONDS)
        except (OSError, EOFError, TimeoutError) as error:
            received = Received(sent, sent_at, time.monotonic(), type(error).__name__)
        load.received.append(received)
        is_used_up = not received.outcome.isdigit() or index % REQUESTS_PER_CONNECTION == 0
        if connection is not None and (is_used_up or connection.is_ending):
            connection.close()
            connection = None
        await asyncio.sleep(PAUSE_SECONDS)
    if connection is not None:
        connection.close()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.is_ending = False  # the service has announced that it closes the connection after this answer

    @classmethod
    async def open(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection(HOST, port))

    async def ask(self, sent: Sent, sent_at: float) -> Received:
        self._writer.write(sent.request)
        if sent.leaves:
            await self._writer.drain()
            return Received(sent, sent_at, time.monotonic(), DEPARTED)
        head = await self._reader.readuntil(b"\r\n\r\n")
        body = await self._reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        if b"connection: close" in head.lower():
            self.is_ending = True
        status = head[9:12].decode()
        if status != "200" or not sent.ids:
            return Received(sent, sent_at, time.monotonic(), status)
        return Received(sent, sent_at, time.monotonic(), status, *_describe_answer(json.loads(body)))

    def close(self) -> None:
        with suppress(OSError):
            self._writer.close()


def _describe_answer(answer: dict[str, Any]) -> tuple[str, str]:
    """Return the version that answered, and a digest of the answer without what names the request."""
    answers = answer.get("races", [answer])
    versions = {single_answer.pop("model") for single_answer in answers}
    for entry in [*answers, *answer.get("events", []), *answer.get("rows", [])]:
        for name in ("id", "race_id", "player_id"):
            entry.pop(name, None)
    return " and ".join(sorted(versions)), hashlib.md5(json.dumps(answer).encode(), usedforsecurity=False).hexdigest()


def make_event(name: str) -> Sent:
    """Return a request for one event, of which there are few hundred."""
    return _ask_for_events([name], int(name.split("-")[1]) % 300)


def make_events(name: str) -> Sent:
    """Return a request for many events."""
    return _ask_for_events([f"{name}-{index}" for index in range(BATCH_EVENTS)], int(name.split("-")[1]) % 5)


def make_faulty(name: str) -> Sent:
    """Return a request that is refused."""
    return Sent("events", build_request("/predict/events", b'{"events": [{"name": ""}]}'), expected_status=422)


def make_abandoned(name: str) -> Sent:
    """Return a request for many events whose client leaves at once."""
    sent = make_events(name)
    return Sent("events", sent.request, sent.ids, leaves=True)


def make_reading(name: str) -> Sent:
    """Return a request for one of the pages that monitors and people look at."""
    path = ("/health", "/metrics", "/api/model_status", "/")[int(name.split("-")[1]) % 4]
    return Sent("", f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())


def make_race(name: str) -> Sent:
    """Return a request for a race."""
    from trueline.service.tasks.racing import EXAMPLE

    race: Any = EXAMPLE | {"race_id": f"race {name}"}
    request = build_request("/predict/racing", json.dumps(race).encode())
    return Sent("racing", request, (race["race_id"],), len(race["runners"]), "race")


def make_races(name: str) -> Sent:
    """Return a request for three races."""
    from trueline.service.tasks.racing import EXAMPLE

    races: Any = [EXAMPLE | {"race_id": f"races {name}-{index}"} for index in range(3)]
    request = build_request("/predict/racing/races", json.dumps({"races": races}).encode())
    return Sent("racing", request, tuple(race["race_id"] for race in races), len(races[0]["runners"]), "races")


def make_game(name: str) -> Sent:
    """Return a request for a player, whom nobody knows."""
    from trueline.service.tasks.props import EXAMPLE

    example: Any = EXAMPLE
    body = {"rows": [example["rows"][0] | {"player_id": f"player {name}"}]}
    return Sent("props", build_request("/predict/props", json.dumps(body).encode()), (f"player {name}",), 1, "game")


def list_kinds(tasks: Sequence[str]) -> list[Callable[[str], Sent]]:
    """Return the kinds of requests that are mixed for some tasks, one for each client."""
    kinds: dict[str, list[Callable[[str], Sent]]] = {
        "events": [make_event, make_event, make_event, make_events, make_faulty, make_abandoned],
        "racing": [make_race, make_races],
        "props": [make_game],
    }
    return [kind for task in tasks for kind in kinds[task]] + [make_reading]


def _ask_for_events(ids: list[str], variant: int) -> Sent:
    def write_text(number: int) -> str:
        return " ".join(WORDS[(number // len(WORDS) ** exponent) % len(WORDS)] for exponent in range(4))

    description = EVENT["description"]
    events = [
        {"id": name, "name": write_text(variant * len(ids) + index), "description": description}
        for index, name in enumerate(ids)
    ]
    request = build_request("/predict/events", json.dumps({"events": events, "top": 3}).encode())
    return Sent("events", request, tuple(ids), content=f"{len(ids)} events {variant}")
