"""Counts that worker processes pool are read while workers begin and end."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from trueline.service.monitoring.count_files import (
    MULTIPROCESS_FOLDER_VARIABLE,
    SLOT_VARIABLE,
    remove_gauges,
)
from trueline.service.monitoring.pooled_counts import read_pooled_counts

COUNT_THREE_REQUESTS = """
from trueline.service.monitoring.count_files import use_slot_files
use_slot_files()
from trueline.service.monitoring.prometheus_metrics import ServiceMetrics
metrics = ServiceMetrics()
for _ in range(3):
    metrics.count_request("GET", "/", 200, 0.1)
metrics.record_process()
"""
TOTAL = b'trueline_requests_total{method="GET",route="/",status="200"} 3.0'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a worker of slot 0 counted three requests and its own memory."""
    environment = {MULTIPROCESS_FOLDER_VARIABLE: str(tmp_path), SLOT_VARIABLE: "0"}
    subprocess.run([sys.executable, "-c", COUNT_THREE_REQUESTS], env=environment, check=True)
    return tmp_path


def test_a_worker_s_figures_end_with_it_and_its_totals_do_not(folder: Path) -> None:
    assert b"trueline_process_" in generate_latest(read_pooled_counts(folder))
    remove_gauges(folder, 0)
    text = generate_latest(read_pooled_counts(folder))
    assert TOTAL in text
    assert b"trueline_process_" not in text


def test_a_file_that_a_worker_has_created_and_not_yet_filled_is_skipped(folder: Path) -> None:
    (folder / "counter_1.db").touch()
    assert TOTAL in generate_latest(read_pooled_counts(folder))


def test_files_that_come_and_go_while_they_are_read_are_no_failure(folder: Path) -> None:
    gauges, is_over = {file: file.read_bytes() for file in folder.glob("gauge_*")}, threading.Event()
    assert gauges

    def replace_workers() -> None:
        while not is_over.is_set():
            remove_gauges(folder, 0)
            for file, content in gauges.items():
                filled = file.with_suffix(".filled")
                filled.write_bytes(content)
                filled.rename(file)

    replacing = threading.Thread(target=replace_workers)
    replacing.start()
    try:
        texts = [generate_latest(read_pooled_counts(folder)) for _ in range(1000)]
    finally:
        is_over.set()
        replacing.join()
    assert all(TOTAL in text for text in texts)
