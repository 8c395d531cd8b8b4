"""Texts as people really send them run through the pipeline of events, or are rejected in one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import pipeline_copy
from tests.stages.test_refusals import assert_rejected
from trueline.core.tables import table_schema

SAMPLE = json.loads((pipeline_copy.ROOT / "data/sample/events/events.json").read_text())


def copy_with_events(folder: Path, events: list[dict[str, Any]]) -> Path:
    """Return a quick copy of the repository with other events."""
    pipeline_copy.copy(folder)
    pipeline_copy.quicken(folder, "events")
    pipeline_copy.change(folder, train__events__comparison__learners=[])  # the network has tests of its own
    (folder / "data/sample/events/events.json").write_text(json.dumps(events))
    return folder


def test_odd_texts_are_kept_or_counted_and_never_stop_the_pipeline(tmp_path: Path) -> None:
    odd = [
        {"id": "emoji", "name": "🎉🎉🎉", "description": "🎷", "location": "", "tags": ["film"]},
        {"id": "huge", "name": "A long evening", "description": "choir and tea " * 70_000, "location": "", "tags": []},
        {"id": "right to left", "name": "ערב שירה", "description": "حفلة موسيقية", "location": "חיפה", "tags": []},
        {"id": "empty", "name": "", "description": None, "location": "", "tags": ["film"]},
        {"id": "markup", "name": "<b>Chess</b> &amp; tea", "description": "awwwesome", "location": "", "tags": ["tea"]},
        SAMPLE[0],
    ]
    events = [event | {"tags": [*event["tags"], "everywhere"]} for event in SAMPLE + odd]
    folder = pipeline_copy.run_pipeline(copy_with_events(tmp_path, events), "events")
    quality = json.loads((folder / "metrics/events/quality.json").read_text())
    kept = set(table_schema.read_table(folder / "data/prepared/events.parquet")["row_id"])
    assert {"huge", "right to left", "markup"} <= kept
    assert not {"emoji", "empty"} & kept  # symbols say nothing: no text is left
    assert quality["set_aside"]["empty text"] >= 1
    assert quality["set_aside"]["delivered twice"] >= 1
    assert quality["not_learnable"]["everywhere"] == "on every event"
    scored = json.loads((folder / "metrics/events/scores.json").read_text())["events"]
    assert scored["rows"] == quality["rows_out"]
    assert 0 < scored["micro_f1_low"] < scored["micro_f1"] < scored["micro_f1_high"] <= 1


@pytest.mark.parametrize(
    ("events", "changes", "message"),
    [
        ([event | {"tags": []} for event in SAMPLE], {}, "rows has a tag; add events that are tagged"),
        (SAMPLE, {"prepare__events__tags": ["film", "tea"]}, "which prepare.events.tags does not list"),
        (SAMPLE[:4], {}, "too few for these folds"),
        ([{"id": 1, "heading": "x", "tags": []}], {}, "no column 'name'"),
    ],
    ids=["no tags", "an unknown tag", "four events", "no names"],
)
def test_what_cannot_be_learned_from_is_rejected(
    tmp_path: Path, events: list[dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    folder = copy_with_events(tmp_path, events)
    pipeline_copy.change(folder, **changes)
    assert_rejected(pipeline_copy.run(folder, "prepare", "events"), "prepare", message, "events")
