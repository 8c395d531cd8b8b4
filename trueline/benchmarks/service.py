"""The service: an event, a race, batches and cards, /health under stress, startup, memory, many clients, a shadow.

Real processes run on loopback with the workspace's models, which are only read; the log goes into a temporary folder.
Compared servers take requests in turn, so that a busy machine slows both. No text is sent twice unless stated, so the
service does not answer from its cache. `python -m trueline benchmarks service --seconds 10` shortens the load test.
"""

import argparse
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.train import text_network
from trueline.benchmarks._http_clients import (
    KeepAliveClient,
    LoadResult,
    build_request,
    count_torn_lines,
    list_worker_ids,
    run_load,
    run_server,
)
from trueline.benchmarks._printed_figures import print_count, print_spread, print_value
from trueline.benchmarks._service_speed import measure_cards, measure_health, measure_races
from trueline.core.models.text import embedding_network, vocabulary
from trueline.core.tables import table_schema
from trueline.core.text.cleaning import join_marked_fields
from trueline.core.text.tag_mentions import find_mentions, join_fields
from trueline.core.text.words import find_first_words
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.monitoring import prediction_log
from trueline.service.tasks import events

ROOT = Path(__file__).parents[2]
SERVICE_COMMAND = ("-m", "trueline.service", "--tasks", "events")
NETWORK_FOLDER = "models/events/comparison/text_network"
REQUESTS_PER_ROUND, ROUNDS = 50, 20
BATCH_EVENTS, CLIENTS = 1000, 50  # events in a batch, and concurrent clients
KERAS_CALLS, CALLS_PER_TURN = 100, 10  # calls of model.predict, and how many of each kind in a row


def main(*arguments: str) -> None:
    """Print every measurement with its goal."""
    parser = argparse.ArgumentParser(prog="python -m trueline benchmarks service")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the load test in seconds (default: 60)")
    options = parser.parse_args(arguments)
    texts = _generate_texts()
    with tempfile.TemporaryDirectory(prefix="trueline-log-") as folder:
        measure_socket(texts, Path(folder) / "socket")
        measure_races(texts, Path(folder) / "races")
        measure_health(texts, Path(folder) / "health")
        measure_cards(texts, Path(folder) / "cards")
        measure_shadow(texts, Path(folder) / "shadow")
        measure_load(texts, Path(folder) / "load", options.seconds, kill=False)
        measure_load(texts, Path(folder) / "kill", max(options.seconds / 4, 10.0), kill=True)
    measure_in_process(texts)


def measure_socket(texts: Iterator[dict[str, str]], log: Path) -> None:
    """Print startup, memory, one event against an empty endpoint, and a batch against single requests."""
    with (
        run_server(*SERVICE_COMMAND, "--log", str(log)) as server,
        run_server("-m", "trueline.benchmarks._noop_app") as empty_server,
    ):
        print("start and memory, the events' model alone")
        print_value("start to the first healthy answer", server.start_seconds, "s", "< 2 s")
        print_value("resident then", server.measure_memory(), "MB", "< 150 MB")
        server.wait_until_idle()
        cpu_before = server.measure_cpu(), empty_server.measure_cpu()
        service_seconds, empty_seconds = _time_in_turn([server.port, empty_server.port], texts)
        cpu_after = server.measure_cpu(), empty_server.measure_cpu()
        cpu_seconds = [after - start for after, start in zip(cpu_after, cpu_before, strict=True)]
        print("\none event at the socket, keep-alive, texts that never came before")
        print_spread("service", service_seconds, "p50 < 2 ms, p99 < 10 ms")
        print_spread("empty FastAPI endpoint", empty_seconds)
        print_value("ratio of p50", float(np.median(service_seconds) / np.median(empty_seconds)), "", "≤ 1.8")
        print_value("processor time a request", cpu_seconds[0] / len(service_seconds) * 1000, "ms")
        print_value("that of the empty endpoint", cpu_seconds[1] / len(empty_seconds) * 1000, "ms")
        repeated = [next(texts)] * REQUESTS_PER_ROUND
        ports = [server.port, empty_server.port]
        repeat_seconds, empty_repeat_seconds = _time_in_turn(ports, iter(repeated * (ROUNDS + 1)))
        repeat_ratio = float(np.median(repeat_seconds) / np.median(empty_repeat_seconds))
        print_value("ratio of p50, a text that came before", repeat_ratio, "")
        _measure_batch(server.port, texts)
        print_value("resident at the end", server.measure_memory(), "MB", "< 150 MB")


def measure_shadow(texts: Iterator[dict[str, str]], log: Path) -> None:
    """Print how much a shadow slows the champion."""
    alone = run_server(*SERVICE_COMMAND, "--log", str(log / "alone"))
    shadowed = run_server(*SERVICE_COMMAND, "--log", str(log / "both"), "--shadow", "events-model@workspace")
    with alone as plain_server, shadowed as shadowed_server:
        plain_server.wait_until_idle()
        shadowed_server.wait_until_idle()
        plain_seconds, shadowed_seconds = _time_in_turn([plain_server.port, shadowed_server.port], texts)
    print("\nthe champion alone, and beside a shadow that gets the same requests")
    print_spread("alone", plain_seconds)
    print_spread("with a shadow", shadowed_seconds)
    print_value("ratio of p50", float(np.median(shadowed_seconds) / np.median(plain_seconds)), "", "≤ 1.1")
    log_folder = log / "both/events"
    logged = [len(prediction_log.read_log(folder)) for folder in (log_folder, log_folder / "shadow")]
    print(f"  the champion logged {logged[0]:,} rows, its shadow {logged[1]:,}", flush=True)


def measure_load(texts: Iterator[dict[str, str]], log: Path, seconds: float, kill: bool) -> None:
    """Print how two workers serve many clients, with one worker killed half way if `kill`."""
    with run_server(*SERVICE_COMMAND, "--log", str(log), "--workers", "2") as server:
        server.wait_until_idle()
        timer = threading.Timer(seconds / 2, _kill_worker, [log / "events"])
        if kill:
            timer.start()
        result = run_load(server.port, CLIENTS, seconds, lambda name: _encode_body([next(texts) | {"id": name}]))
    logged = {row["id"] for row in prediction_log.read_log(log / "events")}
    killed = ", one killed half way" if kill else ""
    print(f"\n2 workers, {CLIENTS} clients at once, {seconds:g} s{killed}")
    print_spread("one event", result.seconds)
    print(f"  {len(result.answered) / seconds:,.0f} answers a second")
    print_count("answered with an error", len(result.refused))
    print_count("connections broken", result.broken, f"≤ {CLIENTS}, those of the killed worker" if kill else "0")
    print_count("answered, not in the log", len(result.answered - logged))
    print_count("torn lines of the log", count_torn_lines(log / "events"))
    if kill:
        print_count("workers that wrote", len(list_worker_ids(log / "events")), "3: a new one took its place")
    _print_rejections(result)


def measure_in_process(texts: Iterator[dict[str, str]]) -> None:
    """Print the time of one event in process: promoted model and network in NumPy against Keras's predict."""
    model = events.load(open_workspace(ROOT))
    network = text_network.load(ROOT / NETWORK_FOLDER)
    keras = _load_keras(network)
    names = "promoted model", "network in NumPy", "Keras's predict"
    durations: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(KERAS_CALLS // CALLS_PER_TURN + 1):
        calls = [_build_calls(model, network, keras, next(texts)) for _ in range(CALLS_PER_TURN)]
        for number, name in enumerate(names):
            seconds = [_time_call(call[number]) for call in calls]
            durations[name] += seconds if turn else []
    print("\none event in process, without HTTP; for Keras the words are numbered beforehand")
    for name, name_durations in durations.items():
        print_spread(name, name_durations)
    promoted, forward, keras_seconds = (float(np.median(name_durations)) for name_durations in durations.values())
    print_value("promoted model over Keras's predict", promoted / keras_seconds, "", "≤ 0.005")
    print_value("network in NumPy over Keras's predict", forward / keras_seconds, "", "≤ 0.005")


def _build_calls(
    model: events.Model, network: text_network.Model, keras: Any, event: dict[str, str]
) -> list[Callable[[], Any]]:
    """Return calls that tag one event in three ways; raises AssertionError if Keras's chances are not NumPy's."""
    fields = {name: event[name] for name in ("name", "description", "location")}
    text = join_marked_fields(fields, model.marks)
    mentions = np.array([find_mentions(join_fields(fields.values()), network.tags)])
    numbers = vocabulary.encode_texts([find_first_words(text, network.settings["length"])], network.word_ids, 1)
    mention_inputs = mentions if network.settings["names"] == "inputs" else mentions[:, :0]
    inputs = {"words": embedding_network.pad_token_ids(numbers), "beside": mention_inputs.astype(np.float32)}
    odds = np.exp(embedding_network.predict_log_odds(network.float64_weights, numbers[0], mention_inputs[0]))
    np.testing.assert_allclose(keras.predict(inputs, verbose=0)[0], odds / (1 + odds), atol=1e-5)
    request = events.Request.model_validate({"events": [fields]})
    return [
        lambda: events.answer(model, request),
        lambda: text_network.score_texts(network, [text], mentions),
        lambda: keras.predict(inputs, verbose=0),
    ]


def _load_keras(network: text_network.Model) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reports the processor's instruction sets on stderr
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # type: ignore[import-untyped,unused-ignore]  # imported here: it takes seconds

    model = keras.models.model_from_json(network.architecture)
    model.load_weights(ROOT / NETWORK_FOLDER / text_network.WEIGHTS_FILE)
    return model


def _measure_batch(port: int, texts: Iterator[dict[str, str]]) -> None:
    single = [build_request("/predict/events", _encode_body([next(texts)])) for _ in range(BATCH_EVENTS)]
    batch = build_request("/predict/events", _encode_body([next(texts) for _ in range(BATCH_EVENTS)]))
    client = KeepAliveClient(port)
    one_by_one, (batch_seconds,) = sum(client.time_requests(single)), client.time_requests([batch])
    client.close()
    print(f"\n{BATCH_EVENTS:,} events, one by one and in one request")
    print_value("one by one", BATCH_EVENTS / one_by_one, "events a second")
    print_value("in one request", BATCH_EVENTS / batch_seconds, "events a second")
    print_value("an event of it", batch_seconds / BATCH_EVENTS * 1e6, "µs", "≤ 110")
    print_value("one by one over together", one_by_one / batch_seconds, "")


def _time_in_turn(ports: Sequence[int], texts: Iterator[dict[str, str]]) -> list[list[float]]:
    """Return the seconds of requests to each port, sent in turn after a warm-up round that is not counted."""
    clients = [KeepAliveClient(port) for port in ports]
    durations: list[list[float]] = [[] for _ in ports]
    for turn in range(ROUNDS + 1):
        requests = [build_request("/predict/events", _encode_body([next(texts)])) for _ in range(REQUESTS_PER_ROUND)]
        for client, port_durations in zip(clients, durations, strict=True):
            seconds = client.time_requests(requests)
            port_durations += seconds if turn else []
    for client in clients:
        client.close()
    return durations


def _generate_texts() -> Iterator[dict[str, str]]:
    """Yield events of the workspace for ever, each with a number that makes its text new."""
    rows: pd.DataFrame = table_schema.read_table(ROOT / "data/prepared/events.parquet")
    records = rows[["row_id", "name", "description", "location"]].to_dict("records")
    for number in count():
        row: Any = records[number % len(records)]
        yield {
            "id": f"{row['row_id']}-{number}",
            "name": row["name"],
            "description": f"{row['description']} {number}",
            "location": row["location"],
        }


def _encode_body(rows: list[dict[str, str]]) -> bytes:
    return json.dumps({"events": rows}, ensure_ascii=False).encode()


def _kill_worker(log: Path) -> None:
    os.kill(min(list_worker_ids(log)), signal.SIGKILL)


def _time_call(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _print_rejections(result: LoadResult) -> None:
    for rejection in result.refused[:3]:
        print(f"    {rejection.decode(errors='replace')}")
