"""The log of predictions: nothing is said twice, whatever happens meanwhile, and a torn line is written again."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from trueline.core.errors import UserError
from trueline.predict.production_log import append_predictions
from trueline.service.monitoring.prediction_log import read_log, stamp_rows

KEY = ("player_id", "date")


def rows(count: int = 3, **changes: Any) -> list[dict[str, Any]]:
    """Return stamped rows of some players."""
    logged = [{"player_id": str(number), "date": "2024-02-11", "predicted": 20.5} | changes for number in range(count)]
    return stamp_rows(logged, "m:1", "abc")


def append(folder: str, count: int) -> None:
    """Append rows in a process of its own."""
    append_predictions(Path(folder), "props", rows(count), KEY)


def test_the_same_predictions_are_logged_once_and_changed_ones_anew(tmp_path: Path) -> None:
    assert append_predictions(tmp_path, "props", rows(), KEY) == 3
    assert append_predictions(tmp_path, "props", rows(), KEY) == 0
    assert append_predictions(tmp_path, "props", rows(4), KEY) == 1
    assert append_predictions(tmp_path, "props", rows(4, line=21.5), KEY) == 4
    assert append_predictions(tmp_path, "props", rows(4), KEY) == 4, "the line moved back"
    assert len(read_log(tmp_path / "props")) == 12


def test_a_torn_line_counts_as_not_logged(tmp_path: Path) -> None:
    append_predictions(tmp_path, "props", rows(), KEY)
    file = next((tmp_path / "props").glob("*.jsonl"))
    file.write_bytes(file.read_bytes()[:-20])
    assert append_predictions(tmp_path, "props", rows(), KEY) == 1
    assert sorted(row["player_id"] for row in read_log(tmp_path / "props")) == ["0", "1", "2"]


def test_runs_at_the_same_time_log_each_prediction_once(tmp_path: Path) -> None:
    fresh = multiprocessing.get_context("spawn")
    writers = [fresh.Process(target=append, args=(str(tmp_path), 40)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(read_log(tmp_path / "props")) == 40


def test_a_folder_that_cannot_be_written_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written to"):
        append_predictions(tmp_path / "file", "props", rows(), KEY)
