"""Speed of the service beyond one text: a race, a slate, several races at once, a card, and /health under stress."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trueline.benchmarks._http_clients import HOST, KeepAliveClient, RunningServer, build_request, run_server
from trueline.benchmarks._printed_figures import print_spread, print_value
from trueline.predict.predict_card import load_model, predict_with_model
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.tasks import props, racing

ROOT = Path(__file__).parents[2]
SERVICE, EMPTY_SERVICE = ("-m", "trueline.service"), ("-m", "trueline.benchmarks._noop_app")
CALLS, WARM_UP_CALLS = 60, 5  # of each kind; the first are not counted
RACES_TOGETHER = 50
CARD_ROWS = 10_000
SINGLE_CALLS = 200  # single requests, from whose mean the time of as many as the card has rows follows
STRESS_CLIENTS, STRESS_SECONDS, STRESS_EVENTS = 6, 10.0, 300  # of the last, each takes a while in the threads
HEALTH_EVERY_SECONDS = 0.02
HEALTH_REQUEST = f"GET /health HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def measure_races(texts: Iterator[dict[str, str]], log: Path) -> None:
    """Print the time of a race and of a slate beside an empty request, and of several races at once."""
    with (
        run_server(*SERVICE, "--tasks", "racing", "props", "--log", str(log)) as server,
        run_server(*EMPTY_SERVICE) as empty_server,
    ):
        server.wait_until_idle()
        print("\na race and a slate at the socket, each as in the examples of the documentation")
        empty_body = json.dumps({"events": [next(texts)]}).encode()
        empty_seconds, _ = _time_calls(empty_server, build_request("/predict/events", empty_body))
        for name, path, example, goal in (
            ("a race of 8 runners", "/predict/racing", racing.EXAMPLE, "p50 ≤ 25 ms"),
            ("a slate of 1 player", "/predict/props", props.EXAMPLE, ""),
        ):
            seconds, cpu_seconds = _time_calls(server, build_request(path, json.dumps(example).encode()))
            print_spread(name, seconds, goal)
            print_value("processor time a request", cpu_seconds * 1000, "ms")
            print_value("over an empty request", float(np.median(seconds) / np.median(empty_seconds)), "")
    _measure_races_together()


def measure_health(texts: Iterator[dict[str, str]], log: Path) -> None:
    """Print how long /health takes while clients ask for more than the service can answer."""
    bodies = [json.dumps({"events": list(islice(texts, STRESS_EVENTS))}).encode() for _ in range(40)]
    with run_server(*SERVICE, "--tasks", "events", "--log", str(log)) as server:
        server.wait_until_idle()
        print(f"\n/health, alone and while {STRESS_CLIENTS} clients post {STRESS_EVENTS} events at a time")
        print_spread("alone", _time_health(server.port, STRESS_SECONDS / 4))
        context = multiprocessing.get_context("spawn")
        clients = [
            context.Process(target=_post_bodies, args=(server.port, bodies[number:], STRESS_SECONDS), daemon=True)
            for number in range(STRESS_CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(1.0)
        print_spread("under stress", _time_health(server.port, STRESS_SECONDS - 2), "p99 < 50 ms")
        for client in clients:
            client.join()


def measure_cards(texts: Iterator[dict[str, str]], folder: Path) -> None:
    """Print the time of a card of many rows beside that of as many single requests to the service."""
    folder.mkdir()
    events = list(islice(texts, CARD_ROWS))
    event_card = folder / "events.json"
    event_card.write_text(json.dumps(events))
    event_bodies = [json.dumps({"events": [next(texts)]}).encode() for _ in range(SINGLE_CALLS)]
    races, race_card = _copy_races(), folder / "racing.csv"
    races.to_csv(race_card, index=False)
    race_bodies = [json.dumps(racing.EXAMPLE).encode()] * SINGLE_CALLS
    print(f"\n{CARD_ROWS:,} rows in one card, beside as many single requests to the service")
    with run_server(*SERVICE, "--tasks", "events", "racing", "--log", str(folder / "log")) as server:
        server.wait_until_idle()
        _time_card(server, "events", event_card, event_bodies, CARD_ROWS)
        _time_card(server, "racing", race_card, race_bodies, int(races["race_id"].nunique()))


def _time_card(server: RunningServer, task: str, card: Path, bodies: list[bytes], requests: int) -> None:
    """Print the time of a card, that of as many single requests as it would take, and how many times as long that is.

    The card's model is loaded beforehand, as the service's is.
    """
    client = KeepAliveClient(server.port)
    seconds = client.time_requests([build_request(f"/predict/{task}", body) for body in bodies])
    client.close()
    single_seconds = float(np.mean(seconds[WARM_UP_CALLS:])) * requests
    loaded, moment = load_model(ROOT, task, None), pd.Timestamp("2024-04-30")
    card_seconds = _time_call(lambda: predict_with_model(ROOT, loaded, card, moment))
    print_value(f"{task}: one card", card_seconds, "s")
    print_value(f"{task}: {requests:,} single requests", single_seconds, "s")
    print_value(f"{task}: single requests over the card", single_seconds / card_seconds, "", "≥ 50")


def _measure_races_together() -> None:
    """Print the time of a race in process, predicted alone and together with others."""
    model = racing.load(open_workspace(ROOT))
    requests = [
        racing.Request.model_validate_json(json.dumps(racing.EXAMPLE | {"race_id": f"race {number}"}))
        for number in range(RACES_TOGETHER)
    ]
    cards = [racing.prepare_card(model, request) for request in requests]
    rows = pd.concat(cards, ignore_index=True)
    alone_seconds = _time_call(lambda: [model.predictor.predict_rows(card) for card in cards])
    together_seconds = _time_call(lambda: model.predictor.predict_batches(rows))
    print(f"\n{RACES_TOGETHER} prepared races in process, one by one and together")
    print_value("a race alone", alone_seconds / RACES_TOGETHER * 1000, "ms")
    print_value("a race together with the others", together_seconds / RACES_TOGETHER * 1000, "ms")
    print_value("alone over together", alone_seconds / together_seconds, "")


def _copy_races() -> pd.DataFrame:
    """Return the sample's card with its races repeated, minute by minute, until there are CARD_ROWS rows."""
    card = pd.read_csv(ROOT / "data/sample/cards/racing.csv")
    copies = []
    for copy in range(CARD_ROWS // len(card) + 1):
        start_times = pd.to_datetime(card["start_time"]) + pd.Timedelta(minutes=copy)
        copies.append(card.assign(race_id=card["race_id"] + f"-{copy}", start_time=start_times))
    return pd.concat(copies, ignore_index=True).head(CARD_ROWS)


def _time_calls(server: RunningServer, request: bytes) -> tuple[list[float], float]:
    """Return the seconds of each request, and the mean processor seconds of the server for one."""
    client = KeepAliveClient(server.port)
    client.time_requests([request] * WARM_UP_CALLS)
    cpu_before = server.measure_cpu()
    seconds = client.time_requests([request] * CALLS)
    cpu_seconds = (server.measure_cpu() - cpu_before) / CALLS
    client.close()
    return seconds, cpu_seconds


def _time_health(port: int, duration: float) -> list[float]:
    """Return the seconds of each request to /health, on one connection."""
    client, seconds, deadline = KeepAliveClient(port), [], time.perf_counter() + duration
    while time.perf_counter() < deadline:
        seconds += client.time_requests([HEALTH_REQUEST])
        time.sleep(HEALTH_EVERY_SECONDS)
    client.close()
    return seconds


def _post_bodies(port: int, bodies: list[bytes], duration: float) -> None:
    """Post one body after the other, whatever the answer."""
    client, deadline = KeepAliveClient(port), time.perf_counter() + duration
    for body in cycle(bodies):
        if time.perf_counter() > deadline:
            break
        client.send_request(build_request("/predict/events", body))
    client.close()


def _time_call(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
