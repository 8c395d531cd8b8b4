"""The service: one event in process and at the socket, a batch, its start, its memory, many clients, a shadow.

Real processes on loopback with the workspace's models, which are read; the log goes into a temporary folder. What is
compared is asked in turn, so that a busy machine slows both. No text comes twice, so the service never answers from
memory. `python -m benchmarks service --seconds 10` makes the load shorter.
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

from benchmarks._served import Line, Load, load, posted, served, torn, workers
from core import pooled_network, tables, vocabulary
from core.mentions import in_one, stands
from core.texts import joined
from service import prediction_log
from service.artifacts import workspace
from service.tasks import events
from stages.train import text_network

ROOT = Path(__file__).parent.parent
TASKS = ("-m", "service", "--tasks", "events")
RIVAL = "models/events/rivals/text_network"
SINGLE, ROUNDS, BATCH, CLIENTS = 50, 20, 1000, 50  # requests a round, rounds, events of a batch, clients at once
KERAS, TURN = 100, 10  # calls of model.predict, and how many of each kind in a row


def main(*words: str) -> None:
    """Print every figure with its goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks service")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long many clients ask (60)")
    asked = parser.parse_args(words)
    texts = _texts()
    with tempfile.TemporaryDirectory(prefix="trueline-log-") as folder:
        at_the_socket(texts, Path(folder) / "socket")
        beside_a_shadow(texts, Path(folder) / "shadow")
        under_load(texts, Path(folder) / "load", asked.seconds, kill=False)
        under_load(texts, Path(folder) / "kill", max(asked.seconds / 4, 10.0), kill=True)
    in_process(texts)


def at_the_socket(texts: Iterator[dict[str, str]], log: Path) -> None:
    """Print start, memory, one event against an empty endpoint, and a batch against one by one."""
    with served(*TASKS, "--log", str(log)) as ours, served("-m", "benchmarks._empty") as empty:
        print("start and memory, the events' model alone")
        _said("start to the first healthy answer", ours.began, "s", "< 2 s")
        _said("resident then", ours.resident(), "MB", "< 150 MB")
        ours.settle()
        before = ours.cpu(), empty.cpu()
        mine, theirs = _in_turn([ours.port, empty.port], texts)
        spent = [after - start for after, start in zip((ours.cpu(), empty.cpu()), before, strict=True)]
        print("\none event at the socket, keep-alive, texts that never came before")
        _spread("service", mine, "p50 < 2 ms, p99 < 10 ms")
        _spread("empty FastAPI endpoint", theirs)
        _said("ratio of p50", float(np.median(mine) / np.median(theirs)), "", "≤ 1.3")
        _said("processor time a request", spent[0] / len(mine) * 1000, "ms")
        _said("that of the empty endpoint", spent[1] / len(theirs) * 1000, "ms")
        known = [next(texts)] * SINGLE
        again, idle = _in_turn([ours.port, empty.port], iter(known * (ROUNDS + 1)))
        _said("ratio of p50, a text that came before", float(np.median(again) / np.median(idle)), "")
        _batch(ours.port, texts)
        _said("resident at the end", ours.resident(), "MB", "< 150 MB")


def beside_a_shadow(texts: Iterator[dict[str, str]], log: Path) -> None:
    """Print what a shadow costs the champion."""
    alone = served(*TASKS, "--log", str(log / "alone"))
    both = served(*TASKS, "--log", str(log / "both"), "--shadow", "events-model@workspace")
    with alone as without, both as beside:
        without.settle()
        beside.settle()
        off, on = _in_turn([without.port, beside.port], texts)
    print("\nthe champion alone, and beside a shadow that is asked the same")
    _spread("alone", off)
    _spread("with a shadow", on)
    _said("ratio of p50", float(np.median(on) / np.median(off)), "", "≤ 1.1")
    held = log / "both/events"
    logged = [len(prediction_log.read(place)) for place in (held, held / "shadow")]
    print(f"  the champion logged {logged[0]:,} rows, its shadow {logged[1]:,}", flush=True)


def under_load(texts: Iterator[dict[str, str]], log: Path, seconds: float, kill: bool) -> None:
    """Print what two workers do under many clients, one worker killed half way or none."""
    with served(*TASKS, "--log", str(log), "--workers", "2") as ours:
        ours.settle()
        timer = threading.Timer(seconds / 2, _kill_one, [log / "events"])
        if kill:
            timer.start()
        found = load(ours.port, CLIENTS, seconds, lambda name: _body([next(texts) | {"id": name}]))
    logged = {row["id"] for row in prediction_log.read(log / "events")}
    killed = ", one killed half way" if kill else ""
    print(f"\n2 workers, {CLIENTS} clients at once, {seconds:g} s{killed}")
    _spread("one event", found.seconds)
    print(f"  {len(found.answered) / seconds:,.0f} answers a second")
    _count("answered with an error", len(found.refused))
    _count("connections broken", found.broken, f"≤ {CLIENTS}, those of the killed worker" if kill else "0")
    _count("answered, not in the log", len(found.answered - logged))
    _count("torn lines of the log", torn(log / "events"))
    if kill:
        _count("workers that wrote", len(workers(log / "events")), "3: a new one took its place")
    _show(found)


def in_process(texts: Iterator[dict[str, str]]) -> None:
    """Print one event in process: the promoted model and the network's forward pass, against Keras's predict."""
    model = events.load(workspace(ROOT))
    network = text_network.load(ROOT / RIVAL)
    keras = _in_keras(network)
    names = "promoted model", "network in NumPy", "Keras's predict"
    kept: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(KERAS // TURN + 1):
        calls = [_calls(model, network, keras, next(texts)) for _ in range(TURN)]
        for number, name in enumerate(names):
            seconds = [_seconds(call[number]) for call in calls]
            kept[name] += seconds if turn else []
    print("\none event in process, without HTTP; for Keras the words are numbered beforehand")
    for name, spent in kept.items():
        _spread(name, spent)
    promoted, forward, theirs = (float(np.median(spent)) for spent in kept.values())
    _said("promoted model over Keras's predict", promoted / theirs, "", "≤ 0.005")
    _said("network in NumPy over Keras's predict", forward / theirs, "", "≤ 0.005")


def _calls(
    model: events.Model, network: text_network.Model, keras: Any, event: dict[str, str]
) -> list[Callable[[], Any]]:
    """Return what tags one event three ways; raises where Keras's chances are not NumPy's."""
    fields = {name: event[name] for name in ("name", "description", "location")}
    text, said = joined(fields, model.marks), np.array([stands(in_one(fields.values()), network.tags)])
    numbers = vocabulary.ids([vocabulary.words(text, network.settings["length"])], network.places, 1)
    heard = said if network.settings["names"] == "inputs" else said[:, :0]
    given = {"words": pooled_network.padded(numbers), "beside": heard.astype(np.float32)}
    odds = np.exp(pooled_network.forward(network.doubles, numbers[0], heard[0]))
    np.testing.assert_allclose(keras.predict(given, verbose=0)[0], odds / (1 + odds), atol=1e-5)
    request = events.Request.model_validate({"events": [fields]})
    return [
        lambda: events.answer(model, request),
        lambda: text_network.score_texts(network, [text], said),
        lambda: keras.predict(given, verbose=0),
    ]


def _in_keras(network: text_network.Model) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it tells of the processor's instructions on stderr
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # type: ignore[import-untyped,unused-ignore]  # here: it takes seconds

    model = keras.models.model_from_json(network.architecture)
    model.load_weights(ROOT / RIVAL / text_network.WEIGHTS)
    return model


def _batch(port: int, texts: Iterator[dict[str, str]]) -> None:
    single = [posted("/predict/events", _body([next(texts)])) for _ in range(BATCH)]
    together = posted("/predict/events", _body([next(texts) for _ in range(BATCH)]))
    line = Line(port)
    one_by_one, (whole,) = sum(line.seconds(single)), line.seconds([together])
    line.close()
    print(f"\n{BATCH:,} events, one by one and in one request")
    _said("one by one", BATCH / one_by_one, "events a second")
    _said("in one request", BATCH / whole, "events a second")
    _said("ratio", one_by_one / whole, "", "≥ 20")


def _in_turn(ports: Sequence[int], texts: Iterator[dict[str, str]]) -> list[list[float]]:
    """Return the seconds of requests to each port, asked in turn after a round that is not counted."""
    lines = [Line(port) for port in ports]
    found: list[list[float]] = [[] for _ in ports]
    for turn in range(ROUNDS + 1):
        requests = [posted("/predict/events", _body([next(texts)])) for _ in range(SINGLE)]
        for line, kept in zip(lines, found, strict=True):
            seconds = line.seconds(requests)
            kept += seconds if turn else []
    for line in lines:
        line.close()
    return found


def _texts() -> Iterator[dict[str, str]]:
    """Yield events of the workspace for ever, each time with a number that makes them new."""
    rows: pd.DataFrame = tables.read(ROOT / "data/prepared/events.parquet")
    held = rows[["row_id", "name", "description", "location"]].to_dict("records")
    for number in count():
        row: Any = held[number % len(held)]
        yield {
            "id": f"{row['row_id']}-{number}",
            "name": row["name"],
            "description": f"{row['description']} {number}",
            "location": row["location"],
        }


def _body(rows: list[dict[str, str]]) -> bytes:
    return json.dumps({"events": rows}, ensure_ascii=False).encode()


def _kill_one(log: Path) -> None:
    os.kill(min(workers(log)), signal.SIGKILL)


def _seconds(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _spread(name: str, seconds: Sequence[float], goal: str = "") -> None:
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1000
    told = f"p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   n {len(seconds):,}"
    print(f"  {name:<38}{told}{f'    goal {goal}' if goal else ''}", flush=True)


def _said(name: str, value: float, unit: str, goal: str = "") -> None:
    print(f"  {name:<38}{value:10.4g} {unit:<16}{f'  goal {goal}' if goal else ''}".rstrip(), flush=True)


def _count(name: str, number: int, goal: str = "0") -> None:
    print(f"  {name:<38}{number:10,}    goal {goal}", flush=True)


def _show(found: Load) -> None:
    for said in found.refused[:3]:
        print(f"    {said.decode(errors='replace')}")
