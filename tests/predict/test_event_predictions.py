"""Untagged texts: the service's chances bit for bit, with the tags, and one row of the log an event."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.pipeline_copy import ROOT, change
from tests.predict.page_commands import run_page_command
from tests.service import trained_repo
from trueline.core.errors import UserError
from trueline.core.tables import table_schema
from trueline.predict.predict_card import PredictedCard, predict_with_model
from trueline.service.artifacts.verified_files import open_workspace
from trueline.service.loaded_models import LoadedModel
from trueline.service.model_loading import load_task_model
from trueline.service.monitoring.prediction_log import read_log
from trueline.service.tasks import events as service

import pandas as pd  # isort: skip

MOMENT = pd.Timestamp("2025-09-01")
FIELDS = ["name", "description", "location"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of the events; tests must not change it."""
    folder = trained_repo.repository(tmp_path_factory.mktemp("texts"))
    (folder / "data/prepared").mkdir()
    table_schema.write_table(trained_repo.prepared(), folder / "data/prepared/events.parquet")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "data/sample/cards", folder / "data/sample/cards")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    sections = {f"prepare.{name}": params["prepare"][name] for name in ("defaults", "events")}
    trained_repo.seal(folder, trained_repo.PARAMS | sections, (*trained_repo.OUTS, "data/prepared/events.parquet"))
    return folder


@pytest.fixture(scope="module")
def loaded(repository: Path) -> LoadedModel:
    """The workspace's model."""
    return load_task_model("events", open_workspace(repository))


@pytest.fixture(scope="module")
def texts() -> list[dict[str, Any]]:
    """Some events of the sample, without tags."""
    sample = json.loads((ROOT / "data/sample/events/events.json").read_text())[10:40]
    return [{name: event[name] for name in ("id", *FIELDS)} for event in sample]


def predicted(
    repository: Path, loaded: LoadedModel, events: list[dict[str, Any]], folder: Path, **options: Any
) -> PredictedCard:
    """Return the predictions of events that are written to a file."""
    file = folder / "untagged.json"
    file.write_text(json.dumps(events))
    return predict_with_model(repository, loaded, file, MOMENT, **options)


def test_tags_and_chances_and_the_log_are_those_of_the_service_bit_for_bit(
    repository: Path, loaded: LoadedModel, texts: list[dict[str, Any]], tmp_path: Path
) -> None:
    answer = predicted(repository, loaded, texts, tmp_path, log_folder=tmp_path / "log")
    posted = [{name: value or "" for name, value in event.items()} for event in texts]
    request = service.Request.model_validate({"events": posted, "top": 100})
    served = service.answer(loaded.model, request)
    for row, tagged in zip(answer.table.to_dict("records"), served.events, strict=True):
        assert (row["id"], row["tags"]) == (tagged.id, "; ".join(tagged.tags))
        for chance in tagged.top:
            assert row[f"chance:{chance.tag}"] == chance.chance
            assert row[f"threshold:{chance.tag}"] == chance.threshold
    served_log = service.log_rows(loaded.model, request, served)
    logged = [{name: row[name] for name in served_log[0]} for row in read_log(tmp_path / "log" / "events")]
    assert logged == served_log
    assert predicted(repository, loaded, texts, tmp_path, log_folder=tmp_path / "log").logged == 0


def test_chances_are_those_of_the_batch_bit_for_bit(
    repository: Path, loaded: LoadedModel, texts: list[dict[str, Any]], tmp_path: Path
) -> None:
    table = predicted(repository, loaded, texts, tmp_path).table.set_index("id")
    batch = trained_repo.batch().set_index("row_id")
    shared = [event_id for event_id in table.index if event_id in batch.index]
    assert len(shared) > 20
    for tag in loaded.model.tags:
        np.testing.assert_array_equal(table.loc[shared, f"chance:{tag}"], batch.loc[shared, f"tuned:{tag}"])


def test_without_a_card_the_events_without_tags_in_the_source_are_tagged(
    repository: Path, loaded: LoadedModel, texts: list[dict[str, Any]], tmp_path: Path
) -> None:
    tagged = [event | {"tags": ["open"] if number % 3 else None} for number, event in enumerate(texts)]
    (tmp_path / "events.json").write_text(json.dumps([*tagged, {**texts[0], "id": "none", "tags": []}]))
    shutil.copy(repository / "params.yaml", tmp_path)
    change(tmp_path, tasks__events__source=str(tmp_path))
    table = predict_with_model(tmp_path, loaded, None, MOMENT).table
    assert table["id"].tolist() == [event["id"] for event in texts[::3]]


@pytest.mark.parametrize(
    ("change_event", "problem"),
    [
        (lambda event: event | {"id": "a"}, "id 'a' occurs twice in row 2"),
        (lambda event: {name: event[name] for name in ("id", "name")}, "the card has no description, location"),
        (lambda event: {name: event[name] for name in ("id", "location")}, "name"),
    ],
)
def test_a_card_without_ids_or_texts_is_refused(
    repository: Path, loaded: LoadedModel, texts: list[dict[str, Any]], change_event: Any, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=problem):
        predicted(repository, loaded, [change_event(event) for event in texts], tmp_path)


def test_the_command_of_the_page_tags_the_shipped_texts(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = run_page_command("events", repository, tmp_path, monkeypatch)
    assert len(table) == 12
    assert table["tags"].notna().all()
