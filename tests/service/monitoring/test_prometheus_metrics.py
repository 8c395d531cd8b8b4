"""Counts match the requests that were made, whichever part of the app answered them."""

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.service import trained_repo
from trueline.service.app import create_app
from trueline.service.monitoring.drift_reference import read_reference_drift, sample_predictions
from trueline.service.monitoring.prediction_drift import PredictionDrift
from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
from trueline.service.settings import Settings
from trueline.service.tasks.events import EXAMPLE


def count(client: TestClient, line: str) -> float:
    """Return the number after a metric's name and labels, 0 if there is none."""
    lines = client.get("/metrics").text.splitlines()
    return next((float(found.rpartition(" ")[2]) for found in lines if found.startswith(line + " ")), 0.0)


def test_every_answer_is_counted_by_its_route_and_status(client: TestClient) -> None:
    lines = {
        'trueline_requests_total{method="POST",route="/predict/events",status="200"}': 2,
        'trueline_requests_total{method="POST",route="/predict/events",status="422"}': 1,
        'trueline_requests_total{method="POST",route="/predict/{task}",status="404"}': 1,
        'trueline_requests_total{method="GET",route="none",status="404"}': 1,
        'trueline_requests_total{method="other",route="none",status="404"}': 1,
        'trueline_seconds_count{route="/predict/events"}': 3,
    }
    before = {line: count(client, line) for line in lines}
    for body in ({"events": [EXAMPLE]}, {"events": [EXAMPLE] * 3}, {"events": 3}):
        client.post("/predict/events", json=body)
    client.post("/predict/nothing", json={})
    client.get("/a/path/that/somebody/made/up")
    client.request("BREW", "/coffee")
    assert {line: count(client, line) - before[line] for line in lines} == lines


def test_every_chance_is_counted_once_in_its_tenth(client: TestClient) -> None:
    tags = len(trained_repo.fitted()[0].tags)
    ends = [*(str(step / 10) for step in range(1, 11)), "2.0"]
    lines = [f'trueline_predictions_total{{at_most="{end}",task="events"}}' for end in ends]
    before = [count(client, line) for line in lines]
    client.post("/predict/events", json={"events": [EXAMPLE] * 2})
    more = [count(client, line) - then for line, then in zip(lines, before, strict=True)]
    served = client.app.state.service.loaded["events"].model  # type: ignore[attr-defined]
    chances = served.get_chances(EXAMPLE["name"], EXAMPLE["description"], EXAMPLE["location"])
    expected = 2 * np.histogram(chances, np.arange(11) / 10)[0]
    assert more == [*expected, 0]
    assert sum(more) == 2 * tags


def test_drift_is_measured_against_the_backtest_s_predictions(client: TestClient) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    asyncio.run(service.watch_drift())
    reference = sample_predictions(service.loaded["events"].files.resolve_path("data/predictions/events.parquet"))
    columns = [f"tuned:{tag}" for tag in trained_repo.fitted()[0].tags]
    assert sorted(reference) == sorted(trained_repo.batch()[columns].to_numpy().ravel().tolist())
    client.post("/predict/events", json={"events": [EXAMPLE] * 1000})
    assert count(client, 'trueline_drift{task="events"}') > 0.25  # one event a thousand times


def test_without_enough_predictions_no_drift_is_reported() -> None:
    drift = PredictionDrift.from_reference(np.linspace(0, 1, 1000).tolist())
    assert drift is not None
    assert "trueline_drift{" not in ServiceMetrics().render_text({"events": drift}).decode()
    drift.add_predictions([0.5] * 1000)
    assert 'trueline_drift{task="events"}' in ServiceMetrics().render_text({"events": drift}).decode()


def test_rows_that_cannot_be_logged_are_answered_and_counted_and_reported_now_and_then(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = client.app.state.service.endpoints["events"]  # type: ignore[attr-defined]

    def full(rows: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(endpoint._log, "append", full)
    before = count(client, 'trueline_unlogged_rows_total{task="events"}')
    for _ in range(4):
        assert client.post("/predict/events", json={"events": [EXAMPLE] * 3}).status_code == 200
    assert count(client, 'trueline_unlogged_rows_total{task="events"}') == before + 12
    messages = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert messages == ["rows of events were not logged (3 so far): no space left on device"]


def test_a_service_without_the_backtest_s_predictions_answers_and_reports_no_drift(
    repository: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(repository, tmp_path / "copy"))
    (folder / "data/predictions/events.parquet").unlink()
    with TestClient(create_app(Settings(root=str(folder), tasks=("events",), log=""))) as client:
        assert client.post("/predict/events", json={"events": [EXAMPLE] * 600}).status_code == 200
        service = client.app.state.service  # type: ignore[attr-defined]
        asyncio.run(service.watch_drift())
        assert service.drifts == {}
        assert "trueline_drift{" not in client.get("/metrics").text


def test_a_table_that_cannot_be_read_is_no_reference(tmp_path: Path) -> None:
    (tmp_path / "predictions.parquet").write_text("no table")
    assert asyncio.run(read_reference_drift(tmp_path / "predictions.parquet")) is None
