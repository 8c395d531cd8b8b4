"""No crash corrupts the log, no two processes share a file, and every row comes back in order."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from trueline.service.monitoring.prediction_log import PredictionLog, read_log, stamp_rows

ROOT = Path(__file__).parents[3]


def _write(folder: str, who: int, count: int) -> None:
    log = PredictionLog(Path(folder), 2000)
    for number in range(count):
        log.append(stamp_rows([{"who": who, "number": number}, {"who": who, "number": number + 0.5}], "m"))


def test_rows_come_back_as_they_were_the_oldest_first(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, 10**6)
    rows: list[dict[str, Any]] = [
        {"name": "日本 é \u2028", "predicted": {"a": 0.1 + 0.2}},
        {"name": 'q"\n', "predicted": None},
    ]
    log.append(stamp_rows(rows, "events-model@v1.0.0"))
    log.append(stamp_rows([{"created_at": "2001-01-01T00:00:00+00:00", "model": "own"}], "m"))
    found = read_log(tmp_path)
    assert found[0] == {"created_at": "2001-01-01T00:00:00+00:00", "model": "own"}
    assert [{name: row[name] for name in ("name", "predicted")} for row in found[1:]] == rows
    assert {row["model"] for row in found[1:]} == {"events-model@v1.0.0"}


def test_a_full_file_is_followed_by_the_next_and_none_is_longer_than_it_may_be(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, 500)
    for number in range(100):
        log.append([{"number": number}])
    files = sorted(tmp_path.iterdir())
    assert len(files) > 2
    assert all(file.stat().st_size <= 500 for file in files)
    assert {file.name.split("-")[0] for file in files} == {str(os.getpid())}
    assert sorted(row["number"] for row in read_log(tmp_path)) == list(range(100))


def test_half_a_surrogate_pair_is_logged_as_a_question_mark(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, 10**6)
    log.append([{"text": "tea \ud83c", "chance": 0.1}, {"text": "tea", "chance": 1e-05}])
    assert read_log(tmp_path) == [{"text": "tea ?", "chance": 0.1}, {"text": "tea", "chance": 1e-05}]


@pytest.mark.parametrize("number", [0.1, 1 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789])
def test_a_logged_number_comes_back_to_the_last_bit(tmp_path: Path, number: float) -> None:
    PredictionLog(tmp_path, 10**6).append([{"number": number}])
    assert read_log(tmp_path)[0]["number"].hex() == number.hex()


def test_a_new_day_begins_a_new_file_and_removes_those_that_are_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [time.time() - 4 * 86_400]
    monkeypatch.setattr("trueline.service.monitoring.prediction_log.time.time", lambda: clock[0])
    log, kept = PredictionLog(tmp_path, 10**6, keep_days=2.5), PredictionLog(tmp_path / "kept", 10**6)
    for day in range(5):
        for number in range(2):
            for written in (log, kept):
                written.append([{"day": day, "number": number}])
        for file in [*tmp_path.glob("*.jsonl"), *tmp_path.glob("kept/*.jsonl")]:
            if json.loads(file.read_text().splitlines()[0])["day"] == day:
                os.utime(file, (clock[0], clock[0]))
        clock[0] += 86_400
    assert [row["day"] for row in read_log(tmp_path)] == [2, 2, 3, 3, 4, 4]
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    assert len(read_log(tmp_path / "kept")) == 10


def test_rows_that_are_longer_than_a_file_may_be_are_written_all_the_same(tmp_path: Path) -> None:
    PredictionLog(tmp_path, 10).append([{"text": "a" * 100}])
    assert read_log(tmp_path) == [{"text": "a" * 100}]


def test_a_process_with_an_old_process_s_number_leaves_its_files_alone(tmp_path: Path) -> None:
    PredictionLog(tmp_path, 10**6).append([{"number": 1}])
    old = tmp_path / f"{os.getpid()}-0.jsonl"
    old.write_text(old.read_text() + '{"number": 2, "to')
    PredictionLog(tmp_path, 10**6).append([{"number": 3}])
    assert sorted(row["number"] for row in read_log(tmp_path)) == [1, 3]


@pytest.mark.parametrize("end", [b'{"number": 9', b'{"number": 9}\n{"nu', b"\x00\x00", b"3\n[]\n", b"\xff\n"])
def test_a_torn_line_is_left_out_and_every_whole_one_is_read(tmp_path: Path, end: bytes) -> None:
    log = PredictionLog(tmp_path, 10**6)
    log.append([{"number": 1}, {"number": 2}])
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes() + end)
    assert [row["number"] for row in read_log(tmp_path) if row["number"] < 9] == [1, 2]
    assert len(read_log(tmp_path)) == 2 + end.startswith(b'{"number": 9}')


def test_a_write_that_the_disk_cuts_short_raises_and_corrupts_no_later_row(tmp_path: Path) -> None:
    code = f"""
import resource, signal
from pathlib import Path
from trueline.service.monitoring.prediction_log import PredictionLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = PredictionLog(Path({str(tmp_path)!r}), 10**6)
log.append([{{"number": 1}}])
resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))
try:
    log.append([{{"number": 2}}])
except OSError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append([{{"number": 3}}])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "could be written" in done.stdout
    assert [row["number"] for row in read_log(tmp_path)] == [1, 3]


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    fresh = multiprocessing.get_context("spawn")
    writers = [fresh.Process(target=_write, args=(str(tmp_path), who, 50)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    rows = [(row["who"], row["number"]) for row in read_log(tmp_path)]
    assert sorted(rows) == [(who, number / 2) for who in range(3) for number in range(100)]


def test_threads_that_write_at_once_lose_nothing_and_tear_nothing(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, 1500)
    with ThreadPoolExecutor(8) as writers:
        list(
            writers.map(lambda number: log.append([{"number": number, "part": part} for part in range(3)]), range(300))
        )
    rows = sorted((row["number"], row["part"]) for row in read_log(tmp_path))
    assert rows == [(number, part) for number in range(300) for part in range(3)]
    assert all(file.stat().st_size <= 1500 for file in tmp_path.iterdir())


def test_a_process_that_is_killed_leaves_whole_lines(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from trueline.service.monitoring.prediction_log import PredictionLog
log = PredictionLog(Path({str(tmp_path)!r}), 10**9)
number = 0
while True:
    log.append([{{"number": number + step}} for step in range(20)])
    number += 20
    if number == 2000: print("going", flush=True)
"""
    writer = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    numbers = [row["number"] for row in read_log(tmp_path)]
    assert len(numbers) >= 2000
    assert numbers == list(range(len(numbers)))


def test_the_log_as_a_table_is_printed_line_by_line(tmp_path: Path) -> None:
    PredictionLog(tmp_path, 10**6).append([{"player_id": "p1", "predicted": 12.5}])
    command = [sys.executable, "-m", "trueline.service.monitoring.prediction_log", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"player_id": "p1", "predicted": 12.5}]


def test_a_folder_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert read_log(tmp_path / "nothing") == []
