"""Production part: what was logged is in the source once, though the source has a table of another model's already."""

import json
import shutil
from pathlib import Path

from stages.prepare import box_scores
from tests.pipeline_copy import ROOT
from trueline.daily.production_part import add_logged_predictions


def write_log(folder: Path, *players: str) -> None:
    folder.mkdir(exist_ok=True)
    row = {"date": "2024-02-01", "predicted": 11.25, "model": "m", "created_at": "2024-02-01T15:00:00+00:00"}
    lines = [json.dumps({"player_id": player, **row}) for player in players]
    (folder / "1-0.jsonl").write_text("\n".join([*lines, '{"player_id": "torn']))


def test_new_rows_of_the_log_are_added_once_and_read_with_the_others(tmp_path: Path) -> None:
    source, log = tmp_path / "source", tmp_path / "log"
    shutil.copytree(ROOT / "data/sample/props", source)
    before = len(box_scores.read(str(source))["production"])
    write_log(log, "1001", "1002")
    assert add_logged_predictions(log, source) == 2
    assert add_logged_predictions(log, source) == 0
    write_log(log, "1001", "1002", "1003")
    assert add_logged_predictions(log, source) == 1
    production = box_scores.read(str(source))["production"]
    assert len(production) == before + 3
    assert production["predicted"].tail(3).tolist() == [11.25] * 3
    assert production["player_id"].tail(3).astype(str).tolist() == ["1001", "1002", "1003"]


def test_without_a_log_nothing_is_added(tmp_path: Path) -> None:
    assert add_logged_predictions(tmp_path / "none", tmp_path) == 0
