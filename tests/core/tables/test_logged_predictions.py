"""Logged predictions: the newest of each row is beside the prepared row, whatever the log holds besides."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stages.prepare import events, racing
from trueline.core.errors import UserError
from trueline.core.tables.logged_predictions import add_logged_predictions, list_logged_columns

RACES = pd.DataFrame({"row_id": ["r1:1", "r1:2", "r2:1"], "target": [1.0, 0.0, 1.0]})
TEXTS = pd.DataFrame({"row_id": ["e1", "e2"], "target:jazz": [1.0, 0.0]})
LATER, EARLIER = "2024-05-01T08:00:00+00:00", "2024-05-01T07:00:00+00:00"


def write_log(folder: Path, *rows: dict[str, Any]) -> str:
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (folder / "production.part000001.jsonl").write_text(text)
    return str(folder)


def test_of_several_predictions_of_a_runner_the_newest_counts(tmp_path: Path) -> None:
    key = {"race_id": "r1", "model": "m 1", "model_hash": "abc"}
    source = write_log(
        tmp_path,
        key | {"box": 1, "predicted": 0.7, "price": 2.5, "created_at": LATER},
        key | {"box": 1, "predicted": 0.1, "price": 2.0, "created_at": EARLIER},
        key | {"box": 2, "predicted": 0.3, "price": None, "created_at": EARLIER},
        {"race_id": "r1", "box": None, "predicted": 0.5, "created_at": LATER},
        {"race_id": "elsewhere", "box": 1, "predicted": 0.5, "created_at": LATER},
    )
    rows = add_logged_predictions(RACES, source, racing.LOGGED)
    assert rows["production"].tolist()[:2] == [0.7, 0.3]
    assert rows["production"].isna().tolist() == [False, False, True]
    assert rows["production_price"].tolist()[0] == 2.5
    assert rows["production_at"][0] == pd.Timestamp("2024-05-01T08:00")
    assert rows["production_hash"].tolist()[:2] == ["abc", "abc"]
    assert rows[list(RACES)].equals(RACES)
    assert all(column.evaluation_only and column.known == "after" for column in list_logged_columns(rows))
    kinds = {column.name: column.kind for column in list_logged_columns(rows)}
    assert (kinds["production"], kinds["production_model"], kinds["production_at"]) == ("number", "text", "time")


def test_of_texts_every_tag_has_a_column_and_the_texts_are_clean(tmp_path: Path) -> None:
    texts = {"name": "<b>Jazz</b>!!!", "description": "", "location": None}
    source = write_log(tmp_path, {"id": "e1"} | texts | {"predicted": {"jazz": 0.9, "choir": 0.2}, "created_at": LATER})
    rows = add_logged_predictions(TEXTS, source, events.LOGGED)
    assert rows[["production:jazz", "production:choir"]].iloc[0].tolist() == [0.9, 0.2]
    assert rows["production:jazz"].isna().tolist() == [False, True]
    assert rows["production_name"].tolist()[0] == "Jazz !"


def test_without_a_log_of_these_rows_nothing_is_added(tmp_path: Path) -> None:
    (tmp_path / "runners.csv").write_text("race_id,box\nr1,1\n")
    assert add_logged_predictions(RACES, str(tmp_path), racing.LOGGED) is RACES
    source = write_log(tmp_path, {"race_id": "elsewhere", "box": 1, "predicted": 0.5})
    assert add_logged_predictions(RACES, source, racing.LOGGED) is RACES


def test_a_log_without_what_names_a_row_is_an_error(tmp_path: Path) -> None:
    source = write_log(tmp_path, {"race": "r1", "box": 1, "predicted": 0.5})
    with pytest.raises(UserError, match="production has no column 'race_id'; did you mean 'race'"):
        add_logged_predictions(RACES, source, racing.LOGGED)
