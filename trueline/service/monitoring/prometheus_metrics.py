"""Prometheus metrics: counters of what the service did, and their text format."""

import os
from bisect import bisect_left
from collections import Counter as Count
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trueline.service.monitoring.count_files import MULTIPROCESS_FOLDER_VARIABLE
from trueline.service.monitoring.pooled_counts import read_pooled_counts
from trueline.service.monitoring.prediction_drift import PredictionDrift
from trueline.service.monitoring.process_figures import PROCESS_FIGURES, read_process_figures

LATENCY_BUCKETS_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
PREDICTION_BIN_ENDS = (*(step / 10 for step in range(1, 11)), 2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0)
PREDICTION_BIN_NAMES = (*map(str, PREDICTION_BIN_ENDS), "inf")
HTTP_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class ServiceMetrics:
    """Requests and latency by route, predictions and their distribution, drift, shadow requests and unlogged rows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry_option: Any = {"registry": self.registry}
        self._requests = Counter("trueline_requests", "answers", ["method", "route", "status"], **registry_option)
        self._seconds = Histogram(
            "trueline_seconds", "time to the last byte", ["route"], buckets=LATENCY_BUCKETS_SECONDS, **registry_option
        )
        self._rows = Counter("trueline_rows", "rows predicted", ["task", "model"], **registry_option)
        self._predictions = Counter(
            "trueline_predictions", "chances or numbers predicted", ["task", "at_most"], **registry_option
        )
        self._drift = Gauge(
            "trueline_drift", "population stability index of the latest predictions against the backtest's",
            ["task"], multiprocess_mode="livemax", **registry_option,
        )  # fmt: skip
        self._unlogged = Counter(
            "trueline_unlogged_rows", "rows that the log could not take", ["task"], **registry_option
        )
        self._refusals = Counter(
            "trueline_refused_connections", "connections refused before a request reached the app",
            ["status"], **registry_option,
        )  # fmt: skip
        self._process = {
            name: Gauge(f"trueline_process_{name}", meaning, multiprocess_mode="liveall", **registry_option)
            for name, meaning in PROCESS_FIGURES.items()
        }
        self._shadow = Counter(
            "trueline_shadow_requests", "requests that a challenger answered, failed at or never saw",
            ["task", "outcome"], **registry_option,
        )  # fmt: skip
        self._labelled_requests = lru_cache(maxsize=512)(self._requests.labels)
        self._labelled_seconds = lru_cache(maxsize=128)(self._seconds.labels)
        self._labelled_rows = lru_cache(maxsize=16)(self._rows.labels)
        self._labelled_predictions = lru_cache(maxsize=256)(self._predictions.labels)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._labelled_requests(method, route, str(status)).inc()
        self._labelled_seconds(route).observe(seconds)

    def count_refusal(self, outcome: str) -> None:
        """Count a connection that was answered with this status, or dropped, before a request reached the app."""
        self._refusals.labels(outcome).inc()

    def count_predictions(self, task: str, model: str, rows: int, numbers: Iterable[float]) -> None:
        """Count the rows of an answer and what was predicted for them."""
        self._labelled_rows(task, model).inc(rows)
        for index, count in Count(map(bisect_left, repeat(PREDICTION_BIN_ENDS), numbers)).items():
            self._labelled_predictions(task, PREDICTION_BIN_NAMES[index]).inc(count)

    def count_unlogged(self, task: str, rows: int) -> None:
        """Count rows that the log could not take."""
        self._unlogged.labels(task).inc(rows)

    def count_shadow_requests(self, task: str, outcome: str, requests: int) -> None:
        """Count requests that the challenger answered, failed on or never received."""
        self._shadow.labels(task, outcome).inc(requests)

    def record_process(self) -> None:
        """Note this worker's memory, processor time and open files."""
        for name, value in read_process_figures().items():
            self._process[name].set(value)

    def render_text(self, drifts: Mapping[str, PredictionDrift]) -> bytes:
        """Return all counts as text; with several worker processes, the totals over all of them.

        They are this process's alone if the folder is gone in which the processes pool theirs.
        """
        self.record_process()
        for task, drift in drifts.items():
            if (index := drift.compute_index()) is not None:
                self._drift.labels(task).set(index)
        folder = os.environ.get(MULTIPROCESS_FOLDER_VARIABLE, "")
        return generate_latest(read_pooled_counts(Path(folder)) if os.path.isdir(folder) else self.registry)


class RequestCountMiddleware:
    """Count every answer, whichever part of the app gave it."""

    def __init__(self, app: ASGIApp, counters: ServiceMetrics) -> None:
        self._app, self._counters = app, counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 500

        async def send_and_record(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_record)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # not the raw path: clients may invent any number
            method = scope["method"] if scope["method"] in HTTP_METHODS else "other"
            self._counters.count_request(method, route, status, perf_counter() - start)
